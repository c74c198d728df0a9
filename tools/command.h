/*
 * One subcommand of `tarn`, and what all of them share. A subcommand is a file that defines
 * `const struct command command_NAME` and has its line in command_list.h.
 */
#ifndef TARN_COMMAND_H
#define TARN_COMMAND_H

/* How a command ends, for scripts. */
enum {
    COMMAND_DONE = 0,
    COMMAND_FAILED = 1,  /* the work could not be done; a line on stderr says why */
    COMMAND_MISUSED = 2, /* the command line was wrong */

    COMMAND_OPTIONS = 32, /* that a command has, at most */
};

struct command {
    const char *name;
    const char *summary;  /* one line, for `tarn --help` */
    const char *synopsis; /* what follows `tarn NAME ` */
    const char *help;     /* the options and what else there is to say, whole lines */
    int (*main)(int argc,
                char **argv); /* argv[0] is the subcommand's name; --help is done already */
};

/* Says `tarn NAME: ` and the message on stderr, and returns COMMAND_FAILED. */
int command_fail(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same for a wrong command line, with where the help is; returns COMMAND_MISUSED. */
int command_misused(const char *name, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The next option by getopt_long, after which optind and optarg say the rest; -1 behind the last.
 * 0: it was wrong, which has been said as command_misused does. letters begin with ":" or "+:". */
struct option;
int command_option(const char *name, int argc, char **argv, const char *letters,
                   const struct option *options);

/* Says that there is no option of that name, and the nearest of the names, which are without their
 * dashes and end with NULL; returns COMMAND_MISUSED. */
int command_unknown_option(const char *name, const char *word, const char *const *names);

/* The word of a list that ends with NULL which was most likely meant by one that is not in it, or
 * NULL when none comes near. */
const char *command_nearest(const char *word, const char *const *words);

#endif
