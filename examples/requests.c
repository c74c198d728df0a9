/*
 * A server's requests, each in a heap of its own: what a request allocates, however deep in
 * whatever library, goes with one call when it is answered, and a request that asks for too much
 * fails alone.
 *
 *     requests [REQUESTS]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tarn/heap.h>
#include <tarn/stats.h>

#define LIMIT ((size_t)1 << 20) /* bytes that one request may use */

struct header {
    struct header *next;
    char *name;
    char *value;
};

/* Parses "name: value" lines into a list; NULL when the heap is used up. Frees nothing: the heap
 * does. */
static struct header *
parse(tarn_heap *heap, const char *text)
{
    struct header *first = NULL;
    while (*text != 0) {
        size_t name = strcspn(text, ":");
        size_t line = strcspn(text, "\n");
        struct header *header = tarn_heap_malloc(heap, sizeof *header);
        if (header == NULL || name >= line) {
            return NULL;
        }
        header->name = tarn_heap_strndup(heap, text, name);
        header->value = tarn_heap_strndup(heap, text + name + 2, line - name - 2);
        if (header->name == NULL || header->value == NULL) {
            return NULL;
        }
        header->next = first;
        first = header;
        text += line + (text[line] == '\n');
    }
    return first;
}

/* Whether the request could be answered within its memory. */
static int
answer(void *buffer, const char *text, int copies)
{
    tarn_heap *heap = tarn_heap_new_in(buffer, LIMIT);
    struct header *headers = NULL;
    for (int i = 0; i < copies && (i == 0 || headers != NULL); i++) {
        headers = parse(heap, text);
    }
    tarn_heap_destroy(heap);
    return headers != NULL;
}

int
main(int argc, char **argv)
{
    int requests = argc > 1 ? atoi(argv[1]) : 10000;
    const char *text = "Host: example.org\nAccept: text/html\nUser-Agent: an example\n";
    int answered = 0;
    void *buffer = aligned_alloc(65536, LIMIT);
    if (buffer == NULL) {
        return 1;
    }
    for (int i = 0; i < requests; i++) {
        /* Every hundredth wants more than it may have. */
        answered += answer(buffer, text, i % 100 == 99 ? 100000 : 10);
    }
    free(buffer);
    struct tarn_stats stats = {.size = sizeof stats};
    tarn_stats(&stats);
    printf("%d of %d requests answered, %d refused; %zu blocks are left\n", answered, requests,
           requests - answered, stats.live_blocks);
    return answered == requests - requests / 100 ? 0 : 1;
}
