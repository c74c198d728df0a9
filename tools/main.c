/*
 * `tarn`: one program for what one does with an allocator by hand. It finds the subcommand and
 * answers --help and --version; the rest is in the subcommands' files.
 */
#include "command.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define COMMAND(name) extern const struct command command_##name;
#include "command_list.h"
#undef COMMAND

static const struct command *const commands[] = {
#define COMMAND(name) &command_##name,
#include "command_list.h"
#undef COMMAND
};

enum {
    COMMANDS = sizeof commands / sizeof *commands
};

static void
list_commands(FILE *out)
{
    fputs("usage: tarn COMMAND [OPTIONS] [ARGUMENTS]\n"
          "       tarn COMMAND --help\n"
          "\n"
          "Memory that is managed well: run programs on Tarn, look into them, care for heaps in "
          "files.\n"
          "\n"
          "commands:\n",
          out);
    for (int i = 0; i < COMMANDS; i++) {
        fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
    }
}

static const struct command *
find(const char *name)
{
    for (int i = 0; i < COMMANDS; i++) {
        if (strcmp(commands[i]->name, name) == 0) {
            return commands[i];
        }
    }
    return NULL;
}

static int
unknown(const char *name)
{
    const char *names[COMMANDS + 1] = {NULL};
    for (int i = 0; i < COMMANDS; i++) {
        names[i] = commands[i]->name;
    }
    const char *near = command_nearest(name, names);
    fprintf(stderr, "tarn: there is no command '%s'", name);
    if (near != NULL) {
        fprintf(stderr, "; is '%s' meant?", near);
    }
    fputs("\n'tarn --help' lists them\n", stderr);
    return COMMAND_MISUSED;
}

static int
help(const struct command *command)
{
    printf("usage: tarn %s %s\n\n%s.\n", command->name, command->synopsis, command->summary);
    if (*command->help != 0) {
        printf("\n%s", command->help);
    }
    return COMMAND_DONE;
}

/* Among the options, before any other word. */
static bool
asks_for_help(char *const *words)
{
    for (; *words != NULL && (*words)[0] == '-' && strcmp(*words, "--") != 0; words++) {
        if (strcmp(*words, "--help") == 0 || strcmp(*words, "-h") == 0) {
            return true;
        }
    }
    return false;
}

static int
serve(int argc, char **argv)
{
    if (argc < 2) {
        list_commands(stderr);
        return COMMAND_MISUSED;
    }
    const char *first = argv[1];
    if (strcmp(first, "--version") == 0) {
        puts("tarn " TARN_VERSION);
        return COMMAND_DONE;
    }
    bool for_help =
        strcmp(first, "help") == 0 || strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0;
    if (for_help && argc < 3) {
        list_commands(stdout);
        return COMMAND_DONE;
    }
    const char *name = for_help ? argv[2] : first;
    const struct command *command = find(name);
    if (command == NULL) {
        return unknown(name);
    }
    if (for_help || asks_for_help(argv + 2)) {
        return help(command);
    }
    return command->main(argc - 1, argv + 1);
}

int
main(int argc, char **argv)
{
    int code = serve(argc, argv);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "tarn: standard output: %s\n", strerror(errno));
        code = code == COMMAND_DONE ? COMMAND_FAILED : code;
    }
    return code;
}
