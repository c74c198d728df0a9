#include "space/run_tree.h"

#include "base/bits.h"

#define left  prev
#define right next

static uint64_t
priority(const struct tn_slab *run)
{
    return tn_mix((uintptr_t)run);
}

static bool
before(const struct tn_slab *a, const struct tn_slab *b)
{
    return a->span != b->span ? a->span < b->span : a < b;
}

void
tn_run_tree_add(struct tn_slab **root, struct tn_slab *run)
{
    struct tn_slab **link = root;
    uint64_t own = priority(run);
    while (*link != NULL && priority(*link) >= own) {
        link = before(run, *link) ? &(*link)->left : &(*link)->right;
    }
    /* The rest below goes left and right of the new node. */
    struct tn_slab *rest = *link;
    struct tn_slab **lower = &run->left;
    struct tn_slab **upper = &run->right;
    while (rest != NULL) {
        if (before(rest, run)) {
            *lower = rest;
            lower = &rest->right;
            rest = rest->right;
        } else {
            *upper = rest;
            upper = &rest->left;
            rest = rest->left;
        }
    }
    *lower = NULL;
    *upper = NULL;
    *link = run;
}

void
tn_run_tree_remove(struct tn_slab **root, struct tn_slab *run)
{
    struct tn_slab **link = root;
    while (*link != run) {
        link = before(run, *link) ? &(*link)->left : &(*link)->right;
    }
    struct tn_slab *a = run->left;
    struct tn_slab *b = run->right;
    while (a != NULL && b != NULL) {
        if (priority(a) >= priority(b)) {
            *link = a;
            link = &a->right;
            a = a->right;
        } else {
            *link = b;
            link = &b->left;
            b = b->left;
        }
    }
    *link = a != NULL ? a : b;
}

struct tn_slab *
tn_run_tree_fit(struct tn_slab *root, uint32_t span)
{
    struct tn_slab *best = NULL;
    while (root != NULL) {
        if (root->span >= span) {
            best = root;
            root = root->left;
        } else {
            root = root->right;
        }
    }
    return best;
}

struct tn_slab *
tn_run_tree_last(struct tn_slab *root)
{
    while (root->right != NULL) {
        root = root->right;
    }
    return root;
}
