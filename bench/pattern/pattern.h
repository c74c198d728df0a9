#ifndef PATTERN_H
#define PATTERN_H

#include "bench.h"

/* Threads that serve or hand blocks on: pattern_server.c, pattern_handoff.c, pattern_stress.c. */
uint64_t pattern_server(const struct bench_plan *plan);
uint64_t pattern_handoff(const struct bench_plan *plan);
uint64_t pattern_stress(const struct bench_plan *plan);
uint64_t pattern_random_mix(const struct bench_plan *plan);
uint64_t pattern_short_threads(const struct bench_plan *plan);

/* Cache lines shared or not: pattern_cache.c. */
uint64_t pattern_cache_scratch(const struct bench_plan *plan);
uint64_t pattern_cache_thrash(const struct bench_plan *plan);

/* Synthetic mixes: pattern_mix.c. */
uint64_t pattern_lifetimes(const struct bench_plan *plan);
uint64_t pattern_simple(const struct bench_plan *plan);
uint64_t pattern_simple_threads(const struct bench_plan *plan);

/* Small programs: pattern_factor.c, pattern_logic.c, pattern_bodies.c. */
uint64_t pattern_factor(const struct bench_plan *plan);
uint64_t pattern_logic(const struct bench_plan *plan);
uint64_t pattern_bodies(const struct bench_plan *plan);

#endif
