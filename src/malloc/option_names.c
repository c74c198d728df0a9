/* tarn/option.h: the options under their public names. */
#include "tarn/option.h"

#include "os/option.h"

#include <errno.h>
#include <string.h>

#define LONGEST_VALUE TN_PATH_MOST

bool
tarn_option_list(unsigned index, struct tarn_option *option)
{
    struct tn_option_text text;
    if (!tn_option_text(index, &text)) {
        return false;
    }
    option->name = text.name;
    option->values = text.values;
    option->standard = text.standard;
    option->meaning = text.meaning;
    option->running = text.running;
    return true;
}

int
tarn_option_get(const char *name, char *value, size_t size)
{
    char text[LONGEST_VALUE];
    tn_options_read();
    unsigned i = tn_option_find(name);
    if (i == TN_NO_OPTION) {
        errno = ENOENT;
        return -1;
    }
    size_t length = tn_option_show(i, text, sizeof text);
    if (size > 0) {
        size_t kept = length < size ? length : size - 1;
        memcpy(value, text, kept);
        value[kept] = 0;
    }
    return (int)length;
}

int
tarn_option_set(const char *name, const char *value)
{
    struct tn_option_text text = {0};
    tn_options_read();
    unsigned i = tn_option_find(name);
    if (i == TN_NO_OPTION) {
        errno = ENOENT;
        return -1;
    }
    if (!tn_option_fits(i, value)) {
        errno = EINVAL;
        return -1;
    }
    tn_option_text(i, &text);
    if (!text.running) {
        errno = EPERM;
        return -1;
    }
    tn_option_set(i, value);
    return 0;
}

const char *
tarn_option_nearest(const char *name)
{
    return tn_option_nearest(name);
}
