/*
 * The summary of the process heap as one text.
 */
#ifndef TN_SUMMARY_H
#define TN_SUMMARY_H

#include <stddef.h>

/* Gives the page of tarn_summary to print in one piece. */
void tn_print_summary(void (*print)(const char *text, size_t length));

#endif
