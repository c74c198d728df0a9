#include "malloc/start.h"

#include "heap/checked.h"
#include "os/option.h"
#include "os/os.h"
#include "watch/summary.h"

void
tn_start(void)
{
    static atomic_bool done;
    if (atomic_exchange(&done, true)) {
        return;
    }
    tn_options_read();
    if (tn_options.stats) {
        tn_os_keep_stderr();
    }
    if (tn_options.helper) {
        tn_helper_start();
    }
}

void
tn_end(void)
{
    static atomic_bool inspected;
    static atomic_bool done;
    if (tn_options.check && !atomic_exchange(&inspected, true)) {
        tn_checked_inspect();
    }
    if (tn_options.stats && !atomic_exchange(&done, true)) {
        tn_print_summary(tn_os_print_last);
    }
}
