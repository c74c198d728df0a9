/* Functions of the C library that hand out memory which the caller frees, or that free and resize
 * memory the caller gives: all of it must come from and go to the same allocator. */
#include "expect.h"

#include <dirent.h>
#include <glob.h>
#include <iconv.h>
#include <locale.h>
#include <malloc.h>
#include <netdb.h>
#include <regex.h>
#include <search.h>
#include <wchar.h>

static void
copies(void)
{
    char source[9001];
    for (size_t length = 0; length < 9000; length += 1 + length / 16) {
        memset(source, 'x', length);
        source[length] = '\0';
        char *copy = strdup(source);
        EXPECT(copy != NULL && strcmp(copy, source) == 0);
        EXPECT(malloc_usable_size(copy) > length);
        copy = realloc(copy, length * 2 + 10);
        EXPECT(copy != NULL && strcmp(copy, source) == 0);
        free(copy);
        copy = strndup(source, length / 2);
        EXPECT(copy != NULL && strlen(copy) == length / 2);
        free(copy);
    }
    wchar_t *wide = wcsdup(L"tarn");
    EXPECT(wide != NULL && wcscmp(wide, L"tarn") == 0);
    free(wide);
}

static void
formatted(void)
{
    char *text = NULL;
    EXPECT(asprintf(&text, "%*d", 5000, 7) == 5000);
    EXPECT(text != NULL && text[4999] == '7');
    free(text);

    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    EXPECT(stream != NULL);
    for (int i = 0; i < 20000; i++) {
        EXPECT(fprintf(stream, "%d,", i) > 0);
    }
    EXPECT(fclose(stream) == 0);
    EXPECT(strlen(text) == length && strstr(text, "19999,") != NULL);
    free(text);

    char *name = NULL;
    int number = 0;
    EXPECT(sscanf("word 12", "%ms %d", &name, &number) == 2);
    EXPECT(strcmp(name, "word") == 0 && number == 12);
    free(name);
}

/* getline grows a block of ours and one of its own making. */
static void
lines(void)
{
    FILE *file = tmpfile();
    EXPECT(file != NULL);
    for (int i = 0; i < 200; i++) {
        fprintf(file, "%0*d\n", i * 40 + 1, i);
    }
    rewind(file);
    char *line = malloc(3);
    size_t room = 3;
    EXPECT(line != NULL);
    for (int i = 0; i < 200; i++) {
        EXPECT(getline(&line, &room, file) == i * 40 + 2);
        EXPECT(room >= (size_t)i * 40 + 3 && atoi(line) == i);
    }
    free(line);
    line = NULL;
    room = 0;
    rewind(file);
    EXPECT(getdelim(&line, &room, '5', file) > 0);
    free(line);
    fclose(file);
}

static void
directories(void)
{
    char *here = getcwd(NULL, 0);
    EXPECT(here != NULL && here[0] == '/');
    char *real = realpath(".", NULL);
    EXPECT(real != NULL && strcmp(real, here) == 0);
    free(real);
    free(here);

    struct dirent **entries = NULL;
    int count = scandir("/", &entries, NULL, alphasort);
    EXPECT(count > 2);
    for (int i = 0; i < count; i++) {
        free(entries[i]);
    }
    free(entries);

    glob_t found;
    EXPECT(glob("/*", 0, NULL, &found) == 0 && found.gl_pathc > 0);
    globfree(&found);
}

static int
compare_strings(const void *left, const void *right)
{
    return strcmp(left, right);
}

static void
structures(void)
{
    regex_t pattern;
    EXPECT(regcomp(&pattern, "^([a-z]+)=(([0-9]+,?)*)$", REG_EXTENDED) == 0);
    EXPECT(regexec(&pattern, "abc=1,22,333", 0, NULL, 0) == 0);
    EXPECT(regexec(&pattern, "abc=1,x", 0, NULL, 0) == REG_NOMATCH);
    regfree(&pattern);

    void *root = NULL;
    for (int i = 0; i < 3000; i++) {
        char *key = NULL;
        EXPECT(asprintf(&key, "%d", i * 7919 % 3001) > 0);
        EXPECT(tsearch(key, &root, compare_strings) != NULL);
    }
    tdestroy(root, free);

    EXPECT(setlocale(LC_ALL, "C.UTF-8") != NULL || setlocale(LC_ALL, "C") != NULL);
    locale_t locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    EXPECT(locale != (locale_t)0);
    freelocale(locale);
    iconv_t converter = iconv_open("UTF-16", "UTF-8");
    if (converter != (iconv_t)-1) {
        iconv_close(converter);
    }

    struct addrinfo *addresses = NULL;
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST};
    EXPECT(getaddrinfo("127.0.0.1", "80", &hints, &addresses) == 0 && addresses != NULL);
    freeaddrinfo(addresses);

    for (int i = 0; i < 2000; i++) {
        char name[32];
        char value[64];
        snprintf(name, sizeof name, "SURFACE_%d", i % 100);
        snprintf(value, sizeof value, "%0*d", i % 60, i);
        EXPECT(setenv(name, value, 1) == 0);
    }
    for (int i = 0; i < 100; i++) {
        char name[32];
        snprintf(name, sizeof name, "SURFACE_%d", i);
        EXPECT(unsetenv(name) == 0);
    }
}

static void
streams(void)
{
    for (int i = 0; i < 500; i++) {
        FILE *file = fopen("/dev/null", "w");
        EXPECT(file != NULL);
        fprintf(file, "%d", i);
        if (i % 3 == 0) {
            EXPECT(setvbuf(file, NULL, _IOFBF, 1 << 16) == 0);
        }
        EXPECT(fclose(file) == 0);
    }
    FILE *pipe = popen("echo tarn", "r");
    EXPECT(pipe != NULL);
    char word[16] = "";
    EXPECT(fgets(word, sizeof word, pipe) != NULL && strcmp(word, "tarn\n") == 0);
    EXPECT(pclose(pipe) == 0);
}

int
main(void)
{
    copies();
    formatted();
    lines();
    directories();
    structures();
    streams();
    return 0;
}
