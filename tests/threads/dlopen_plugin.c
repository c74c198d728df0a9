/* A plugin that uses the heap is opened, used and closed 200 times, in the main thread and in
 * threads that live on; then 80 copies of it are open at once, so that the loader's own tables,
 * some of them made before the allocator was there, have to grow. Usage: dlopen_plugin PLUGIN. */
#include "expect.h"

#include <dlfcn.h>
#include <pthread.h>
#include <sys/stat.h>

enum {
    TIMES = 200,
    COPIES = 80
};

typedef char *use(int);

static const char *plugin;

static void
use_handle(void *handle, const char *name, int seed)
{
    use *call = (use *)(uintptr_t)dlsym(handle, name);
    EXPECT(call != NULL);
    for (int i = 0; i < 20; i++) {
        char *text = call(seed * 20 + i);
        EXPECT(text != NULL && strlen(text) > 300);
        free(text);
    }
}

static void *
use_in_thread(void *handle)
{
    use_handle(handle, "plugin_use", 3);
    use_handle(handle, "plugin_use_in_thread", 4);
    return NULL;
}

static void
open_and_close(int seed)
{
    void *handle = dlopen(plugin, RTLD_NOW | RTLD_LOCAL);
    pthread_t thread;
    EXPECT(handle != NULL);
    use_handle(handle, "plugin_use", seed);
    EXPECT(pthread_create(&thread, NULL, use_in_thread, handle) == 0);
    EXPECT(pthread_join(thread, NULL) == 0);
    EXPECT(dlsym(handle, "no_such_name") == NULL && dlerror() != NULL);
    EXPECT(dlclose(handle) == 0);
    EXPECT(dlopen(plugin, RTLD_NOW | RTLD_NOLOAD) == NULL); /* it is really gone */
    EXPECT(dlopen("/no/such/library.so", RTLD_NOW) == NULL && dlerror() != NULL);
}

static void
copy_file(const char *from, const char *to)
{
    static char buffer[65536];
    FILE *in = fopen(from, "rb");
    FILE *out = fopen(to, "wb");
    size_t length = 0;
    EXPECT(in != NULL && out != NULL);
    while ((length = fread(buffer, 1, sizeof buffer, in)) > 0) {
        EXPECT(fwrite(buffer, 1, length, out) == length);
    }
    EXPECT(fclose(in) == 0 && fclose(out) == 0);
}

static void
many_at_once(void)
{
    static void *handles[COPIES];
    char folder[] = "/tmp/plugins-XXXXXX";
    char name[64];
    EXPECT(mkdtemp(folder) != NULL);
    for (int i = 0; i < COPIES; i++) {
        snprintf(name, sizeof name, "%s/%d.so", folder, i);
        copy_file(plugin, name);
        handles[i] = dlopen(name, RTLD_NOW | RTLD_LOCAL);
        EXPECT(unlink(name) == 0);
        EXPECT(handles[i] != NULL);
        use_handle(handles[i], "plugin_use", i);
    }
    EXPECT(rmdir(folder) == 0);
    for (int i = 0; i < COPIES; i++) {
        pthread_t thread;
        EXPECT(pthread_create(&thread, NULL, use_in_thread, handles[i]) == 0);
        EXPECT(pthread_join(thread, NULL) == 0);
    }
    for (int i = 0; i < COPIES; i++) {
        EXPECT(dlclose(handles[i]) == 0);
    }
}

int
main(int count, char **arguments)
{
    EXPECT(count == 2);
    plugin = arguments[1];
    for (int i = 0; i < TIMES; i++) {
        open_and_close(i);
    }
    many_at_once();
    return 0;
}
