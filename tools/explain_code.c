/* `tarn explain`: the page of an error's code, out of docs/errors.md, which is built in. */
#include "command.h"
#include "json_text.h"

#include "base/error_code.h"

#include <ctype.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define NAME   "explain"
#define MARK   "## "
#define LENGTH 4 /* of a code */

/* docs/errors.md, line by line; ends with NULL. */
extern const char *const errors_page[];

static bool
is_head(const char *line)
{
    return strncmp(line, MARK, strlen(MARK)) == 0;
}

static bool
is_head_of(const char *line, const char *code)
{
    return is_head(line) && strncmp(line + strlen(MARK), code, LENGTH) == 0 &&
           line[strlen(MARK) + LENGTH] == ':';
}

static bool
is_code(const char *word)
{
    return strlen(word) == LENGTH && toupper((unsigned char)word[0]) == 'T' &&
           strspn(word + 1, "0123456789") == LENGTH - 1;
}

static void
list(bool json)
{
    const char *between = "[";
    for (const char *const *line = errors_page; *line != NULL; line++) {
        if (!is_head(*line)) {
            continue;
        }
        const char *code = *line + strlen(MARK);
        if (json) {
            printf("%s\n  {\"code\": \"%.*s\", \"title\": ", between, LENGTH, code);
            json_string(stdout, code + LENGTH + 2);
            putchar('}');
            between = ",";
        } else {
            printf("%.*s  %s\n", LENGTH, code, code + LENGTH + 2);
        }
    }
    if (json) {
        puts("\n]");
    }
}

/* The lines of a page, with what is around code and links in the text taken away. */
static void
print_plain(const char *line)
{
    for (; *line != 0; line++) {
        if (*line != '`') {
            putchar(*line);
        }
    }
    putchar('\n');
}

static int
explain(const char *code)
{
    const char *const *line = errors_page;
    while (*line != NULL && !is_head_of(*line, code)) {
        line++;
    }
    if (*line == NULL) {
        return command_fail(NAME, "there is no code %s; 'tarn explain --list' has them all", code);
    }
    puts(*line + strlen(MARK));
    bool empty = false;
    for (line++; *line != NULL && !is_head(*line); line++) {
        if (**line == 0) {
            empty = true;
            continue;
        }
        if (empty) {
            putchar('\n');
            empty = false;
        }
        print_plain(*line);
    }
    return COMMAND_DONE;
}

/* The code in brackets at the end of a line of the library's. */
static bool
code_at_end(const char *line, char code[LENGTH + 1])
{
    const char *bracket = strrchr(line, '[');
    if (bracket == NULL || strlen(bracket) < LENGTH + 2 || bracket[LENGTH + 1] != ']') {
        return false;
    }
    memcpy(code, bracket + 1, LENGTH);
    code[LENGTH] = 0;
    return is_code(code);
}

static int
explain_word(const char *word)
{
    char code[LENGTH + 1];
    if (is_code(word)) {
        strcpy(code, word);
        code[0] = 'T';
        return explain(code);
    }
    if (code_at_end(word, code)) {
        return explain(code);
    }
    const char *found = tn_error_code(word);
    if (found == NULL) {
        return command_fail(NAME, "'%s' is neither a code nor a message of Tarn's", word);
    }
    return explain(found);
}

static int
explain_main(int argc, char **argv)
{
    static const struct option flags[] = {
        {"list", no_argument, NULL, 'l'}, {"json", no_argument, NULL, 'j'}, {NULL, 0, NULL, 0}};
    bool all = false;
    bool json = false;
    optind = 1;
    for (int flag; (flag = command_option(NAME, argc, argv, ":", flags)) != -1;) {
        if (flag == 0) {
            return COMMAND_MISUSED;
        }
        *(flag == 'l' ? &all : &json) = true;
    }
    if (all && optind == argc) {
        list(json);
        return COMMAND_DONE;
    }
    if (all || json || optind + 1 != argc) {
        return command_misused(NAME, "takes a code, a message in quotes, or --list [--json]");
    }
    return explain_word(argv[optind]);
}

const struct command command_explain = {
    .name = "explain",
    .summary = "Tells what an error means and what to do",
    .synopsis = "CODE | MESSAGE | --list [--json]",
    .help = "CODE is the one in brackets at the end of a line that Tarn printed, such as T101. A "
            "whole\n"
            "message in quotes, of tarn_error() for one, is looked up by its words.\n"
            "\n"
            "options:\n"
            "  --list  all codes with their titles; with --json as JSON\n",
    .main = explain_main,
};
