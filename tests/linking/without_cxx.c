/* operator new in a program that has no C++ library: it works, the nothrow form returns NULL, and
 * the plain one ends the program with one line, as there is nobody to throw. */
#include "expect.h"

#include <signal.h>
#include <sys/wait.h>

void *_Znwm(unsigned long size);
void *_ZnwmRKSt9nothrow_t(unsigned long size, const void *tag);
void _ZdlPv(void *p);

int
main(void)
{
    static const char line[] =
        "tarn: operator new: no memory, and no C++ library to throw std::bad_alloc [T110]\n";
    char written[200];
    int ends[2];
    _ZdlPv(_Znwm(100));
    EXPECT(_ZnwmRKSt9nothrow_t(opaque_size((size_t)1 << 60), "") == NULL);
    EXPECT(pipe(ends) == 0);
    pid_t child = fork();
    EXPECT(child >= 0);
    if (child == 0) {
        dup2(ends[1], 2);
        _ZdlPv(_Znwm(opaque_size((size_t)1 << 60)));
        _exit(0);
    }
    close(ends[1]);
    int status;
    EXPECT(waitpid(child, &status, 0) == child);
    EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    ssize_t length = read(ends[0], written, sizeof written);
    EXPECT(length == (ssize_t)sizeof line - 1 && memcmp(written, line, sizeof line - 1) == 0);
    return 0;
}
