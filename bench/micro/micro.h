#ifndef MICRO_H
#define MICRO_H

#include "bench.h"

/* One thread: micro_single.c. */
uint64_t micro_pair_8(const struct bench_plan *plan);
uint64_t micro_pair_64(const struct bench_plan *plan);
uint64_t micro_pair_1k(const struct bench_plan *plan);
uint64_t micro_pair_8k(const struct bench_plan *plan);
uint64_t micro_pair_64k(const struct bench_plan *plan);
uint64_t micro_pair_128k(const struct bench_plan *plan);
uint64_t micro_pair_1m(const struct bench_plan *plan);
uint64_t micro_batch_64(const struct bench_plan *plan);
uint64_t micro_batch_64_reverse(const struct bench_plan *plan);
uint64_t micro_batch_1k(const struct bench_plan *plan);
uint64_t micro_batch_1k_reverse(const struct bench_plan *plan);
uint64_t micro_replace_small(const struct bench_plan *plan);
uint64_t micro_replace_large(const struct bench_plan *plan);
uint64_t micro_grow_double(const struct bench_plan *plan);
uint64_t micro_grow_step(const struct bench_plan *plan);
uint64_t micro_calloc_small(const struct bench_plan *plan);
uint64_t micro_calloc_large(const struct bench_plan *plan);
uint64_t micro_aligned(const struct bench_plan *plan);
uint64_t micro_large(const struct bench_plan *plan);

/* Several threads: micro_threads.c. */
uint64_t micro_remote(const struct bench_plan *plan);
uint64_t micro_ping_pong(const struct bench_plan *plan);
uint64_t micro_thread_churn(const struct bench_plan *plan);
uint64_t micro_thread_pairs(const struct bench_plan *plan);

#endif
