// SPDX-License-Identifier: MIT
#include "roots/regions.h"

#include "base/cleanup.h"
#include "base/search.h"

enum { RS_PAGE = 4096 };

static int by_area(const void *a, const void *b)
{
	const struct rs_area *x = a;
	const struct rs_area *y = b;

	return (x->extent.start > y->extent.start) -
	       (x->extent.start < y->extent.start);
}

static void sort(struct rs_vec *areas)
{
	const size_t n = rs_vec_count(areas, struct rs_area);

	if (n > 1)
		qsort(areas->data, n, sizeof(struct rs_area), by_area);
}

static struct rs_error *
add(struct rs_vec *to, const struct rs_vec *extents, struct rs_runtime *runtime)
{
	const struct rs_extent *e = rs_vec_items(extents, struct rs_extent);
	struct rs_error *err = NULL;

	for (size_t i = 0; i < rs_vec_count(extents, struct rs_extent) && !err;
	     i++) {
		const struct rs_area area = {e[i], runtime};

		if (e[i].start < e[i].end)
			err = rs_vec_append(to, &area, sizeof(area));
	}
	return err;
}

static struct rs_error *add_runtime(struct rs_regions *r, struct rs_runtime *rt)
{
	RS_CLEANUP(rs_vec_fini) struct rs_vec area = {0};
	RS_CLEANUP(rs_vec_fini) struct rs_vec frame = {0};
	struct rs_error *err;

	if (!rt->ops->areas)
		return NULL;
	err = rt->ops->areas(rt, &r->source->graph->map, &area, &frame);
	if (!err)
		err = add(&r->area, &area, rt);
	return err ? err : add(&r->frame, &frame, rt);
}

static uint64_t next_page(uint64_t at)
{
	return (at | (RS_PAGE - 1)) + 1;
}

// Whether all pages can be read that may hold something. A mapping of zeros
// that nobody has written to is left out of cores by GDB, as a whole.
static bool is_readable(struct rs_memory *memory, const struct rs_extent *e,
			uint64_t file_end)
{
	const uint64_t zeros = file_end ? next_page(file_end - 1) : 0;
	bool any = false, all = true;

	for (uint64_t at = e->start; at < e->end; at = next_page(at)) {
		const bool there = rs_memory_at(memory, at, 1) != NULL;

		if (!there && at < zeros)
			return false;
		any |= there && at >= zeros;
		all &= there || at < zeros;
	}
	return all || !any;
}

static struct rs_error *
add_variables(struct rs_regions *r, const struct rs_module *module)
{
	struct rs_memory *memory = r->source->memory;
	struct rs_area area = {0};
	struct rs_error *err = NULL;
	uint64_t file_end;
	bool missing = false;

	for (unsigned k = 0;
	     !err && rs_memory_data(memory, module, k, &area.extent, &file_end);
	     k++) {
		missing |= !is_readable(memory, &area.extent, file_end);
		err = rs_vec_append(&r->data, &area, sizeof(area));
	}
	if (missing)
		rs_memory_gap(memory,
			      "%s: not all of its variables can be read; what "
			      "the others hold is unexplained",
			      module->path);
	return err;
}

struct rs_error *
rs_regions_find(const struct rs_ledger_source *source, struct rs_regions *ret)
{
	const struct rs_memory *memory = source->memory;
	struct rs_error *err = NULL;

	*ret = (struct rs_regions){.source = source};
	for (size_t i = 0; i < source->runtimes && !err; i++)
		err = add_runtime(ret, source->runtime[i]);
	for (size_t i = 0; i < memory->modules && !err; i++)
		err = add_variables(ret, &memory->module[i]);
	if (!err)
		err = rs_stacks_find(ret);
	sort(&ret->area);
	sort(&ret->frame);
	sort(&ret->data);
	return err;
}

void rs_regions_fini(struct rs_regions *regions)
{
	rs_vec_fini(&regions->area);
	rs_vec_fini(&regions->frame);
	rs_vec_fini(&regions->stack);
	rs_vec_fini(&regions->tls);
	rs_vec_fini(&regions->data);
}

const struct rs_area *rs_area_at(const struct rs_vec *areas, uint64_t address)
{
	const struct rs_area *area = rs_vec_items(areas, struct rs_area);
	const size_t after =
		RS_FIRST_INDEX(i, rs_vec_count(areas, struct rs_area),
			       area[i].extent.start > address);

	return after && address < area[after - 1].extent.end ? &area[after - 1]
							     : NULL;
}
