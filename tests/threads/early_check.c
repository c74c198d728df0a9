/* TARN_CHECK=1 holds for the first block already, whoever asks for it: here the constructor of a
 * library that is started before the C library. Usage: early_check LIBRARY EARLY; starts itself
 * anew with both preloaded, and then frees the early block damaged. */
#include "expect.h"
#include "threads/child.h"

#include <dlfcn.h>
#include <signal.h>

static void
damage(void)
{
    void *volatile *block = (void *volatile *)dlsym(RTLD_DEFAULT, "early_block");
    EXPECT(block != NULL && *block != NULL);
    ((char *)*block)[100] ^= 1;
    free(opaque(*block));
    _exit(0); /* nobody noticed */
}

int
main(int count, char **words)
{
    if (count == 1) {
        damage();
    }
    EXPECT(count == 3);
    char both[4096];
    snprintf(both, sizeof both, "%s:%s", words[1], words[2]);
    for (int check = 0; check < 2; check++) {
        pid_t child = fork();
        if (child == 0) {
            setenv("LD_PRELOAD", both, 1);
            setenv("TARN_CHECK", check ? "1" : "0", 1);
            execl("/proc/self/exe", words[0], (char *)NULL);
            _exit(2);
        }
        int status;
        EXPECT(waitpid(child, &status, 0) == child);
        if (check) {
            EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
        } else {
            EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        }
    }
    return 0;
}
