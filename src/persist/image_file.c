/* The file that an image is in, before anything in it is looked at. */
#include "persist/image.h"

#include <errno.h>

#define NAME_ROOM 4096

static int
open_or_make(const char *path, unsigned how, unsigned mode, struct tn_opened *opened)
{
    unsigned there = (how & ~(unsigned)TN_FILE_CREATE) | TN_FILE_AT_ONCE;
    opened->made = false;
    int failed = tn_file_open(path, there, 0, &opened->file);
    if (failed == ENOENT && how & TN_FILE_CREATE) {
        failed = tn_file_open(path, there | TN_FILE_NEW, mode, &opened->file);
        opened->made = failed == 0;
        if (failed == EEXIST) { /* meanwhile; or it is a symbolic link that leads nowhere yet */
            failed = tn_file_open(path, how | TN_FILE_AT_ONCE, mode, &opened->file);
        }
    }
    return failed;
}

int
tn_open_regular(const char *path, unsigned how, unsigned mode, struct tn_opened *opened)
{
    int failed = open_or_make(path, how, mode, opened);
    if (failed == EROFS) {
        return tn_fail(failed, true,
                       "%s: nothing can be written there, TARN_READ_ONLY opens what there is",
                       path);
    }
    if (failed != 0) {
        return tn_fail(failed, true, "%s: cannot be opened", path);
    }
    failed = tn_file_facts(opened->file, &opened->facts);
    if (failed == 0 && opened->facts.regular) {
        return 0;
    }
    tn_file_close(opened->file);
    return failed != 0 ? tn_fail(failed, true, "%s: cannot be opened", path)
                       : tn_fail(EINVAL, false, "%s: is no regular file", path);
}

/* The journal lies beside one of its names, and who opened it by another would not find it. */
static bool
has_names(const char *path, unsigned how, const struct tn_opened *opened)
{
    if (how & TN_FILE_WRITE && opened->facts.links > 1) {
        tn_fail(EMLINK, false,
                "%s: is one of %zu names of the file (hard links), and a journal goes with one; "
                "make a copy that is a file of its own",
                path, (size_t)opened->facts.links);
        return true;
    }
    return false;
}

struct tn_image *
tn_image_open(const char *path, unsigned flags, unsigned how, unsigned mode,
              struct tn_opened *opened)
{
    char name[NAME_ROOM];
    struct tn_opened own;
    struct tn_image *image = NULL;
    opened = opened != NULL ? opened : &own;
    if (tn_open_regular(path, how, mode, opened) != 0) {
        return NULL;
    }
    int failed = tn_file_name(opened->file, path, name, sizeof name);
    if (failed != 0) {
        tn_fail(failed, true, "%s: cannot be opened", path);
    } else if (!has_names(path, how, opened)) {
        image = tn_image_new(path, name, flags);
    }
    if (image == NULL) {
        tn_file_close(opened->file);
        return NULL;
    }
    image->file = opened->file;
    return image;
}
