/*
 * Images and fork. The child's memory is a copy, but what of it was not changed since it was mapped
 * is the file's, and a checkpoint writes there. So the child keeps checkpoints off as a reader
 * does, by a lock of its own: on the file opened once more, just before the fork, so that there is
 * no moment without. Parent and child have that opening both until the parent closes it.
 */
#include "persist/image.h"

#include <pthread.h>

/* Those in use, for forks. The lock is held for a moment only, and never across the fork: who waits
 * for it while holding anything else cannot hold up who has it. */
static struct tn_lock lock = {.rank = TN_RANK_IMAGE};
static struct tn_image *images;

static void
take_guard(struct tn_image *image)
{
    if (tn_file_again(image->file, TN_FILE_READ, &image->guard) != 0) {
        image->guard = -1;
    } else if (tn_file_lock(image->guard, TN_LOCK_READERS, TN_LOCK_SHARED, true) != 0) {
        tn_file_close(image->guard);
        image->guard = -1;
    }
}

/* In shared mode nobody reads but the writer, and its child. */
static bool
needs_guard(const struct tn_image *image)
{
    return !(image->flags & TARN_SHARED) && image->file >= 0;
}

/* Several threads may be about to fork: the last of them closes it. */
static void
before_fork(void)
{
    tn_lock(&lock);
    for (struct tn_image *image = images; image != NULL; image = image->next) {
        if (image->forks++ == 0 && needs_guard(image)) {
            take_guard(image);
        }
    }
    tn_unlock(&lock);
}

static void
in_parent(void)
{
    tn_lock(&lock);
    for (struct tn_image *image = images; image != NULL; image = image->next) {
        if (image->forks > 0 && --image->forks == 0) {
            tn_file_close(image->guard);
            image->guard = -1;
        }
    }
    tn_unlock(&lock);
}

int
tn_guard_in_child(struct tn_image *image)
{
    tn_lock_reset(&lock);
    if (image->guard < 0 && needs_guard(image)) { /* a fork that no handler heard of */
        take_guard(image);
    }
    int guard = image->guard;
    image->guard = -1;
    image->forks = 0;
    return guard;
}

void
tn_guard_add(struct tn_image *image)
{
    static bool heard;
    tn_lock(&lock);
    bool first = !heard;
    heard = true;
    image->next = images;
    images = image;
    tn_unlock(&lock);
    if (first) { /* not with the lock: a fork that waits for it may be holding this up */
        pthread_atfork(before_fork, in_parent, NULL);
    }
}

void
tn_guard_remove(struct tn_image *image)
{
    tn_lock(&lock);
    struct tn_image **link = &images;
    while (*link != NULL && *link != image) {
        link = &(*link)->next;
    }
    if (*link != NULL) {
        *link = image->next;
    }
    tn_unlock(&lock);
    tn_file_close(image->guard);
    image->guard = -1;
}
