/* One thing an allocator does, over and over: the cases that tell where its time goes. */
#include "micro.h"

static const struct bench_case cases[] = {
    {"pair-8", "8 bytes, allocated and freed at once", micro_pair_8},
    {"pair-64", "64 bytes, allocated and freed at once", micro_pair_64},
    {"pair-1k", "1 KiB, allocated and freed at once", micro_pair_1k},
    {"pair-8k", "8 KiB, allocated and freed at once", micro_pair_8k},
    {"pair-64k", "64 KiB, allocated and freed at once", micro_pair_64k},
    {"pair-128k", "128 KiB, allocated and freed at once", micro_pair_128k},
    {"pair-1m", "1 MiB, allocated and freed at once", micro_pair_1m},
    {"batch-64", "batches of 1,000 of 64 bytes, freed in order", micro_batch_64},
    {"batch-64-reverse", "the same, freed last first", micro_batch_64_reverse},
    {"batch-1k", "batches of 1,000 of 1 KiB, freed in order", micro_batch_1k},
    {"batch-1k-reverse", "the same, freed last first", micro_batch_1k_reverse},
    {"replace-small", "random replacement among 100,000 of 16 to 512 bytes", micro_replace_small},
    {"replace-large", "random replacement among 2,000 of 4 to 256 KiB", micro_replace_large},
    {"grow-double", "8 vectors grown in turn by half of their size up to 1 MiB", micro_grow_double},
    {"grow-step", "16 buffers grown in turn by 100 bytes up to 64 KiB", micro_grow_step},
    {"calloc-small", "calloc of 16 to 1,024 bytes among 10,000 live", micro_calloc_small},
    {"calloc-large", "calloc of 64 KiB to 1 MiB, one page in four used", micro_calloc_large},
    {"aligned", "aligned to 16 bytes up to 4 KiB, 1,000 live", micro_aligned},
    {"large", "1 to 16 MiB, every page written, 8 live", micro_large},
    {"remote", "one half of the threads allocates, the other half frees", micro_remote},
    {"ping-pong", "blocks handed back and forth, freed by the receiver", micro_ping_pong},
    {"thread-churn", "threads that allocate 100 blocks, free them and end", micro_thread_churn},
    {"thread-pairs", "each thread for itself: 16 to 256 bytes among 100 live", micro_thread_pairs},
    {NULL, NULL, NULL},
};

int
main(int argc, char **argv)
{
    return bench_main(argc, argv, cases);
}
