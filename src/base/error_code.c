#include "base/error_code.h"

#include <string.h>

static const struct {
    const char *code;
    const char *words;
} rows[] = {
    /* The process heap and heaps of one's own. */
    {"T101", "already free ("},
    {"T102", "not the start of a block ("},
    {"T103", "never allocated (inside the heap"},
    {"T104", "not allocated by tarn"},
    {"T105", "an object of a pool, for tarn_pool_free"},
    {"T106", "written to before its start ("},
    {"T106", "written to past its end ("},
    {"T107", "written to after it was freed ("},
    {"T108", "the block is from "},
    {"T109", "the block is of "},
    {"T110", "operator new: no memory, and no C++ library"},
    /* Pools. */
    {"T201", "already free (pool "},
    {"T202", "not allocated by tarn (pool "},
    {"T203", "not from a pool (pool "},
    {"T204", "from another pool, "},
    {"T205", "not the start of an object ("},
    {"T206", "never allocated (pool "},
    {"T207", "written past its end (pool "},
    {"T208", "written to while it was free, at byte "},
    {"T209", "called by a thread that does not own the pool"},
    {"T210", " still out, the first at "},
    /* Images. */
    {"T301", "is no image"},
    {"T301", "is empty, no image"},
    {"T301", "is no regular file"},
    {"T302", "an image of format version "},
    {"T302", "made by an engine of version "},
    {"T302", "has features that this version "},
    {"T303", "made on a machine of the other byte order"},
    {"T303", "made where pointers have "},
    {"T303", "made with pages of "},
    {"T304", ": its layout is "},
    {"T304", "the layout's name is longer "},
    {"T305", ": its address "},
    {"T305", " is taken by "},
    {"T305", " bytes of addresses"},
    {"T306", " has it open for writing"},
    {"T306", "readers use it"},
    {"T306", "cannot be locked"},
    {"T307", "is truncated"},
    {"T308", "both copies of its superblock are damaged"},
    {"T308", "in its superblock cannot be right"},
    {"T308", " is damaged"},
    {"T308", ": damaged at "},
    {"T308", ", at "},
    {"T308", ": its "},
    {"T309", "belongs to another image"},
    {"T309", "begins at commit "},
    {"T309", "ends at commit "},
    {"T309", "a journal of another version"},
    {"T309", "no journal; move it away"},
    {"T309", "nor a file; move it away"},
    {"T310", "was open in shared mode and not closed"},
    {"T311", "cannot be opened"},
    {"T311", "nothing can be written there"},
    {"T311", "cannot be made"},
    {"T311", "cannot be read"},
    {"T311", "cannot be mapped"},
    {"T311", "cannot be removed"},
    {"T312", "the commit cannot be written"},
    {"T312", "the journal's pages cannot be written to it"},
    {"T312", ": its superblock cannot be written"},
    {"T312", "cannot be written"},
    {"T312", "cannot be synced"},
    {"T312", ": its folder cannot be synced"},
    {"T312", "a sync of it failed"},
    {"T312", "no space for all that it may hold"},
    {"T313", " needs the image open for writing"},
    {"T313", "the image is open for reading"},
    {"T313", "TARN_READ_ONLY goes neither with "},
    {"T313", "TARN_RESERVE goes only with "},
    {"T314", " is not for the child of a fork"},
    {"T315", "no way to find changed pages"},
    {"T315", "changed pages cannot be found"},
    {"T316", "has no root "},
    {"T316", ": root "},
    {"T316", "a root's name has "},
    {"T317", "is there already"},
    {"T318", ": a capacity "},
    {"T318", ": its address must be a multiple of 2 MiB"},
    {"T319", "a rollback failed half-way"},
    {"T319", "shared mode has no rollback"},
    {"T320", "too many heaps in this process"},
    {"T320", "no memory for "},
    {"T321", "this heap is no image"},
    {"T322", "can be written there"},
    {"T323", "the check was stopped"},
    {"T324", "is not whole without its journal"},
    {"T325", "names of the file (hard links)"},
    /* The freestanding heap. */
    {"T401", "not from this heap"},
    {"T402", "not an object's address"},
    {"T403", "already free, or not an object's address"},
    {"T404", "header damaged (overrun)"},
    {"T405", "check word damaged (overrun)"},
    {"T406", "free memory was written to"},
    {"T407", "written beyond its end"},
    {"T408", "damaged (overrun or write after free)"},
    {"T408", "damaged (write after free or overrun)"},
    /* Options. */
    {"T501", ": no such option, ignored"},
    {"T502", ": must be "},
    /* Checks of the engine on itself, in debug builds. */
    {"T601", "lock of rank "},
    {"T602", "-byte blocks: "},
};

const char *
tn_error_code_row(size_t i, const char **words)
{
    if (i >= sizeof rows / sizeof *rows) {
        return NULL;
    }
    *words = rows[i].words;
    return rows[i].code;
}

const char *
tn_error_code(const char *message)
{
    const char *code = NULL;
    const char *first = NULL;
    size_t longest = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *at = strstr(message, rows[i].words);
        size_t length = strlen(rows[i].words);
        if (at != NULL && (first == NULL || at < first || (at == first && length > longest))) {
            code = rows[i].code;
            first = at;
            longest = length;
        }
    }
    return code;
}
