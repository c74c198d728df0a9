#define _POSIX_C_SOURCE 200809L
#include "trace.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
trace_load(struct trace *trace, const char *path)
{
    unsigned char head[64];
    char command[1024];
    const char *base = strrchr(path, '/');
    size_t length = strlen(path);
    int packed = length > 3 && strcmp(path + length - 3, ".xz") == 0;
    FILE *file;
    int ok = 0;

    memset(trace, 0, sizeof *trace);
    snprintf(trace->name, sizeof trace->name, "%s", base != NULL ? base + 1 : path);
    trace->name[strcspn(trace->name, ".")] = '\0';
    if (strchr(path, '\'') != NULL) {
        return 0;
    }
    snprintf(command, sizeof command, "xz -dc '%s'", path);
    file = packed ? popen(command, "r") : fopen(path, "rb");
    if (file == NULL) {
        return 0;
    }
    if (fread(head, sizeof head, 1, file) == 1 && memcmp(head, "MTRACE01", 8) == 0) {
        memcpy(&trace->slots, head + 8, 4);
        memcpy(&trace->events, head + 16, 8);
        memcpy(&trace->peak, head + 24, 8);
        trace->event = malloc((size_t)trace->events * sizeof *trace->event);
        trace->object = calloc(trace->slots, sizeof *trace->object);
        trace->size = calloc(trace->slots, sizeof *trace->size);
        ok =
            trace->event != NULL && trace->object != NULL && trace->size != NULL &&
            fread(trace->event, sizeof *trace->event, (size_t)trace->events, file) == trace->events;
    }
    if (packed) {
        ok = pclose(file) == 0 && ok;
    } else {
        fclose(file);
    }
    return ok;
}

void
trace_drop(struct trace *trace)
{
    free(trace->event);
    free(trace->object);
    free(trace->size);
}

static int
each_in(const char *folder, void (*use)(const char *path))
{
    struct dirent **entry;
    char path[1024];
    int count = scandir(folder, &entry, NULL, alphasort);
    int used = 0;
    int i;

    for (i = 0; i < count; i++) {
        if (strstr(entry[i]->d_name, ".mt") != NULL) {
            snprintf(path, sizeof path, "%s/%s", folder, entry[i]->d_name);
            use(path);
            used++;
        }
        free(entry[i]);
    }
    if (count >= 0) {
        free(entry);
    }
    return used;
}

int
trace_each(void (*use)(const char *path))
{
    const char *external = getenv("TARN_TRACES");
    int own = each_in(TRACE_OWN, use);
    int found = each_in(external != NULL ? external : TRACE_EXTERNAL, use);

    if (found == 0 && external != NULL) {
        fprintf(stderr,
                "no traces in %s (TARN_TRACES); those of the repository alone were replayed\n",
                external);
    }
    return own + found;
}
