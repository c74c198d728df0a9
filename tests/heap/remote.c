/* Every interleaving of a slab's remote word (heap/remote.h): two threads, the one that owns the
 * slab and one that frees its blocks, or two that free, up to three operations each, each operation
 * cut at its accesses to what both see, as bin.c, free.c and slab_list.c make them. After each no
 * block is lost, none is in two places, and at most one thread owns the slab.
 *
 * A thread's operation is a small machine; one step is one atomic access. Links of blocks are part
 * of the state, written before the exchange that publishes them, so a block published early or
 * taken twice shows. */
#include "heap/remote.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    BLOCKS = 6, /* of the slab */
    NOBODY = -1
};

enum operation {
    FREE,   /* one of the thread's own live blocks: locally if it owns the slab, else remotely */
    TAKE,   /* the owner takes the remote list; others do nothing */
    LET_GO, /* the owner lets a slab with an empty local list go */
    MALLOC, /* the owner takes a block off the local list */
    OPERATIONS
};

struct thread {
    enum operation program[3];
    int at;        /* operation */
    int step;      /* within it */
    uint64_t word; /* what it read last */
    int block;     /* it works on */
    unsigned live; /* blocks it may free, one bit each */
};

struct state {
    uint64_t remote;
    int owner;
    int link[BLOCKS]; /* of the remote list; NOBODY ends it */
    unsigned local;   /* blocks on the local list */
    struct thread threads[2];
};

static unsigned long explored;

static void
fail(const struct state *state, const char *what)
{
    fprintf(stderr, "%s: word %#llx, owner %d, local %#x, live %#x and %#x; programs", what,
            (unsigned long long)state->remote, state->owner, state->local, state->threads[0].live,
            state->threads[1].live);
    for (int t = 0; t < 2; t++) {
        for (int i = 0; i < 3; i++) {
            fprintf(stderr, " %d", (int)state->threads[t].program[i]);
        }
        fprintf(stderr, t == 0 ? " |" : "\n");
    }
    exit(1);
}

static unsigned
remote_blocks(const struct state *state)
{
    unsigned blocks = 0;
    unsigned count = tn_remote_count(state->remote);
    uint64_t first = tn_remote_first(state->remote);
    int block = first == TN_REMOTE_END ? NOBODY : (int)first;
    for (unsigned i = 0; i < count; i++) {
        if (block < 0 || block >= BLOCKS || (blocks >> block & 1) != 0) {
            fail(state, "the remote list is not what its count says");
        }
        blocks |= 1u << block;
        block = state->link[block];
    }
    return blocks;
}

/* With both threads between operations every block is in one place. */
static void
check(const struct state *state)
{
    unsigned remote = remote_blocks(state);
    unsigned places[] = {remote, state->local, state->threads[0].live, state->threads[1].live};
    unsigned all = 0;
    for (int i = 0; i < 4; i++) {
        if ((all & places[i]) != 0) {
            fail(state, "a block in two places");
        }
        all |= places[i];
    }
    if (all != (1u << BLOCKS) - 1) {
        fail(state, "a block is lost");
    }
    if ((state->remote & TN_REMOTE_FULL) && (remote | state->local) != 0) {
        fail(state, "full, and yet blocks are free");
    }
    if ((state->remote & TN_REMOTE_FULL) && state->owner != NOBODY) {
        fail(state, "full, and yet owned");
    }
    if (!(state->remote & TN_REMOTE_FULL) && state->owner == NOBODY) {
        fail(state, "nobody's, and nobody can claim it");
    }
}

static void
done(struct thread *thread)
{
    thread->at++;
    thread->step = 0;
}

/* One step of free_remote, claim, tn_slab_collect or let_go. */
static void
step(struct state *state, int me)
{
    struct thread *thread = &state->threads[me];
    switch (thread->program[thread->at]) {
    case FREE:
        if (thread->step == 0) {
            if (thread->live == 0) {
                done(thread);
                return;
            }
            thread->block = __builtin_ctz(thread->live);
            thread->live &= thread->live - 1;
            if (state->owner == me) { /* its own: nobody else looks at the local list */
                state->local |= 1u << thread->block;
                done(thread);
                return;
            }
            thread->word = state->remote;
            thread->step = 1;
        } else if (thread->step == 1) { /* the compare and swap */
            uint64_t next;
            if (thread->word & TN_REMOTE_FULL) {
                next = thread->word & ~TN_REMOTE_FULL;
            } else {
                uint64_t first = tn_remote_first(thread->word);
                state->link[thread->block] = first == TN_REMOTE_END ? NOBODY : (int)first;
                next = (thread->word & ~TN_REMOTE_END) + TN_REMOTE_ONE;
                next |= (uint64_t)thread->block;
            }
            if (state->remote != thread->word) {
                thread->word = state->remote;
                return;
            }
            state->remote = next;
            if (thread->word & TN_REMOTE_FULL) {
                thread->step = 2;
            } else {
                done(thread);
            }
        } else if (thread->step == 2) { /* claim: the list first, then the owner */
            if (state->local != 0) {
                fail(state, "claimed with blocks on its local list");
            }
            state->local |= 1u << thread->block;
            thread->step = 3;
        } else {
            if (state->owner != NOBODY) {
                fail(state, "claimed twice");
            }
            state->owner = me;
            done(thread);
        }
        return;
    case TAKE:
        if (thread->step == 0) {
            if (state->owner != me || tn_remote_count(state->remote) == 0) {
                done(thread);
                return;
            }
            thread->step = 1;
        } else {
            unsigned taken = remote_blocks(state);
            if ((state->local & taken) != 0) {
                fail(state, "taken twice");
            }
            state->remote = TN_REMOTE_END;
            state->local |= taken;
            done(thread);
        }
        return;
    case LET_GO:
        if (thread->step == 0) {
            if (state->owner != me || state->local != 0) {
                done(thread);
                return;
            }
            state->owner = NOBODY;
            thread->step = 1;
        } else if (thread->step == 1) {
            if (state->remote == TN_REMOTE_END) {
                state->remote = TN_REMOTE_END | TN_REMOTE_FULL;
                done(thread);
            } else {
                thread->step = 2;
            }
        } else {
            state->owner = me;
            done(thread);
        }
        return;
    default:
        if (state->owner == me && state->local != 0) {
            thread->live |= state->local & -state->local;
            state->local &= state->local - 1;
        }
        done(thread);
    }
}

static void
explore(const struct state *state)
{
    bool ended = true;
    explored++;
    if (state->threads[0].step == 0 && state->threads[1].step == 0) {
        check(state);
    }
    for (int t = 0; t < 2; t++) {
        if (state->threads[t].at < 3) {
            struct state next = *state;
            step(&next, t);
            explore(&next);
            ended = false;
        }
    }
    if (ended && (state->threads[0].step != 0 || state->threads[1].step != 0)) {
        fail(state, "not ended");
    }
}

/* Slabs as threads find them: whose, how many blocks are on the local list, and who uses the rest.
 */
static void
start(struct state *state, int owner, int local, int split)
{
    *state = (struct state){.owner = owner, .remote = TN_REMOTE_END};
    if (owner == NOBODY) {
        state->remote |= TN_REMOTE_FULL;
    }
    for (int i = 0; i < BLOCKS; i++) {
        state->link[i] = NOBODY;
        if (i < local) {
            state->local |= 1u << i;
        } else {
            state->threads[i < local + split].live |= 1u << i;
        }
    }
}

int
main(void)
{
    int programs = OPERATIONS * OPERATIONS * OPERATIONS;
    for (int owner = NOBODY; owner < 1; owner++) {
        for (int local = 0; local <= (owner == NOBODY ? 0 : 2); local++) {
            for (int split = 1; split < BLOCKS - local; split += 2) {
                for (int p = 0; p < programs * programs; p++) {
                    struct state state;
                    start(&state, owner, local, split);
                    for (int i = 0, rest = p; i < 6; i++, rest /= OPERATIONS) {
                        state.threads[i / 3].program[i % 3] = (enum operation)(rest % OPERATIONS);
                    }
                    explore(&state);
                }
            }
        }
    }
    printf("%lu states\n", explored);
    return 0;
}
