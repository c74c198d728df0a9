"""The benchmark suite: allocators times workloads, measured, compared and kept."""
