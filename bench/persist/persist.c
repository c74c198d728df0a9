/*
 * Images in figures: a pair of malloc and free beside the process heap; building, closing, opening
 * and walking a list; commits after dirtying parts of 1 GiB, beside one sequential write of as many
 * pages and one sync, and beside SQLite and LMDB with as many 4 KiB records changed.
 *
 *     persist FILE [MIB]
 */
#include <tarn/persist.h>
#include <tarn/tarn.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifdef HAVE_SQLITE
#    include <sqlite3.h>
#endif
#ifdef HAVE_LMDB
#    include <lmdb.h>
#    include <sys/stat.h>
#endif

#define PAGE    4096
#define REPEATS 3

static const double parts[] = {0.001, 0.01, 0.1, 1.0};

static double
now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void
need(int good, const char *what)
{
    if (!good) {
        fprintf(stderr, "%s: %s\n", what, tarn_error());
        exit(1);
    }
}

static uint64_t
draw(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

/* ---- allocation ---- */

#define PAIRS 5000000
#define LIVE  4096

struct job {
    tarn_heap *heap;
    double pair;
    double churn;
};

static void *
allocate(void *context)
{
    struct job *job = context;
    static _Thread_local void *live[LIVE];
    uint64_t seed = 1;
    double start = now();
    for (int i = 0; i < PAIRS; i++) {
        size_t size = 16 + draw(&seed) % 1000;
        if (job->heap != NULL) {
            tarn_heap_free(job->heap, tarn_heap_malloc(job->heap, size));
        } else {
            tarn_free(tarn_malloc(size));
        }
    }
    job->pair = (now() - start) * 1e6 / PAIRS;
    start = now();
    for (int i = 0; i < PAIRS; i++) {
        size_t size = 16 + draw(&seed) % 1000;
        void **slot = &live[draw(&seed) % LIVE];
        if (job->heap != NULL) {
            tarn_heap_free(job->heap, *slot);
            *slot = tarn_heap_malloc(job->heap, size);
        } else {
            tarn_free(*slot);
            *slot = tarn_malloc(size);
        }
    }
    job->churn = (now() - start) * 1e6 / PAIRS;
    return NULL;
}

static void
bench_allocation(tarn_heap *heap)
{
    printf("malloc and free, ns              pair   churn\n");
    for (unsigned threads = 1; threads <= 2; threads++) {
        for (unsigned image = 0; image < 2; image++) {
            struct job jobs[2] = {{image ? heap : NULL, 0, 0}, {image ? heap : NULL, 0, 0}};
            pthread_t ids[2];
            for (unsigned i = 0; i < threads; i++) {
                pthread_create(&ids[i], NULL, allocate, &jobs[i]);
            }
            for (unsigned i = 0; i < threads; i++) {
                pthread_join(ids[i], NULL);
            }
            printf("%-14s %u thread%s      %6.1f  %6.1f\n", image ? "image" : "process heap",
                   threads, threads > 1 ? "s" : " ", jobs[0].pair, jobs[0].churn);
        }
    }
}

/* ---- building, closing, opening ---- */

struct node {
    struct node *next;
    char rest[56];
};

static void
bench_opening(const char *path)
{
    printf("\nlist of nodes of 64 B       build ns/node  close ms  open ms  first walk ms\n");
    for (long nodes = 1000000; nodes <= 10000000; nodes *= 10) {
        unlink(path);
        tarn_heap *heap = tarn_create(path, &(tarn_options){.flags = TARN_PROCESS});
        need(heap != NULL, "create");
        double start = now();
        struct node *first = NULL;
        for (long i = 0; i < nodes; i++) {
            struct node *node = tarn_heap_malloc(heap, sizeof *node);
            node->next = first;
            first = node;
        }
        tarn_set_root(heap, first);
        double built = now() - start;
        start = now();
        need(tarn_close(heap) == 0, "close");
        double closed = now() - start;
        start = now();
        heap = tarn_open(path, NULL);
        need(heap != NULL, "open");
        double opened = now() - start;
        start = now();
        long count = 0;
        for (struct node *node = tarn_root(heap); node != NULL; node = node->next) {
            count++;
        }
        need(count == nodes, "count");
        printf("%10ld                      %6.1f  %8.1f  %7.3f  %8.1f\n", nodes,
               built * 1e6 / (double)nodes, closed, opened, now() - start);
        tarn_close_without_commit(heap);
    }
    unlink(path);
}

/* ---- commits ---- */

static void
raw(const char *path, size_t bytes, double *best)
{
    char *data = malloc(bytes);
    memset(data, 1, bytes);
    int file = open(path, O_RDWR | O_CREAT, 0600);
    *best = 1e9;
    for (int i = 0; i < REPEATS + 1; i++) {
        double start = now();
        for (size_t at = 0; at < bytes;) {
            size_t part = bytes - at < (1 << 20) ? bytes - at : 1 << 20;
            ssize_t n = pwrite(file, data + at, part, (off_t)at);
            need(n > 0, "write");
            at += (size_t)n;
        }
        fdatasync(file);
        double took = now() - start;
        *best = took < *best ? took : *best;
    }
    close(file);
    unlink(path);
    free(data);
}

static void
bench_commits(const char *path, size_t mib)
{
    char other[4096];
    size_t pages = mib << 8;
    snprintf(other, sizeof other, "%s-raw", path);
    printf("\ncommit after dirtying part of %zu MiB, best of %d, ms\n", mib, REPEATS);
    printf("                      0.1 %%      1 %%     10 %%    100 %%\n");
    double lines[3][4];
    for (unsigned process = 0; process < 2; process++) {
        unlink(path);
        tarn_heap *heap = tarn_create(path, &(tarn_options){.flags = process ? TARN_PROCESS : 0,
                                                            .journal_most = (size_t)1 << 40});
        need(heap != NULL, "create");
        char *data = tarn_heap_malloc(heap, pages * PAGE);
        memset(data, 1, pages * PAGE);
        need(tarn_commit(heap) == 0, "commit");
        need(tarn_checkpoint(heap) == 0, "checkpoint");
        for (size_t i = 0; i < pages; i++) {
            data[i * PAGE] = 2;
        }
        need(tarn_commit(heap) == 0, "commit");
        uint64_t seed = 1;
        for (unsigned part = 0; part < 4; part++) {
            lines[process][part] = 1e9;
            size_t count = (size_t)((double)pages * parts[part]);
            for (int repeat = 0; repeat < REPEATS; repeat++) {
                need(tarn_checkpoint(heap) == 0, "checkpoint"); /* the journal begins anew */
                for (size_t i = 0; i < count; i++) {
                    size_t page = parts[part] < 1 ? draw(&seed) % pages : i;
                    data[page * PAGE + 8]++;
                }
                double start = now();
                need(tarn_commit(heap) == 0, "commit");
                double took = now() - start;
                lines[process][part] = took < lines[process][part] ? took : lines[process][part];
            }
        }
        double start = now();
        for (int i = 0; i < 1000; i++) {
            data[(size_t)i * PAGE]++;
            need(tarn_commit(heap) == 0, "commit");
        }
        double small = now() - start;
        printf("%s: %.0f commits of one page a second\n", process ? "process" : "power",
               1e6 / small);
        tarn_close_without_commit(heap);
        unlink(path);
        snprintf(other, sizeof other, "%s-journal", path);
        unlink(other);
        snprintf(other, sizeof other, "%s-raw", path);
    }
    for (unsigned part = 0; part < 4; part++) {
        raw(other, (size_t)((double)pages * parts[part]) * PAGE, &lines[2][part]);
    }
    static const char *const titles[] = {"tarn, power", "tarn, process", "raw write + sync"};
    for (unsigned i = 0; i < 3; i++) {
        printf("%-18s %8.2f %8.2f %8.1f %8.1f\n", titles[i], lines[i][0], lines[i][1], lines[i][2],
               lines[i][3]);
    }
}

#ifdef HAVE_SQLITE
static void
bench_sqlite(const char *path, size_t mib)
{
    char name[4096];
    sqlite3 *db;
    sqlite3_stmt *change;
    static char row[PAGE - 100];
    size_t rows = mib << 8;
    snprintf(name, sizeof name, "%s-sqlite", path);
    unlink(name);
    need(sqlite3_open(name, &db) == SQLITE_OK, "sqlite");
    sqlite3_exec(db,
                 "pragma journal_mode=wal; pragma synchronous=full; "
                 "pragma wal_autocheckpoint=0; create table t(k integer primary key, v blob); "
                 "begin",
                 NULL, NULL, NULL);
    sqlite3_prepare_v2(db, "insert or replace into t values(?,?)", -1, &change, NULL);
    uint64_t seed = 1;
    double best[4];
    for (int part = -1; part < 4; part++) {
        size_t count = part < 0 ? rows : (size_t)((double)rows * parts[part]);
        double start = now();
        if (part >= 0) {
            sqlite3_exec(db, "begin", NULL, NULL, NULL);
        }
        for (size_t i = 0; i < count; i++) {
            size_t key = part < 0 || parts[part] >= 1 ? i : draw(&seed) % rows;
            row[0]++;
            sqlite3_bind_int64(change, 1, (sqlite3_int64)key);
            sqlite3_bind_blob(change, 2, row, sizeof row, SQLITE_STATIC);
            sqlite3_step(change);
            sqlite3_reset(change);
        }
        sqlite3_exec(db, "commit", NULL, NULL, NULL);
        if (part < 0) {
            sqlite3_exec(db, "pragma wal_checkpoint(truncate)", NULL, NULL, NULL);
        } else {
            best[part] = now() - start;
        }
    }
    sqlite3_finalize(change);
    sqlite3_close(db);
    unlink(name);
    printf("%-18s %8.2f %8.2f %8.1f %8.1f\n", "SQLite WAL, full", best[0], best[1], best[2],
           best[3]);
}
#endif

#ifdef HAVE_LMDB
static void
bench_lmdb(const char *path, size_t mib)
{
    char name[4096];
    char lock[4200];
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    static char row[PAGE - 100];
    size_t rows = mib << 8;
    snprintf(name, sizeof name, "%s-lmdb", path);
    snprintf(lock, sizeof lock, "%s-lock", name);
    unlink(name);
    mdb_env_create(&env);
    mdb_env_set_mapsize(env, (size_t)8 << 30);
    need(mdb_env_open(env, name, MDB_NOSUBDIR, 0600) == 0, "lmdb");
    uint64_t seed = 1;
    double best[4];
    for (int part = -1; part < 4; part++) {
        size_t count = part < 0 ? rows : (size_t)((double)rows * parts[part]);
        double start = now();
        mdb_txn_begin(env, NULL, 0, &txn);
        mdb_dbi_open(txn, NULL, MDB_INTEGERKEY, &dbi);
        for (size_t i = 0; i < count; i++) {
            size_t key = part < 0 || parts[part] >= 1 ? i : draw(&seed) % rows;
            row[0]++;
            MDB_val k = {sizeof key, &key};
            MDB_val v = {sizeof row, row};
            mdb_put(txn, dbi, &k, &v, 0);
        }
        need(mdb_txn_commit(txn) == 0, "lmdb");
        if (part >= 0) {
            best[part] = now() - start;
        }
    }
    mdb_env_close(env);
    unlink(name);
    unlink(lock);
    printf("%-18s %8.2f %8.2f %8.1f %8.1f\n", "LMDB, sync", best[0], best[1], best[2], best[3]);
}
#endif

int
main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: persist FILE [MIB]\n");
        return 2;
    }
    size_t mib = argc > 2 ? strtoul(argv[2], NULL, 10) : 1024;
    unlink(argv[1]);
    tarn_heap *heap = tarn_create(argv[1], NULL);
    need(heap != NULL, "create");
    bench_allocation(heap);
    tarn_close_without_commit(heap);
    unlink(argv[1]);
    bench_opening(argv[1]);
    bench_commits(argv[1], mib);
#ifdef HAVE_SQLITE
    bench_sqlite(argv[1], mib);
#endif
#ifdef HAVE_LMDB
    bench_lmdb(argv[1], mib);
#endif
    return 0;
}
