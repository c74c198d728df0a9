/* Anonymous memory and a caller's buffer as what is behind a space. */
#include "os/option.h"
#include "os/os.h"
#include "space/space.h"

#define VERY_LARGE ((size_t)1 << 30) /* from here on the machine's memory is asked for */

static bool
anonymous_commit(struct tn_space *space, char *start, size_t size)
{
    (void)space;
    if ((size >= VERY_LARGE && tn_os_beyond_memory(size)) || !tn_os_commit(start, size)) {
        return false;
    }
    if (tn_options.huge_pages != TN_AUTO) {
        tn_os_huge_pages(start, size, tn_options.huge_pages == TN_ON);
    }
    if (tn_options.populate) {
        tn_os_populate(start, size);
    }
    return true;
}

static bool
anonymous_show(struct tn_space *space, char *start, size_t size)
{
    (void)space;
    return tn_os_show(start, size);
}

static bool
anonymous_purge(struct tn_space *space, char *start, size_t size)
{
    (void)space;
    return tn_os_purge(start, size);
}

static bool
anonymous_move(struct tn_space *space, char *from, char *to, size_t size)
{
    (void)space;
    return tn_os_move(from, to, size);
}

static bool
anonymous_renew(struct tn_space *space, char *start, size_t size)
{
    (void)space;
    bool done = tn_os_renew(start, size);
    if (done && tn_options.huge_pages != TN_AUTO) {
        tn_os_huge_pages(start, size, tn_options.huge_pages == TN_ON);
    }
    return done;
}

static void
anonymous_forked(struct tn_space *space)
{
    space->inherited = space->map->committed;
}

static void
anonymous_release(struct tn_space *space)
{
    tn_os_release(space->base, space->size);
}

const struct tn_backing tn_anonymous_backing = {
    .zero = true,
    .commit = anonymous_commit,
    .show = anonymous_show,
    .purge = anonymous_purge,
    .move = anonymous_move,
    .renew = anonymous_renew,
    .release = anonymous_release,
    .forked = anonymous_forked,
};

static bool
buffer_commit(struct tn_space *space, char *start, size_t size)
{
    (void)space, (void)start, (void)size;
    return true;
}

static bool
buffer_purge(struct tn_space *space, char *start, size_t size)
{
    (void)space, (void)start, (void)size;
    return false; /* the caller's memory stays as it is */
}

static void
buffer_release(struct tn_space *space)
{
    (void)space;
}

const struct tn_backing tn_buffer_backing = {
    .zero = false,
    .commit = buffer_commit,
    .purge = buffer_purge,
    .release = buffer_release,
};
