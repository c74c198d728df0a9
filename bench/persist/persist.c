/*
 * Commits in figures: after dirtying parts of 1 GiB, beside one sequential write of as many pages
 * to a file that has its blocks, with and without a sync, and beside SQLite and LMDB with as many
 * 4 KiB records changed; small ones beside as small writes; none at all. peer_jobs.c has the rest.
 *
 *     persist FILE [MIB]
 */
#include <tarn/persist.h>

#include <fcntl.h>
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
#define SMALL   1000

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

/* ---- commits ---- */

static void
keep_best(double *best, double took)
{
    *best = took < *best ? took : *best;
}

static void
print_row(const char *title, const double *row)
{
    printf("%-34s %8.2f %8.2f %8.1f %8.1f\n", title, row[0], row[1], row[2], row[3]);
}

/* ---- a file written without more ado, right after each commit ---- */

struct raw {
    char name[4096];
    char *data;
    int file;
};

static double
raw_write(const struct raw *raw, size_t bytes, size_t from, int sync)
{
    double start = now();
    for (size_t at = 0; at < bytes;) {
        size_t size = bytes - at < (1 << 20) ? bytes - at : 1 << 20;
        ssize_t n = pwrite(raw->file, raw->data + at, size, (off_t)(from + at));
        need(n > 0, "write");
        at += (size_t)n;
    }
    if (sync) {
        fdatasync(raw->file);
    }
    return now() - start;
}

/* A file that has its blocks. */
static void
raw_open(struct raw *raw, const char *path, size_t pages)
{
    snprintf(raw->name, sizeof raw->name, "%.4000s-raw", path);
    raw->data = malloc(pages * PAGE);
    memset(raw->data, 1, pages * PAGE);
    raw->file = open(raw->name, O_RDWR | O_CREAT, 0600);
    raw_write(raw, pages * PAGE, 0, 1);
}

static void
raw_close(struct raw *raw)
{
    close(raw->file);
    unlink(raw->name);
    free(raw->data);
}

/* ---- Tarn ---- */

static void
dirty(char *data, size_t pages, double part, uint64_t *seed)
{
    size_t count = (size_t)((double)pages * part);
    for (size_t i = 0; i < count; i++) {
        size_t page = part < 1 ? draw(seed) % pages : i;
        data[page * PAGE + 8]++;
    }
}

static double
timed_commit(tarn_heap *heap)
{
    double start = now();
    need(tarn_commit(heap) == 0, "commit");
    return now() - start;
}

static tarn_heap *
make_heap(const char *path, unsigned flags, size_t pages, char **data)
{
    unlink(path);
    tarn_heap *heap =
        tarn_create(path, &(tarn_options){.flags = flags, .journal_most = (size_t)1 << 40});
    need(heap != NULL, "create");
    *data = tarn_heap_malloc(heap, pages * PAGE);
    memset(*data, 1, pages * PAGE);
    need(tarn_commit(heap) == 0, "commit");
    return heap;
}

static void
end_heap(const char *path, tarn_heap *heap)
{
    char name[4096];
    tarn_close_without_commit(heap);
    unlink(path);
    snprintf(name, sizeof name, "%.4000s-journal", path);
    unlink(name);
}

/* The journal begins anew before each: a first commit then finds pages that are the file's and has
 * them copied when they are written to, one after it pages that are the process's own. */
static void
bench_commits(const char *path, size_t pages, unsigned flags, const char *name)
{
    char *data;
    struct raw raw;
    raw_open(&raw, path, pages);
    double beside[4] = {1e9, 1e9, 1e9, 1e9};
    char title[64];
    tarn_heap *heap = make_heap(path, flags, pages, &data);
    double first[4] = {1e9, 1e9, 1e9, 1e9};
    double later[4] = {1e9, 1e9, 1e9, 1e9};
    double file[4] = {1e9, 1e9, 1e9, 1e9};
    uint64_t seed = 1;
    for (int repeat = 0; repeat < REPEATS; repeat++) {
        for (unsigned part = 0; part < 4; part++) {
            double start = now();
            need(tarn_checkpoint(heap) == 0, "checkpoint");
            keep_best(&file[(part + 3) % 4], now() - start);
            dirty(data, pages, parts[part], &seed);
            keep_best(&first[part], timed_commit(heap));
            dirty(data, pages, parts[part], &seed);
            keep_best(&later[part], timed_commit(heap));
            size_t bytes = (size_t)((double)pages * parts[part]) * PAGE;
            keep_best(&beside[part], raw_write(&raw, bytes, 0, !(flags & TARN_PROCESS)));
        }
    }
    snprintf(title, sizeof title, "tarn, %s", name);
    print_row(title, later);
    print_row(flags & TARN_PROCESS ? "  raw write" : "  raw write + fdatasync", beside);
    snprintf(title, sizeof title, "tarn, %s, after a checkpoint", name);
    print_row(title, first);
    snprintf(title, sizeof title, "tarn, %s, checkpoint after both", name);
    print_row(title, file);
    end_heap(path, heap);
    raw_close(&raw);
}

static void
bench_small(const char *path, size_t pages, unsigned flags, const char *name)
{
    static const char *const which[] = {"the same page", "the next page", "a random page"};
    char *data;
    tarn_heap *heap = make_heap(path, flags, pages, &data);
    dirty(data, pages, 1, NULL);
    timed_commit(heap);
    struct raw raw;
    raw_open(&raw, path, 2 * SMALL);
    int sync = !(flags & TARN_PROCESS);
    int count = sync ? SMALL : 20 * SMALL;
    uint64_t seed = 1;
    for (int how = 0; how < 3; how++) {
        double start = now();
        for (int i = 0; i < count; i++) {
            size_t page = how == 0 ? 7 : how == 1 ? (size_t)i % pages : draw(&seed) % pages;
            data[page * PAGE]++;
            need(tarn_commit(heap) == 0, "commit");
        }
        char title[96];
        snprintf(title, sizeof title, "%s, %zu MiB, %s", name, pages >> 8, which[how]);
        double took = now() - start;
        start = now();
        for (int i = 0; i < SMALL; i++) {
            raw_write(&raw, 2 * PAGE, (size_t)i * 2 * PAGE, sync);
        }
        printf("%-34s %8.0f %8.0f\n", title, count * 1e3 / took, SMALL * 1e3 / (now() - start));
    }
    raw_close(&raw);
    double start = now();
    for (int i = 0; i < SMALL; i++) {
        need(tarn_commit(heap) == 0, "commit");
    }
    printf("%s, %zu MiB, of nothing: %.2f us\n", name, pages >> 8, (now() - start) * 1e3 / SMALL);
    end_heap(path, heap);
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
    print_row("SQLite WAL, full", best);
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
    print_row("LMDB, sync", best);
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
    size_t pages = mib << 8;
    printf("%-34s %8s %8s %8s %8s\n", "commit, best ms, dirty part:", "0.1 %", "1 %", "10 %",
           "100 %");
    bench_commits(argv[1], pages, 0, "power");
    bench_commits(argv[1], pages, TARN_PROCESS, "process");
#ifdef HAVE_SQLITE
    bench_sqlite(argv[1], mib);
#else
    printf("SQLite: not installed\n");
#endif
#ifdef HAVE_LMDB
    bench_lmdb(argv[1], mib);
#else
    printf("LMDB: not installed\n");
#endif
    printf("\n%-34s %8s %8s\n", "small ones, a second:", "commits", "raw 8 KiB");
    bench_small(argv[1], 16 << 8, 0, "power");
    bench_small(argv[1], 16 << 8, TARN_PROCESS, "process");
    bench_small(argv[1], pages, 0, "power");
    bench_small(argv[1], pages, TARN_PROCESS, "process");
    return 0;
}
