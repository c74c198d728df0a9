/* Works on logic functions as lists of cubes, after Brayton and others, "Logic Minimization
 * Algorithms for VLSI Synthesis" (1984): complements a cover by Shannon's expansion on its most
 * bound variable, and merges the halves. Lists of small blocks, built and dropped at every level.
 */
#include "pattern.h"

#include <stdbool.h>
#include <stdlib.h>

enum {
    VARIABLES = 20,
    ZERO = 0,
    ONE = 1,
    FREE = 2
};

/* One product term; its literals lie in a block of their own. */
struct cube {
    struct cube *next;
    unsigned char *literals;
};

static struct cube *
push(struct cube *rest, const unsigned char *literals)
{
    struct cube *cube = bench_checked(malloc(sizeof *cube), sizeof *cube);
    cube->literals = bench_checked(malloc(VARIABLES), VARIABLES);
    memcpy(cube->literals, literals, VARIABLES);
    cube->next = rest;
    return cube;
}

static struct cube *
pop(struct cube *cover)
{
    struct cube *rest = cover->next;
    free(cover->literals);
    free(cover);
    return rest;
}

static void
drop(struct cube *cover)
{
    while (cover != NULL)
        cover = pop(cover);
}

/* The part of the cover where the variable has the value, freed of that variable. */
static struct cube *
cofactor(const struct cube *cover, size_t variable, unsigned char value)
{
    struct cube *result = NULL;
    for (; cover != NULL; cover = cover->next) {
        if (cover->literals[variable] != 1 - value) {
            result = push(result, cover->literals);
            result->literals[variable] = FREE;
        }
    }
    return result;
}

/* The variable that most cubes bind; VARIABLES when some cube binds none, or there is no cube. */
static size_t
most_bound(const struct cube *cover)
{
    unsigned bound[VARIABLES] = {0};
    for (; cover != NULL; cover = cover->next) {
        unsigned here = 0;
        for (size_t v = 0; v < VARIABLES; v++) {
            unsigned is_bound = cover->literals[v] != FREE;
            bound[v] += is_bound;
            here += is_bound;
        }
        if (here == 0)
            return VARIABLES;
    }
    size_t best = VARIABLES;
    for (size_t v = 0; v < VARIABLES; v++) {
        if (bound[v] != 0 && (best == VARIABLES || bound[v] > bound[best]))
            best = v;
    }
    return best;
}

/* Every cube of `inner` inside some cube of `outer` is dropped. */
static struct cube *
without_covered(struct cube *inner, const struct cube *outer)
{
    struct cube **link = &inner;
    while (*link != NULL) {
        bool covered = false;
        for (const struct cube *o = outer; o != NULL && !covered; o = o->next) {
            covered = true;
            for (size_t v = 0; v < VARIABLES && covered; v++)
                covered = o->literals[v] == FREE || o->literals[v] == (*link)->literals[v];
        }
        if (covered)
            *link = pop(*link);
        else
            link = &(*link)->next;
    }
    return inner;
}

/* Joins the two halves of an expansion; a cube that both have needs the variable no more. Takes
 * both. */
static struct cube *
merge(struct cube *low, struct cube *high, size_t variable)
{
    struct cube *both = NULL;
    for (struct cube **link = &low; *link != NULL;) {
        struct cube **twin = &high;
        while (*twin != NULL && memcmp((*twin)->literals, (*link)->literals, VARIABLES) != 0)
            twin = &(*twin)->next;
        if (*twin != NULL) {
            both = push(both, (*link)->literals);
            *twin = pop(*twin);
            *link = pop(*link);
        } else {
            link = &(*link)->next;
        }
    }
    low = without_covered(low, both);
    high = without_covered(high, both);
    struct cube *const halves[] = {low, high};
    for (unsigned char value = ZERO; value <= ONE; value++) {
        for (struct cube *cube = halves[value]; cube != NULL; cube = pop(cube)) {
            cube->literals[variable] = value;
            both = push(both, cube->literals);
        }
    }
    return both;
}

static struct cube *
complement(const struct cube *cover)
{
    static const unsigned char everything[] = {FREE, FREE, FREE, FREE, FREE, FREE, FREE,
                                               FREE, FREE, FREE, FREE, FREE, FREE, FREE,
                                               FREE, FREE, FREE, FREE, FREE, FREE};
    _Static_assert(sizeof everything == VARIABLES, "one literal for each variable");
    if (cover == NULL)
        return push(NULL, everything);
    size_t variable = most_bound(cover);
    if (variable == VARIABLES)
        return NULL;
    struct cube *halves[2];
    for (unsigned char value = ZERO; value <= ONE; value++) {
        struct cube *part = cofactor(cover, variable, value);
        halves[value] = complement(part);
        drop(part);
    }
    return merge(halves[0], halves[1], variable);
}

static bool
holds(const struct cube *cover, uint64_t point)
{
    for (; cover != NULL; cover = cover->next) {
        bool inside = true;
        for (size_t v = 0; v < VARIABLES && inside; v++)
            inside = cover->literals[v] == FREE || cover->literals[v] == (point >> v & 1);
        if (inside)
            return true;
    }
    return false;
}

uint64_t
pattern_logic(const struct bench_plan *plan)
{
    enum {
        CUBES = 22,
        BOUND_IN_TEN = 4,
        POINTS = 1000
    };
    struct bench_random random = {.state = 8};
    uint64_t rounds = bench_work(plan, 60);
    uint64_t sum = 0;
    for (uint64_t i = 0; i < rounds; i++) {
        struct cube *cover = NULL;
        for (int c = 0; c < CUBES; c++) {
            unsigned char literals[VARIABLES];
            for (size_t v = 0; v < VARIABLES; v++) {
                bool bound = bench_below(&random, 10) < BOUND_IN_TEN;
                literals[v] = bound ? (unsigned char)(bench_next(&random) & 1) : FREE;
            }
            cover = push(cover, literals);
        }
        struct cube *opposite = complement(cover);
        for (int p = 0; p < POINTS; p++) {
            uint64_t point = bench_next(&random);
            if (holds(cover, point) == holds(opposite, point))
                bench_die("a cover and its complement agree at a point");
        }
        for (const struct cube *c = opposite; c != NULL; c = c->next)
            sum++;
        drop(opposite);
        drop(cover);
    }
    return sum;
}
