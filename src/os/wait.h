/*
 * Sleeping until a word changes: what locks and limits are built on. errno is left alone.
 */
#ifndef TN_WAIT_H
#define TN_WAIT_H

#include <stdatomic.h>
#include <stdint.h>

/* Sleeps while *word is seen; may also return without reason. */
void tn_os_wait(_Atomic uint32_t *word, uint32_t seen);

/* Wakes up to count threads that sleep on the word. */
void tn_os_wake(_Atomic uint32_t *word, int count);

/* For what nobody wakes one up from. */
void tn_os_pause(unsigned milliseconds);

#endif
