#include "base/spelling.h"

/* Levenshtein 1966, a row at a time. */
unsigned
tn_spelling_distance(const char *from, size_t length, const char *to)
{
    unsigned row[TN_SPELLING_MOST + 1];
    for (unsigned i = 0; i <= length; i++) {
        row[i] = i;
    }
    for (unsigned j = 1; *to != 0; to++, j++) {
        unsigned diagonal = row[0];
        row[0] = j;
        for (unsigned i = 1; i <= length; i++) {
            unsigned other = diagonal + (from[i - 1] != *to);
            diagonal = row[i];
            unsigned step = (row[i] < row[i - 1] ? row[i] : row[i - 1]) + 1;
            row[i] = other < step ? other : step;
        }
    }
    return row[length];
}
