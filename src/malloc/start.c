#include "malloc/start.h"

#include "heap/checked.h"
#include "os/option.h"
#include "os/os.h"
#include "watch/profile.h"
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
    tn_profile_at_start();
    tn_orders_start();
    if (tn_options.helper) {
        tn_helper_start();
    }
}

void
tn_end(void)
{
    static atomic_bool done;
    if (atomic_exchange(&done, true)) {
        return;
    }
    if (tn_options.check) {
        tn_checked_inspect();
    }
    if (tn_options.stats) {
        tn_print_summary(tn_os_print_last);
    }
    tn_profile_at_end();
}
