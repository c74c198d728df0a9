/* After Barnes and Hut, "A hierarchical O(N log N) force-calculation algorithm" (1986): at each
 * step an octree of heap nodes is built over all bodies, walked once for each of them, and freed.
 */
#include "pattern.h"

#include <math.h>
#include <stdlib.h>

enum {
    BODIES = 8000
};

static const double HALF_SIDE = 64;
static const double STEP = 0.01;
static const double OPENING = 0.7; /* cells that look smaller than this act as one body */
static const double SOFTENING = 0.05;

struct body {
    double place[3];
    double speed[3];
    double mass;
};

struct cell {
    struct cell *parts[8];
    struct body *body; /* of a leaf */
    double middle[3];
    double half_side;
    double mass;
    double centre[3]; /* of mass */
};

static struct cell *
new_cell(const double *middle, double half_side)
{
    struct cell *cell = bench_checked(calloc(1, sizeof *cell), sizeof *cell);
    memcpy(cell->middle, middle, sizeof cell->middle);
    cell->half_side = half_side;
    return cell;
}

static struct cell **
part_for(struct cell *cell, const double *place)
{
    unsigned which = 0;
    for (unsigned d = 0; d < 3; d++)
        which |= (unsigned)(place[d] >= cell->middle[d]) << d;
    return &cell->parts[which];
}

static struct cell *
add_part(struct cell *cell, const double *place)
{
    double half = cell->half_side / 2;
    double middle[3];
    for (int d = 0; d < 3; d++)
        middle[d] = cell->middle[d] + (place[d] >= cell->middle[d] ? half : -half);
    return *part_for(cell, place) = new_cell(middle, half);
}

static void
insert(struct cell *cell, struct body *body)
{
    for (;;) {
        struct cell **part = part_for(cell, body->place);
        if (*part == NULL) {
            add_part(cell, body->place)->body = body;
            return;
        }
        cell = *part;
        if (cell->body != NULL) {
            struct body *here = cell->body;
            cell->body = NULL;
            add_part(cell, here->place)->body = here;
        }
    }
}

static void
weigh(struct cell *cell)
{
    if (cell->body != NULL) {
        cell->mass = cell->body->mass;
        memcpy(cell->centre, cell->body->place, sizeof cell->centre);
        return;
    }
    for (int i = 0; i < 8; i++) {
        const struct cell *part = cell->parts[i];
        if (part == NULL)
            continue;
        weigh(cell->parts[i]);
        cell->mass += part->mass;
        for (int d = 0; d < 3; d++)
            cell->centre[d] += part->mass * part->centre[d];
    }
    for (int d = 0; d < 3; d++)
        cell->centre[d] /= cell->mass;
}

static void
pull(const struct cell *cell, const struct body *body, double *force)
{
    if (cell->body == body)
        return;
    double gap[3];
    double square = SOFTENING * SOFTENING;
    for (int d = 0; d < 3; d++) {
        gap[d] = cell->centre[d] - body->place[d];
        square += gap[d] * gap[d];
    }
    double side = 2 * cell->half_side;
    if (cell->body != NULL || side * side < OPENING * OPENING * square) {
        double strength = cell->mass / (square * sqrt(square));
        for (int d = 0; d < 3; d++)
            force[d] += strength * gap[d];
        return;
    }
    for (int i = 0; i < 8; i++) {
        if (cell->parts[i] != NULL)
            pull(cell->parts[i], body, force);
    }
}

static void
fell(struct cell *cell)
{
    for (int i = 0; i < 8; i++) {
        if (cell->parts[i] != NULL)
            fell(cell->parts[i]);
    }
    free(cell);
}

static void
move(struct body *body, const double *force)
{
    for (int d = 0; d < 3; d++) {
        body->speed[d] += STEP * force[d];
        body->place[d] += STEP * body->speed[d];
        if (fabs(body->place[d]) > HALF_SIDE)
            body->speed[d] = -body->speed[d];
    }
}

uint64_t
pattern_bodies(const struct bench_plan *plan)
{
    struct bench_random random = {.state = 9};
    struct body **bodies = bench_checked(calloc(BODIES, sizeof *bodies), BODIES * sizeof *bodies);
    for (size_t i = 0; i < BODIES; i++) {
        bodies[i] = bench_checked(calloc(1, sizeof **bodies), sizeof **bodies);
        bodies[i]->mass = 1.0 / BODIES;
        for (int d = 0; d < 3; d++)
            bodies[i]->place[d] = (double)bench_below(&random, 1 << 30) / (1 << 26) - 8;
    }
    uint64_t steps = bench_work(plan, 20);
    for (uint64_t s = 0; s < steps; s++) {
        struct cell *root = new_cell((const double[3]){0, 0, 0}, HALF_SIDE);
        for (size_t i = 0; i < BODIES; i++)
            insert(root, bodies[i]);
        weigh(root);
        for (size_t i = 0; i < BODIES; i++) {
            double force[3] = {0, 0, 0};
            pull(root, bodies[i], force);
            move(bodies[i], force);
        }
        fell(root);
    }
    uint64_t sum = 0;
    for (size_t i = 0; i < BODIES; i++) {
        sum = sum * 31 + (uint64_t)(int64_t)(bodies[i]->place[0] * 1e6);
        free(bodies[i]);
    }
    free(bodies);
    return sum;
}
