/* What `tarn heap map` draws: the image cut into cells of equal size, and how much of what is in
 * each. */
#ifndef TARN_HEAP_PICTURE_H
#define TARN_HEAP_PICTURE_H

#include "heap_view.h"

enum heap_band {
    BAND_64,
    BAND_256,
    BAND_1K,
    BAND_8K,
    BAND_64K,
    BAND_LARGE,
    BAND_POOL,
    BAND_OWN,
    BAND_STRANGE, /* damaged: nobody's */
    BAND_FREE,    /* free, with contents */
    BANDS,
};

struct heap_band_look {
    const char *name;
    const char *colour; /* #rrggbb */
    unsigned terminal;  /* of the 256 colours of a terminal */
    char letter;        /* in text, in lower case: less than half of the cell */
};

extern const struct heap_band_look heap_bands[BANDS];

/* "block", "objects", ... */
const char *heap_band_unit(unsigned band, uint64_t count);

struct heap_cell {
    uint64_t bytes[BANDS]; /* the rest is free and zero */
    uint64_t hole;         /* bytes that the file does not have */
    uint32_t journalled;   /* pages whose last commit is in the journal */
    uint32_t changed;      /* pages that the writer has changed and not committed */
};

struct heap_picture {
    const struct heap_view *view;
    uint64_t unit; /* bytes of a cell: a power of two, at least a page */
    uint64_t count;
    uint64_t columns;
    struct heap_cell *cells;
    /* of the whole */
    uint64_t blocks[BANDS];
    uint64_t bytes[BANDS];
    uint64_t class_live[TN_CLASSES]; /* blocks */
    uint64_t class_room[TN_CLASSES];
    uint64_t live_blocks;
    uint64_t live_bytes;
    uint64_t hole;
    uint64_t journalled;
    uint64_t changed;
    bool knows_changed; /* the writer's memory could be looked at, or there is no writer */
};

/* At most so many cells, and columns, a power of two. False: no memory, or interrupted. */
bool heap_picture_take(struct heap_picture *picture, const struct heap_view *view, uint64_t most,
                       uint64_t columns);
void heap_picture_release(struct heap_picture *picture);

/* One line about the file: address, commit, state. */
void heap_picture_subtitle(const struct heap_picture *picture, char *text, size_t room);

/* Pages that the writer's memory has otherwise than the last commit; false: it may not be looked
 * at. */
bool heap_each_changed(const struct heap_view *view, void (*visit)(void *context, uint64_t page),
                       void *context);

void heap_map_print(const struct heap_picture *picture, bool colour);

/* 0, or -1 and said by tarn_error(). */
int heap_draw(const struct heap_picture *picture, const char *path, bool svg);

#endif
