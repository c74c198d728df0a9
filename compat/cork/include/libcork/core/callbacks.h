/* The callbacks that libcork's memory pools take. */
#ifndef LIBCORK_CORE_CALLBACKS_H
#define LIBCORK_CORE_CALLBACKS_H

typedef void (*cork_free_f)(void *value);
typedef void (*cork_init_f)(void *user_data, void *value);
typedef void (*cork_done_f)(void *user_data, void *value);

#endif
