/*
 * What C++ promises when memory for operator new is short, for operators written in C.
 */
#ifndef TN_CXX_FAILURE_H
#define TN_CXX_FAILURE_H

#include <stdbool.h>

/* Calls the program's new_handler; false when it has none. What the handler throws goes on to the
 * caller, through C frames compiled with -fexceptions. */
bool tn_cxx_new_handler(void);

/* The same for the nothrow forms: what the handler throws ends here, as if there were none. */
bool tn_cxx_new_handler_caught(void);

/* Throws std::bad_alloc. Where no C++ library is there to do it, one line, and the end. */
_Noreturn void tn_cxx_throw(void);

#endif
