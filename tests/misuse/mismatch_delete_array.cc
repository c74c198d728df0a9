// delete[] of what new made.
#include "misuse/announce.h"

int
main()
{
    char *one = static_cast<char *>(opaque(new char));
    misuse_announce(one);
    delete[] one;
    return 0;
}
