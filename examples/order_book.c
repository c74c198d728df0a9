/*
 * An order book: ten million orders at ten thousand prices, each order in the list of its price.
 * They are entered, half of them are cancelled in random order, as many enter again, the best
 * prices trade until nothing is left. With WITH_MALLOC every order is a malloc; else an object of a
 * pool. Run as order_book [ORDERS]: it prints both, one after the other, and how they compare.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct order {
    struct order *next;
    struct order *before;
    uint64_t number;
    uint32_t price;
    uint32_t quantity;
    uint64_t owner;
};

#ifdef WITH_MALLOC
static const char way[] = "malloc";
#    define ORDER_NEW()       malloc(sizeof(struct order))
#    define ORDER_FREE(order) free(order)
#    define START()
#    define END()
#else
#    include <tarn/pool.h>
static const char way[] = "pool";
static tarn_pool *orders;
#    define ORDER_NEW()       tarn_pool_alloc(orders)
#    define ORDER_FREE(order) tarn_pool_free(orders, order)
#    define START()           orders = tarn_pool_of(struct order, .name = "orders")
#    define END()             tarn_pool_close(orders)
#endif

#define PRICES 10000u

static struct order *book[PRICES];
static struct order **entered;
static uint64_t random_state = 1;

static uint64_t
draw(uint64_t below)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (random_state >> 20) % below;
}

static double
seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double
lap(double *since)
{
    double before = *since;
    *since = seconds();
    return *since - before;
}

static size_t
resident_mb(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%*s %lu", &pages) != 1) {
        return 0;
    }
    fclose(file);
    return pages >> 8;
}

static struct order *
enter(uint64_t number)
{
    struct order *order = ORDER_NEW();
    if (order == NULL) {
        fprintf(stderr, "no memory for order %llu\n", (unsigned long long)number);
        exit(1);
    }
    order->number = number;
    order->price = (uint32_t)draw(PRICES);
    order->quantity = (uint32_t)draw(1000) + 1;
    order->owner = number % 977;
    order->before = NULL;
    order->next = book[order->price];
    if (order->next != NULL) {
        order->next->before = order;
    }
    book[order->price] = order;
    return order;
}

static void
leave(struct order *order)
{
    if (order->before != NULL) {
        order->before->next = order->next;
    } else {
        book[order->price] = order->next;
    }
    if (order->next != NULL) {
        order->next->before = order->before;
    }
    ORDER_FREE(order);
}

static void
trade(size_t count)
{
    double since = seconds();
    double start = since;
    size_t before = resident_mb();
    START();
    for (size_t i = 0; i < count; i++) {
        entered[i] = enter(i);
    }
    double first = lap(&since);
    size_t memory = resident_mb() - before;
    for (size_t i = 0; i < count / 2; i++) {
        size_t k = i + (size_t)draw(count - i);
        struct order *order = entered[k];
        entered[k] = entered[i];
        leave(order);
    }
    double cancelled = lap(&since);
    for (size_t i = 0; i < count / 2; i++) {
        entered[i] = enter(count + i);
    }
    double again = lap(&since);
    uint64_t volume = 0;
    for (uint32_t price = 0; price < PRICES; price++) {
        while (book[price] != NULL) {
            volume += book[price]->quantity;
            leave(book[price]);
        }
    }
    END();
    double traded = lap(&since);
    printf(
        "%-7s enter %5.2f s, cancel half %5.2f s, enter again %5.2f s, trade all %5.2f s, in all "
        "%5.2f s; %zu MB at first, %.1f bytes an order (volume %llu)\n",
        way, first, cancelled, again, traded, seconds() - start, memory,
        (double)memory * 1048576 / (double)count, (unsigned long long)volume);
}

int
main(int argc, char **argv)
{
    size_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : 10000000;
    if (count < 2) {
        fprintf(stderr, "usage: %s [ORDERS]\n", argv[0]);
        return 2;
    }
    entered = malloc(count * sizeof(struct order *));
    if (entered == NULL) {
        return 1;
    }
    memset(entered, 1, count * sizeof(struct order *));
    trade(count);
    fflush(stdout);
#ifndef WITH_MALLOC
    char other[4096];
    snprintf(other, sizeof other, "%s-malloc", argv[0]);
    free(entered);
    execv(other, argv);
#endif
    return 0;
}
