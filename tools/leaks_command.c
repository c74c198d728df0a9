/* `tarn leaks`: what a program has never freed when it ends, or holds while it runs, by stack. */
#include "command.h"
#include "find_library.h"
#include "launch.h"
#include "os/option.h"
#include "profile_live.h"

#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME "leaks"

enum {
    EXACT = 1000,
    POOLS,
    JSON
};

struct wishes {
    const char *interval;
    const char *output; /* NULL: stderr for a program, stdout for a process */
    bool pools;
    bool json;
};

static const struct option options[] = {
    {"exact", no_argument, NULL, EXACT}, {"interval", required_argument, NULL, 'i'},
    {"pools", no_argument, NULL, POOLS}, {"output", required_argument, NULL, 'o'},
    {"json", no_argument, NULL, JSON},   {NULL, 0, NULL, 0},
};

static int
show(struct profile_file *profile, const struct wishes *wishes, FILE *standard)
{
    FILE *out = wishes->output != NULL ? fopen(wishes->output, "w") : standard;
    if (out == NULL) {
        return command_fail(NAME, "%s: %s", wishes->output, strerror(errno));
    }
    profile_name(profile);
    (wishes->json ? profile_json : profile_leaks)(profile, out);
    bool written = fflush(out) == 0 && !ferror(out);
    int reason = errno;
    if (out != standard) {
        fclose(out);
    }
    return written
               ? COMMAND_DONE
               : command_fail(NAME, "%s: %s", wishes->output != NULL ? wishes->output : "the list",
                              strerror(reason));
}

static int
of_process(const char *word, const struct wishes *wishes)
{
    struct top_target target;
    struct profile_file profile;
    unsigned long pid = strtoul(word, NULL, 10);
    if (pid == 0 || pid > INT32_MAX) {
        return command_misused(NAME, "'%s' is no process's number", word);
    }
    if (!top_open(&target, (pid_t)pid)) {
        return command_fail(NAME, "%s", target.error);
    }
    int code = live_load(&target, &profile) ? show(&profile, wishes, stdout)
                                            : command_fail(NAME, "%s", target.error);
    profile_drop(&profile);
    top_close(&target);
    return code;
}

static void
drop_folder(const char *folder)
{
    char path[PATH_MAX + sizeof((struct dirent *)NULL)->d_name];
    DIR *entries = opendir(folder);
    for (struct dirent *entry; entries != NULL && (entry = readdir(entries)) != NULL;) {
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        unlink(path); /* not . and .. */
    }
    if (entries != NULL) {
        closedir(entries);
    }
    rmdir(folder);
}

/* The program's own profile among those its children may have left. */
static int
show_end(const char *folder, const struct launched *what, const char *program,
         const struct wishes *wishes)
{
    char path[PATH_MAX + 32];
    struct profile_file profile;
    snprintf(path, sizeof path, "%s/%ld.pb.gz", folder, what->process);
    if (access(path, R_OK) != 0) {
        return command_fail(NAME, "%s: nothing is known: it %s", program,
                            what->signal != 0 ? "did not come to its end"
                                              : "did not end on Tarn, or without the C library's "
                                                "exit");
    }
    bool loaded = profile_load(&profile, path);
    drop_folder(folder); /* whoever reads the list may stop reading, and that ends us */
    int code = loaded ? show(&profile, wishes, stderr) : command_fail(NAME, "%s", profile.error);
    profile_drop(&profile);
    return code;
}

static int
run_in(const char *folder, char **words, const struct wishes *wishes)
{
    char tarn[PATH_MAX];
    char profile[PATH_MAX + 32];
    char interval[64];
    struct launched what;
    if (!find_tarn(NAME, tarn)) {
        return LAUNCH_FAILED;
    }
    snprintf(profile, sizeof profile, "TARN_PROFILE=%s/%%p.pb.gz", folder);
    snprintf(interval, sizeof interval, "TARN_PROFILE_INTERVAL=%s", wishes->interval);
    const char *settings[] = {profile, interval, wishes->pools ? "TARN_PROFILE_POOLS=1" : NULL,
                              NULL};
    struct launch how = {.words = words,
                         .preload = tarn,
                         .settings = settings,
                         .input = -1,
                         .output = -1,
                         .errors = -1};
    if (!launch(&how, &what)) {
        int reason = errno;
        command_fail(NAME, "%s: %s", words[0], strerror(reason));
        return launch_status(reason);
    }
    int failed = show_end(folder, &what, words[0], wishes);
    return what.status != 0 || failed == 0 ? what.status : LAUNCH_FAILED;
}

static int
of_program(char **words, const struct wishes *wishes)
{
    char folder[PATH_MAX];
    if (!launch_scratch_folder(folder, sizeof folder, "leaks")) {
        command_fail(NAME, "%s: %s", folder, strerror(errno));
        return LAUNCH_FAILED;
    }
    int code = run_in(folder, words, wishes);
    drop_folder(folder);
    return code;
}

static int
leaks_main(int argc, char **argv)
{
    struct wishes wishes = {.interval = "524288"};
    int option;
    optind = 1;
    while ((option = command_option(NAME, argc, argv, "+:i:o:", options)) != -1) {
        switch (option) {
        case EXACT:
            wishes.interval = "1";
            break;
        case 'i':
            if (!tn_option_fits(tn_option_find("profile-interval"), optarg)) {
                return command_misused(NAME, "--interval takes bytes, 1 or more, not '%s'", optarg);
            }
            wishes.interval = optarg;
            break;
        case POOLS:
            wishes.pools = true;
            break;
        case 'o':
            wishes.output = optarg;
            break;
        case JSON:
            wishes.json = true;
            break;
        default:
            return COMMAND_MISUSED;
        }
    }
    if (argv[optind] == NULL) {
        return command_misused(NAME, "which program, or which process?");
    }
    bool apart = strcmp(argv[optind - 1], "--") == 0;
    if (!apart && argv[optind + 1] == NULL && live_is_process(argv[optind])) {
        return of_process(argv[optind], &wishes);
    }
    return of_program(argv + optind, &wishes);
}

const struct command command_leaks = {
    .name = "leaks",
    .summary = "What a program never freed, or a process holds, by where it was allocated",
    .synopsis = "[OPTIONS] [--] PROGRAM [ARGUMENTS]\n"
                "       tarn leaks [--json] [--output FILE] PID",
    .help =
        "Runs the program on Tarn with a sampled profile, and lists on stderr what is still live\n"
        "when it ends, by stack, the most bytes first: blocks of malloc and new, of heaps of its\n"
        "own and of images. The exit status is the program's, as 'tarn run' has it. Of a process\n"
        "that is profiled ('tarn profile' starts that) it tells what is live now.\n"
        "\n"
        "      --exact           every block, not samples; slower\n"
        "  -i, --interval BYTES  from one sample to the next (524288)\n"
        "      --pools           object pools, too (TARN_PROFILE_POOLS)\n"
        "  -o, --output FILE     there instead\n"
        "      --json            as JSON\n",
    .main = leaks_main,
};
