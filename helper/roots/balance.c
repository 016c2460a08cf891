// SPDX-License-Identifier: MIT
#include "roots/balance.h"

#include "base/cleanup.h"
#include "base/search.h"
#include "roots/glibc.h"
#include "roots/regions.h"

enum {
	RS_PAGE = 4096, // less than this is taken to be resident
	RS_LARGE = 1 << 16, // bytes of an object that may not all be resident
};

struct balance {
	const struct rs_ledger_source *source;
	struct rs_balance *sum;
	struct rs_vec resident; // struct rs_extent, by address
	struct rs_vec before; // uint64_t, bytes in those before each
	struct rs_vec data; // struct rs_area: the variables of modules
	struct rs_extent near; // around the object before
	bool near_file; // and whether that is of a file
};

// Bytes that are there below @p address.
static uint64_t resident_below(const struct balance *b, uint64_t address)
{
	const struct rs_extent *e =
		rs_vec_items(&b->resident, struct rs_extent);
	const size_t n = rs_vec_count(&b->resident, struct rs_extent);
	const size_t after = RS_FIRST_INDEX(i, n, e[i].start >= address);

	if (!after)
		return 0;
	const struct rs_extent last = e[after - 1];
	return rs_vec_items(&b->before, uint64_t)[after - 1] +
	       (address < last.end ? address : last.end) - last.start;
}

static uint64_t resident(const struct balance *b, uint64_t start, uint64_t end)
{
	return start < end ? resident_below(b, end) - resident_below(b, start)
			   : 0;
}

static struct rs_error *find_resident(struct balance *b)
{
	struct rs_error *err = rs_memory_resident(b->source->memory,
						  &b->resident, &b->sum->known);
	const struct rs_extent *e =
		rs_vec_items(&b->resident, struct rs_extent);
	const size_t n = rs_vec_count(&b->resident, struct rs_extent);

	for (size_t i = 0; i < n && !err; i++) {
		err = rs_vec_append(&b->before, &b->sum->memory,
				    sizeof(b->sum->memory));
		b->sum->memory += e[i].end - e[i].start;
	}
	return err;
}

// Not rs_memory_module(): memory right behind the variables of a module counts
// as a part of it.
static void add_files(struct balance *b)
{
	const struct rs_memory *memory = b->source->memory;
	const struct rs_area *area = rs_vec_items(&b->data, struct rs_area);
	struct rs_extent file = {0};

	while (rs_memory_next_file(memory, file.end, &file))
		b->sum->files += resident(b, file.start, file.end);
	for (size_t i = 0; i < rs_vec_count(&b->data, struct rs_area); i++) {
		uint64_t at = area[i].extent.start;

		// Only the last part, .bss, may be no mapping of the file.
		while (rs_memory_next_file(memory, at, &file) &&
		       file.start <= at)
			at = file.end;
		b->sum->files += resident(b, at, area[i].extent.end);
	}
}

static int by_low(const void *a, const void *b)
{
	const struct rs_stack *x = a;
	const struct rs_stack *y = b;

	return (x->low > y->low) - (x->low < y->low);
}

// Several stacks, and the variables above them, may be in one piece.
static struct rs_error *add_stacks(struct balance *b, struct rs_regions *r)
{
	RS_CLEANUP(rs_vec_fini) struct rs_vec all = {0};
	struct rs_error *err =
		rs_vec_append(&all, r->stack.data, r->stack.used);
	uint64_t at = 0;

	if (!err)
		err = rs_vec_append(&all, r->tls.data, r->tls.used);
	const size_t n = rs_vec_count(&all, struct rs_stack);
	const struct rs_stack *stack = rs_vec_items(&all, struct rs_stack);

	if (n > 1)
		qsort(all.data, n, sizeof(*stack), by_low);
	for (size_t i = 0; i < n && !err; i++) {
		const uint64_t low = stack[i].low > at ? stack[i].low : at;

		if (rs_memory_file_at(b->source->memory, stack[i].low))
			continue;
		b->sum->stacks += resident(b, low, stack[i].end);
		at = stack[i].end > at ? stack[i].end : at;
	}
	return err;
}

// Bytes of free blocks; of large ones what is there.
static uint64_t size_of_idle(const struct balance *b, const struct rs_vec *idle)
{
	const struct rs_extent *e = rs_vec_items(idle, struct rs_extent);
	uint64_t sum = 0;

	for (size_t i = 0; i < rs_vec_count(idle, struct rs_extent); i++)
		sum += e[i].end - e[i].start < RS_PAGE
			       ? e[i].end - e[i].start
			       : resident(b, e[i].start, e[i].end);
	return sum;
}

static struct rs_error *add_free(struct balance *b)
{
	const struct rs_ledger_source *source = b->source;
	RS_CLEANUP(rs_vec_fini) struct rs_vec idle = {0};
	struct rs_error *err = NULL;

	for (size_t i = 0; i < source->runtimes && !err; i++)
		if (source->runtime[i]->ops->idle)
			err = source->runtime[i]->ops->idle(source->runtime[i],
							    &idle);
	b->sum->free = size_of_idle(b, &idle);
	return err;
}

static struct rs_error *add_malloc_free(struct balance *b)
{
	RS_CLEANUP(rs_glibc_fini) struct rs_glibc glibc = {0};
	RS_CLEANUP(rs_vec_fini) struct rs_vec idle = {0};
	struct rs_error *err = rs_glibc_find(b->source->memory, &glibc);

	if (!err)
		err = rs_glibc_idle(&glibc, &idle);
	b->sum->malloc_free = size_of_idle(b, &idle);
	return err;
}

// What of object @p i, of @p size bytes, is there: its own bytes are looked
// for, tables elsewhere are taken to be.
static uint64_t
size_of_large(const struct balance *b, uint32_t i, uint64_t size)
{
	const struct rs_graph *g = b->source->graph;
	struct rs_runtime *rt = b->source->runtime[rs_graph_runtime(g, i)];
	const uint64_t own =
		rt->ops->own_size ? rt->ops->own_size(rt, g->address[i], size)
				  : 0;

	return size - own + resident(b, g->address[i], g->address[i] + own);
}

// Objects come by ascending address: most are in the same mapping as the one
// before, or in none of a file as that.
static bool is_of_file(struct balance *b, uint64_t address)
{
	struct rs_extent file;

	if (address < b->near.start || address >= b->near.end) {
		if (!rs_memory_next_file(b->source->memory, address, &file))
			file = (struct rs_extent){UINT64_MAX, UINT64_MAX};
		b->near_file = file.start <= address;
		b->near = (struct rs_extent){
			address, b->near_file ? file.end : file.start};
	}
	return b->near_file || rs_area_at(&b->data, address);
}

static struct rs_error *add_objects(struct balance *b)
{
	const struct rs_graph *g = b->source->graph;
	struct rs_error *err;

	for (uint32_t i = 0; i < g->objects; i++) {
		const uint64_t address = g->address[i];
		const uint64_t size = rs_graph_size(g, i);

		if (i % RS_TICK == 0 &&
		    (err = rs_progress_tick(b->source->progress,
					    "adding up memory", i, g->objects)))
			return err;
		if (g->guessed && g->guessed[i])
			continue;
		if (is_of_file(b, address))
			continue;
		b->sum->objects +=
			size < RS_LARGE ? size : size_of_large(b, i, size);
	}
	return NULL;
}

// Tables of objects may not be resident, and none is known of which that could
// be told: at most what is left belongs to objects.
static void settle(struct rs_balance *sum)
{
	const uint64_t rest =
		sum->free + sum->malloc_free + sum->files + sum->stacks;
	const uint64_t left = sum->memory > rest ? sum->memory - rest : 0;

	if (sum->objects > left)
		sum->objects = left;
	sum->other = left - sum->objects;
}

static struct rs_error *draw(struct balance *b)
{
	RS_CLEANUP(rs_regions_fini) struct rs_regions regions = {0};
	struct rs_error *err = find_resident(b);

	if (err || !b->sum->known)
		return err;
	if ((err = rs_regions_find(b->source, &regions)))
		return err;
	b->data = regions.data;
	regions.data = (struct rs_vec){0};
	add_files(b);
	if ((err = add_stacks(b, &regions)) || (err = add_free(b)) ||
	    (err = add_malloc_free(b)) || (err = add_objects(b)))
		return err;
	settle(b->sum);
	return NULL;
}

struct rs_error *
rs_balance_make(const struct rs_ledger_source *source, struct rs_balance *ret)
{
	struct rs_balance sum = {0};
	struct balance b = {.source = source, .sum = &sum};
	struct rs_error *err = draw(&b);

	rs_vec_fini(&b.resident);
	rs_vec_fini(&b.before);
	rs_vec_fini(&b.data);
	if (!err)
		*ret = sum.known ? sum : (struct rs_balance){0};
	return err;
}
