/*
 * tarn/tarn.hpp: Tarn for C++17 and later, header only.
 *
 *   tarn/handles.hpp     heap, object_pool<T> and image: owners that clean up after themselves
 *   tarn/allocators.hpp  allocators for the standard containers and std::pmr::memory_resources
 *   tarn/offset_ptr.hpp  a pointer that holds a distance, for data that is moved as a whole
 *
 * Programs link with -ltarn as C programs do. Want of memory is std::bad_alloc; what a file refuses
 * is tarn::error, a std::system_error with the C interface's errno and sentence.
 */
#ifndef TARN_TARN_HPP
#define TARN_TARN_HPP

#include <tarn/allocators.hpp>
#include <tarn/handles.hpp>
#include <tarn/offset_ptr.hpp>

#endif
