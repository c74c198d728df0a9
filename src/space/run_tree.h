/*
 * Free runs of slices, ordered by length and then by address: the lowest of the best fitting ones
 * is found in logarithmic time. A treap (Seidel and Aragon, 1996) whose priorities are a hash of
 * the node's address, through the fields next (right) and prev (left) of the run's descriptor.
 */
#ifndef TN_RUN_TREE_H
#define TN_RUN_TREE_H

#include "space/slab.h"

void tn_run_tree_add(struct tn_slab **root, struct tn_slab *run);
void tn_run_tree_remove(struct tn_slab **root, struct tn_slab *run);

/* The shortest run of at least span slices, of equal ones the lowest; NULL when there is none. */
struct tn_slab *tn_run_tree_fit(struct tn_slab *root, uint32_t span);

/* The longest run of a tree that is not empty. */
struct tn_slab *tn_run_tree_last(struct tn_slab *root);

#endif
