/* A test's own file systems. Where the system grants none, the test is skipped. */
#ifndef OWN_MOUNTS_H
#define OWN_MOUNTS_H

#include "expect.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>

static inline void
own_mounts_say(const char *path, const char *text)
{
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0 || write(file, text, strlen(text)) != (ssize_t)strlen(text)) {
        expect_skip("no user namespace");
    }
    close(file);
}

/* Root over mounts that nobody else sees. */
static inline void
own_mounts_enter(void)
{
    char map[64];
    if (unshare(CLONE_NEWNS) != 0) {
        unsigned user = (unsigned)getuid();
        unsigned group = (unsigned)getgid();
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) {
            expect_skip("no mount namespace");
        }
        snprintf(map, sizeof map, "0 %u 1", user);
        own_mounts_say("/proc/self/uid_map", map);
        snprintf(map, sizeof map, "0 %u 1", group);
        own_mounts_say("/proc/self/setgroups", "deny");
        own_mounts_say("/proc/self/gid_map", map);
    }
    if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
        expect_skip("no mounts of one's own");
    }
}

#endif
