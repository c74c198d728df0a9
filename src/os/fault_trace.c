#define _GNU_SOURCE
#include "os/fault_trace.h"

#include "os/file.h"
#include "os/os.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RING ((size_t)64 << 10) /* bytes of notes, behind a page that says how far they are */

#define NOTE ((size_t)16) /* bytes of one: a header, then the address */

static uint64_t
noted(const struct tn_trace *trace)
{
    const struct perf_event_mmap_page *head = trace->ring;
    return __atomic_load_n(&head->data_head, __ATOMIC_ACQUIRE);
}

/* Notes of another kind, made when there was no room, have other sizes: all are of whole words. */
static const uint64_t *
word_at(const struct tn_trace *trace, uint64_t at)
{
    const char *notes = (const char *)trace->ring + tn_os_page_size();
    return (const uint64_t *)(const void *)(notes + at % RING);
}

void
tn_trace_begin(struct tn_trace *trace)
{
    int saved = errno;
    struct perf_event_attr wanted;
    if (trace->refused) {
        return;
    }
    tn_trace_end(trace);
    memset(&wanted, 0, sizeof wanted);
    wanted.size = sizeof wanted;
    wanted.type = PERF_TYPE_SOFTWARE;
    wanted.config = PERF_COUNT_SW_PAGE_FAULTS_MIN; /* each counted once, where getrusage counts */
    wanted.sample_period = 1;
    wanted.sample_type = PERF_SAMPLE_ADDR;
    wanted.exclude_kernel = 1;
    wanted.exclude_hv = 1;
    wanted.watermark = 1;
    wanted.wakeup_watermark = UINT32_MAX / 2; /* nobody waits */
    trace->file = (int)syscall(SYS_perf_event_open, &wanted, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
    if (trace->file >= 0) {
        void *ring = mmap(NULL, tn_os_page_size() + RING, PROT_READ | PROT_WRITE, MAP_SHARED,
                          trace->file, 0);
        trace->ring = ring != MAP_FAILED ? ring : NULL;
    }
    if (trace->ring == NULL) {
        tn_file_close(trace->file);
        trace->refused = true;
    } else {
        trace->process = tn_process_id();
        trace->thread = pthread_self();
        trace->from = noted(trace);
        trace->to = trace->from;
    }
    errno = saved;
}

void
tn_trace_end(struct tn_trace *trace)
{
    int saved = errno;
    if (trace->ring != NULL) {
        if (trace->process == tn_process_id()) { /* a child of a fork does not have it */
            munmap(trace->ring, tn_os_page_size() + RING);
        }
        tn_file_close(trace->file);
        trace->ring = NULL;
    }
    errno = saved;
}

size_t
tn_trace_read(struct tn_trace *trace)
{
    if (trace->ring == NULL || !pthread_equal(trace->thread, pthread_self())) {
        return 0;
    }
    trace->to = noted(trace);
    for (uint64_t at = trace->from; at != trace->to; at += NOTE) {
        struct perf_event_header header;
        memcpy(&header, word_at(trace, at), sizeof header);
        if (header.type != PERF_RECORD_SAMPLE || header.size != NOTE) {
            return 0;
        }
    }
    return (size_t)(trace->to - trace->from) / NOTE;
}

char *
tn_trace_address(const struct tn_trace *trace, size_t i)
{
    uint64_t at = trace->from + i * NOTE + sizeof(struct perf_event_header);
    return (char *)(uintptr_t)*word_at(trace, at);
}

void
tn_trace_forget(struct tn_trace *trace)
{
    if (trace->ring != NULL) {
        struct perf_event_mmap_page *head = trace->ring;
        trace->from = noted(trace);
        trace->to = trace->from;
        __atomic_store_n(&head->data_tail, trace->from, __ATOMIC_RELEASE);
    }
}
