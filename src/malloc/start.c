#include "malloc/start.h"

#include "os/options.h"
#include "os/os.h"
#include "tarn/stats.h"

#include <string.h>

void
tn_start(void)
{
    static atomic_bool done;
    if (atomic_exchange(&done, true)) {
        return;
    }
    tn_options_read();
    if (tn_options.helper) {
        tn_helper_start();
    }
}

static void
print(void *unused, const char *line)
{
    char text[128];
    (void)unused;
    size_t length = strlen(line);
    if (length > sizeof text - 1) {
        length = sizeof text - 1;
    }
    memcpy(text, line, length);
    text[length++] = '\n';
    tn_os_print(text, length);
}

void
tn_end(void)
{
    static atomic_bool done;
    if (tn_options.stats && !atomic_exchange(&done, true)) {
        tarn_summary(print, NULL);
    }
}
