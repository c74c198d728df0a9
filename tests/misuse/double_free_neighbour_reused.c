/* Double free after blocks around it were freed and handed out again. */
#include "misuse/announce.h"

int
main(void)
{
    void *blocks[64];
    for (int i = 0; i < 64; i++) {
        blocks[i] = misuse_malloc(96);
    }
    for (int i = 0; i < 64; i++) {
        free(blocks[i]);
    }
    /* Half as many as are free: the block freed first or last is among them, not all are. */
    void *again[32];
    for (int i = 0; i < 32; i++) {
        again[i] = misuse_malloc(96);
    }
    for (int i = 0; i < 64; i++) {
        bool live = false;
        for (int j = 0; j < 32; j++) {
            live = live || again[j] == blocks[i];
        }
        if (!live) {
            misuse_free(blocks[i]);
        }
    }
    return 0;
}
