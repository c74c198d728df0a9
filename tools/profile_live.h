/*
 * `tarn profile` and a process that runs: its profile, read from outside, and orders to it.
 */
#ifndef TARN_PROFILE_LIVE_H
#define TARN_PROFILE_LIVE_H

#include "profile_read.h"
#include "top_view.h"
#include "watch/profile.h"

/* Whether a word is meant as a process's number: digits alone. */
bool live_is_process(const char *word);

/* The profile of a process, as its own library would write it; tn_profile_drop when true. False:
 * target->error says why. */
bool live_copy(struct top_target *target, struct tn_profile *profile);

/* The same, read back for `tarn profile`; profile_drop in either case. */
bool live_load(struct top_target *target, struct profile_file *profile);

/* Writes it to a file in the form that the file's name asks for. */
bool live_dump(struct top_target *target, const char *path);

/* profile_order.c: gives an order and waits so many seconds until it is carried out. False:
 * target->error says why not. */
bool live_order(struct top_target *target, enum tn_order_kind what, size_t interval,
                double seconds);

#endif
