/* Anonymous memory and a caller's buffer as what is behind a space. */
#include "os/os.h"
#include "space/space.h"

static bool
anonymous_commit(struct tn_space *space, char *start, size_t size)
{
    (void)space;
    return tn_os_commit(start, size);
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

static void
anonymous_release(struct tn_space *space)
{
    tn_os_release(space->base, space->size);
}

const struct tn_backing tn_anonymous_backing = {anonymous_commit, anonymous_purge,
                                                anonymous_move, anonymous_release};

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

const struct tn_backing tn_buffer_backing = {buffer_commit, buffer_purge, NULL, buffer_release};
