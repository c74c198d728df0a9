/* The calls a model test drives. By default the malloc surface; with SUBJECT_TARN defined the same
 * by Tarn's own names, so that the engine can be built into the program, under a sanitizer too. */
#ifndef TESTS_SURFACE_SUBJECT_H
#define TESTS_SURFACE_SUBJECT_H

#ifdef SUBJECT_TARN

#    include <tarn/tarn.h>
#    define subject_malloc        tarn_malloc
#    define subject_calloc        tarn_calloc
#    define subject_realloc       tarn_realloc
#    define subject_aligned_alloc tarn_aligned_alloc
#    define subject_free          tarn_free
#    define subject_usable_size   tarn_usable_size
#    define subject_trim          tarn_trim

#else

#    include <malloc.h>
#    include <stdlib.h>
#    define subject_malloc        malloc
#    define subject_calloc        calloc
#    define subject_realloc       realloc
#    define subject_aligned_alloc memalign
#    define subject_free          free
#    define subject_usable_size   malloc_usable_size
#    define subject_trim          malloc_trim

#endif
#endif
