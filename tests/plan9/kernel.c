/* A queue of blocks, written the way a Plan 9 kernel writes: its header names, its allocator calls,
 * nothing of Tarn's. Returns 0, or the number of the line that failed. */
#include "u.h"
#include "lib.h"

typedef struct Block Block;
typedef struct Queue Queue;

struct Block
{
	Block *next;
	uchar *rp;
	uchar *wp;
	uchar *lim;
};

struct Queue
{
	Block *first;
	Block *last;
	int n;
};

int kernelmain(void);

#define CHECK(x) \
	if (!(x)) \
	return __LINE__

static Block *
allocb(usize size)
{
	Block *b;

	b = mallocz(sizeof(Block) + size, 0);
	if (b == nil)
		return nil;
	b->next = nil;
	b->rp = b->wp = (uchar *)(b + 1);
	b->lim = (uchar *)b + msize(b);
	setmalloctag(b, 0xb10c);
	return b;
}

int
kernelmain(void)
{
	Queue *q;
	Block *b;
	uchar *p;
	usize i;
	uintptr a;

	q = smalloc(sizeof(Queue));
	CHECK(q->first == nil && q->n == 0);
	for (i = 0; i < 100; i++) {
		b = allocb(i * 5);
		CHECK(b != nil && b->lim >= b->rp + i * 5);
		if (q->first == nil)
			q->first = b;
		else
			q->last->next = b;
		q->last = b;
		q->n++;
	}
	CHECK(getmalloctag(q->first) == 0xb10c);
	while ((b = q->first) != nil) {
		q->first = b->next;
		free(b);
	}
	free(q);
	p = malloc(0);
	CHECK(p != nil);
	free(p);
	free(nil);
	CHECK(realloc(nil, 0) == nil);
	p = realloc(nil, 10);
	CHECK(p != nil && p[9] == 0);
	p = realloc(p, 5000);
	CHECK(p != nil && p[4999] == 0);
	CHECK(realloc(p, 0) == nil);
	p = mallocalign(1000, 64, 4, 4096);
	a = (uintptr)p;
	CHECK(p != nil && a % 64 == 4 && a / 4096 == (a + 999) / 4096);
	free(p);
	p = mallocalign(100, 32, -4, 0);
	CHECK(p != nil && ((uintptr)p + 4) % 32 == 0);
	setrealloctag(p, 7);
	CHECK(getrealloctag(p) == 7);
	free(p);
	p = calloc(10, 10);
	CHECK(p != nil && p[99] == 0);
	free(p);
	CHECK(malloc(~(usize)0) == nil);
	mallocsummary();
	return 0;
}
