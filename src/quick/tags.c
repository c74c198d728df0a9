/* Two words of the caller's with each object. */
#include "quick/guard.h"
#include "quick/proof.h"

static int
reach(struct tarn_quick *q, const void *object, unsigned which, uintptr_t *get,
      const uintptr_t *set, const char *function)
{
    const char *what = NULL;
    struct tn_block *block;
    uintptr_t saved;
    size_t lead;

    if (object == NULL || !(q->flags & TARN_QUICK_TAGS)) {
        return 0;
    }
    saved = tn_quick_lock(q);
    block = tn_quick_locate(q, object, &lead, &what);
    if (block != NULL && set != NULL) {
        tn_quick_set_word(q, block, which, *set);
    } else if (block != NULL) {
        *get = tn_quick_get_word(q, block, which);
    }
    tn_quick_unlock(q, saved);
    if (block == NULL) {
        tn_quick_panic(q, function, what, object);
    }
    return block != NULL;
}

void
tarn_quick_setmalloctag(struct tarn_quick *q, void *object, uintptr_t tag)
{
    (void)reach(q, object, TN_MALLOC_TAG, NULL, &tag, "setmalloctag");
}

uintptr_t
tarn_quick_getmalloctag(struct tarn_quick *q, void *object)
{
    uintptr_t tag = 0;

    (void)reach(q, object, TN_MALLOC_TAG, &tag, NULL, "getmalloctag");
    return tag;
}

void
tarn_quick_setrealloctag(struct tarn_quick *q, void *object, uintptr_t tag)
{
    (void)reach(q, object, TN_REALLOC_TAG, NULL, &tag, "setrealloctag");
}

uintptr_t
tarn_quick_getrealloctag(struct tarn_quick *q, void *object)
{
    uintptr_t tag = 0;

    (void)reach(q, object, TN_REALLOC_TAG, &tag, NULL, "getrealloctag");
    return tag;
}
