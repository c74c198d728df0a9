/*
 * Trace points (USDT): a nop each, and a note in the file that says where it is and where its
 * arguments are, for perf, bpftrace, SystemTap and gdb. docs/insight.md lists them. Without
 * <sys/sdt.h>, a header and nothing else, or with TN_NO_PROBES there are none.
 */
#ifndef TN_PROBE_H
#define TN_PROBE_H

#if defined(__has_include) && !defined(TN_NO_PROBES)
#    if __has_include(<sys/sdt.h>)
#        include <sys/sdt.h>
#    endif
#endif

#ifdef STAP_PROBE
#    define TN_PROBE1(provider, name, a)       STAP_PROBE1(provider, name, a)
#    define TN_PROBE2(provider, name, a, b)    STAP_PROBE2(provider, name, a, b)
#    define TN_PROBE3(provider, name, a, b, c) STAP_PROBE3(provider, name, a, b, c)
#else
#    define TN_PROBE1(provider, name, a)       ((void)(a))
#    define TN_PROBE2(provider, name, a, b)    ((void)(a), (void)(b))
#    define TN_PROBE3(provider, name, a, b, c) ((void)(a), (void)(b), (void)(c))
#endif

#endif
