#include "replay_faces.h"

#include "tarn/persist.h"
#include "tarn/quick.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The process's malloc. */
static void *
plain_aligned(size_t align, size_t size)
{
    void *p = NULL;
    size_t least = align < sizeof(void *) ? sizeof(void *) : align;
    return posix_memalign(&p, least, size) == 0 ? p : NULL;
}

static void *
plain_zero(size_t size)
{
    return calloc(1, size);
}

static const struct replay_face plain = {"malloc", malloc, plain_zero, plain_aligned,
                                         realloc,  free,   NULL};

/* A heap of Tarn's, out of a library that is not this process's malloc. */
static struct {
    tarn_heap *heap;
    char file[4096];
    void *(*malloc)(tarn_heap *heap, size_t size);
    void *(*zalloc)(tarn_heap *heap, size_t size);
    void *(*aligned)(tarn_heap *heap, size_t align, size_t size);
    void *(*realloc)(tarn_heap *heap, void *p, size_t size);
    void (*free)(tarn_heap *heap, void *p);
    tarn_heap *(*make)(void);
    tarn_heap *(*create)(const char *path, const tarn_options *options);
    void (*close)(tarn_heap *heap);
    void (*destroy)(tarn_heap *heap);
    const char *(*error)(void);
} tarn;

static void *
heap_allocate(size_t size)
{
    return tarn.malloc(tarn.heap, size);
}

static void *
heap_zero(size_t size)
{
    return tarn.zalloc(tarn.heap, size);
}

static void *
heap_aligned(size_t align, size_t size)
{
    return tarn.aligned(tarn.heap, align, size);
}

static void *
heap_resize(void *p, size_t size)
{
    return tarn.realloc(tarn.heap, p, size);
}

static void
heap_release(void *p)
{
    tarn.free(tarn.heap, p);
}

static void
heap_end(void)
{
    tarn.destroy(tarn.heap);
}

static void
image_end(void)
{
    char journal[sizeof tarn.file + 16];
    tarn.close(tarn.heap);
    snprintf(journal, sizeof journal, "%s-journal", tarn.file);
    unlink(tarn.file);
    unlink(journal);
}

static const struct replay_face heap = {"heap",      heap_allocate, heap_zero, heap_aligned,
                                        heap_resize, heap_release,  heap_end};
static const struct replay_face image = {"image",     heap_allocate, heap_zero, heap_aligned,
                                         heap_resize, heap_release,  image_end};

static bool
load(const char *library)
{
    const struct {
        const char *name;
        void *place;
    } functions[] = {
        {"tarn_heap_malloc", &tarn.malloc},
        {"tarn_heap_zalloc", &tarn.zalloc},
        {"tarn_heap_aligned_alloc", &tarn.aligned},
        {"tarn_heap_realloc", &tarn.realloc},
        {"tarn_heap_free", &tarn.free},
        {"tarn_heap_new", &tarn.make},
        {"tarn_heap_destroy", &tarn.destroy},
        {"tarn_create", &tarn.create},
        {"tarn_close_without_commit", &tarn.close},
        {"tarn_error", &tarn.error},
    };
    void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) {
        fprintf(stderr, "tarn-replay: %s\n", dlerror());
        return false;
    }
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        void *found = dlsym(handle, functions[i].name);
        if (found == NULL) {
            fprintf(stderr, "tarn-replay: %s: has no %s\n", library, functions[i].name);
            return false;
        }
        memcpy(functions[i].place, &found, sizeof found);
    }
    return true;
}

static const struct replay_face *
make_heap(const char *library)
{
    if (!load(library)) {
        return NULL;
    }
    tarn.heap = tarn.make();
    if (tarn.heap == NULL) {
        fputs("tarn-replay: no memory for a heap\n", stderr);
        return NULL;
    }
    return &heap;
}

static const struct replay_face *
make_image(const char *library, const char *folder)
{
    const tarn_options options = {.flags = TARN_PROCESS};
    if (!load(library)) {
        return NULL;
    }
    snprintf(tarn.file, sizeof tarn.file, "%s/replay-%ld.tarn", folder, (long)getpid());
    tarn.heap = tarn.create(tarn.file, &options);
    if (tarn.heap == NULL) {
        fprintf(stderr, "tarn-replay: %s\n", tarn.error());
        return NULL;
    }
    return &image;
}

/* The freestanding heap, in one arena. */
static struct tarn_quick *quick_heap;

static void *
quick_allocate(size_t size)
{
    return tarn_quick_mallocz(quick_heap, size, 0);
}

static void *
quick_zero(size_t size)
{
    return tarn_quick_malloc(quick_heap, size);
}

static void *
quick_aligned(size_t align, size_t size)
{
    return tarn_quick_mallocalign(quick_heap, size, align, 0, 0);
}

static void *
quick_resize(void *p, size_t size)
{
    return tarn_quick_realloc(quick_heap, p, size);
}

static void
quick_release(void *p)
{
    tarn_quick_free(quick_heap, p);
}

static const struct replay_face quick = {"quick",      quick_allocate, quick_zero, quick_aligned,
                                         quick_resize, quick_release,  NULL};

static const struct replay_face *
make_quick(size_t live)
{
    const size_t most = ((size_t)2 << 30) - 65536;
    size_t size = live * 2 + ((size_t)4 << 20);
    size = size < most ? size : most;
    void *arena = mmap(NULL, size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    quick_heap =
        arena == MAP_FAILED ? NULL : tarn_quick_init(arena, size, TARN_QUICK_ALIGN16, NULL);
    if (quick_heap == NULL) {
        fputs("tarn-replay: no memory for an arena\n", stderr);
        return NULL;
    }
    return &quick;
}

const struct replay_face *
replay_face(const char *name, const char *library, const char *folder, size_t live)
{
    if (strcmp(name, "malloc") == 0) {
        return &plain;
    }
    if (strcmp(name, "heap") == 0) {
        return make_heap(library);
    }
    if (strcmp(name, "image") == 0) {
        return make_image(library, folder);
    }
    if (strcmp(name, "quick") == 0) {
        return make_quick(live);
    }
    fprintf(stderr, "tarn-replay: there is no face '%s'\n", name);
    return NULL;
}
