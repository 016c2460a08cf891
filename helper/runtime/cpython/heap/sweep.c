// SPDX-License-Identifier: MIT
//
// Finding objects that are in no list of the collector and to which no
// reference leads, most often leaked by a C extension. Every block that
// pymalloc has allocated is examined. It contains an object if, after the bytes
// that the type needs before an object, there are a plausible count and a known
// type; if the size of the block matches that type; and if the collector's head
// is that of an untracked object, or is linked in both directions. Pools also
// contain tables (of dicts and lists), buffers and dead objects on free lists,
// which this distinguishes.
#include "base/cleanup.h"
#include "runtime/cpython/decode/decode.h"
#include "runtime/cpython/heap/block.h"
#include "runtime/cpython/state/discover.h"

enum {
	RS_PREFIXES = 4,
	RS_PREHEADER = 16, // bytes before the head, for a managed dict
	RS_LONELY = 16, // most references to a body-less object in no list
	RS_ALIGN = 16, // block sizes are rounded up by less than this
};

struct sweep {
	struct rs_cpython *py;
	const struct rs_addrmap *tracked;
	struct rs_error *(*visit)(void *context, enum rs_py_block_kind kind,
				  const struct rs_py_block *block);
	void *context;
	struct rs_py_arenas arenas;
	struct rs_py_heap heap;
	uint32_t prefix[RS_PREFIXES];
	unsigned prefixes, recent; // recent: the one that matched last
	uint64_t float_size; // of a float; 0: floats have no such free list
	uint64_t tails; // ends of free lists of floats
};

// In an executable at a fixed address, the first pointer of a table, for
// example to a static type, is a plausible count.
static bool is_pointer(struct sweep *s, uint64_t count)
{
	if (s->py->refcount32)
		count &= UINT32_MAX;
	return rs_py_is_address(count) && rs_py_is_object(&s->py->base, count);
}

/*
 * Whether the object is on a free list: its count is zero, or (3.14; 2.7's
 * unicode) overwritten with the pointer to the next, which has the same type.
 * Otherwise a zero before a type was left in a table by an earlier object.
 */
static bool is_dead(struct sweep *s, const struct rs_py_type *t, uint64_t count)
{
	struct rs_cpython *py = s->py;
	const bool linked = py->version >= RS_PY(3, 14) ||
			    (py->known->old && (t->flags & RS_TPF_UNICODE));

	if (!rs_py_is_address(count))
		return t->gc || linked;
	return linked &&
	       rs_py_word_at(py, count + (uint64_t)py->known->ob_type) ==
		       t->address;
}

// Whether @p object is tracked by the collector.
static bool is_tracked(struct sweep *s, uint64_t object)
{
	struct rs_cpython *py = s->py;
	const struct rs_py_type *t = rs_py_known_of(py, object);
	const uint8_t *p = rs_memory_at(py->base.memory, object - py->head_size,
					py->head_size);

	if (!t || !t->gc || !p ||
	    ((t->flags & RS_TPF_TYPE) &&
	     !(rs_py_get(py, object, RS_F__typeobject__tp_flags) &
	       RS_TPF_HEAP)))
		return false;
	return !rs_py_is_untracked(py, p + py->head_size);
}

/*
 * 3.5 to 3.7: properties cache a tuple for the arguments of their next call. It
 * contains the object of the last call without a reference, and that object may
 * no longer exist. No other tuple is untracked although it contains a tracked
 * object.
 *
 * Source: CPython Objects/descrobject.c, property_descr_get().
 */
static bool
is_cached_call(struct sweep *s, const struct rs_py_type *t, const uint8_t *p)
{
	struct rs_cpython *py = s->py;
	const struct rs_py_types *k = py->known;

	if (py->version < RS_PY(3, 5) || py->version >= RS_PY(3, 8) ||
	    t->address != py->type_tuple || rs_py_word(p + k->ob_size) != 1 ||
	    rs_py_word(p + k->ob_refcnt) != 1 || !rs_py_is_untracked(py, p))
		return false;
	const uint64_t item = rs_py_word(p + k->tuple_item);
	return is_tracked(s, item) || !rs_py_is_object(&py->base, item);
}

static enum rs_py_block_kind
look_behind(struct sweep *s, const struct rs_py_block *b, uint32_t prefix)
{
	struct rs_cpython *py = s->py;
	const uint64_t object = b->address + prefix;
	const uint8_t *p = b->data + prefix;

	if (b->size < (uint64_t)prefix + py->header_size)
		return RS_PY_BLOCK_OTHER;
	if (rs_addrmap_has(s->tracked, object))
		return RS_PY_BLOCK_OBJECT; // it is on a list of the collector
	const uint64_t count = rs_py_word(p + py->known->ob_refcnt);
	const bool alive = rs_py_is_counted(py, p);
	if (!alive && (py->refcount32 ? (uint32_t)count : count) &&
	    !rs_py_is_address(count))
		return RS_PY_BLOCK_OTHER;
	const struct rs_py_type *t =
		rs_py_type_at(py, rs_py_word(p + py->known->ob_type),
			      alive || !rs_py_is_address(count));
	if (!t || rs_py_head_size(py, t) != prefix ||
	    !rs_py_fits(py, t, object, b->size - prefix, RS_ALIGN) ||
	    (t->gc && !rs_py_is_untracked(py, p) &&
	     !rs_py_is_linked(py, object, p)))
		return RS_PY_BLOCK_OTHER;
	if (!alive)
		return is_dead(s, t, count) ? RS_PY_BLOCK_DEAD
					    : RS_PY_BLOCK_OTHER;
	if (is_pointer(s, count))
		return RS_PY_BLOCK_OTHER;
	// Of an object without a body only the type tells, which may have been
	// left in a table by an earlier object.
	if (t->basicsize <= py->header_size && count > RS_LONELY)
		return RS_PY_BLOCK_OTHER;
	return is_cached_call(s, t, p) ? RS_PY_BLOCK_DEAD : RS_PY_BLOCK_OBJECT;
}

/*
 * Up to 3.13 dead floats are linked through their type fields, so one is
 * recognised by the next: it has the same size and is dead too. The last link
 * is NULL.
 */
static bool is_dead_float(struct sweep *s, const struct rs_py_block *b)
{
	const uint64_t mask = s->arenas.pool_size - 1;
	const uint64_t at = (uint64_t)s->py->known->ob_type;
	uint64_t link, zero = 1, next = 1;
	uint32_t last = 0;

	if (b->size < s->float_size || b->size - s->float_size >= RS_ALIGN ||
	    rs_py_word(b->data + s->py->known->ob_refcnt))
		return false;
	link = rs_py_word(b->data + at);
	if (!rs_py_is_address(link) ||
	    !rs_memory_u64(s->py->base.memory,
			   link + (uint64_t)s->py->known->ob_refcnt, &zero) ||
	    zero || !rs_memory_u64(s->py->base.memory, link + at, &next) ||
	    !rs_memory_u32(
		    s->py->base.memory,
		    (link & ~mask) +
			    (uint64_t)rs_py_off(
				    s->py, RS_F_pool_header__maxnextoffset),
		    &last) ||
	    last != s->arenas.pool_size - b->room)
		return false;
	s->tails += next == 0;
	return true;
}

static enum rs_py_block_kind
look(struct sweep *s, struct rs_py_block *b, bool guarded)
{
	if (guarded) {
		s->heap.debug = true;
		if (!rs_py_block_unguard(b))
			return RS_PY_BLOCK_OTHER;
	}
	for (unsigned i = 0; i < s->prefixes; i++) {
		// First the one that matched last, then the others.
		const unsigned n = (s->recent + i) % s->prefixes;
		const enum rs_py_block_kind kind =
			look_behind(s, b, s->prefix[n]);

		if (kind == RS_PY_BLOCK_OTHER)
			continue;
		s->recent = n;
		b->object = b->address + s->prefix[n];
		return kind;
	}
	return s->float_size && is_dead_float(s, b) ? RS_PY_BLOCK_DEAD
						    : RS_PY_BLOCK_OTHER;
}

static void
block_at(const struct rs_py_pool *pool, uint32_t i, struct rs_py_block *ret)
{
	const uint64_t offset = RS_PY_POOL_HEADER + (uint64_t)i * pool->block;

	*ret = (struct rs_py_block){
		.address = pool->address + offset,
		.data = pool->data + offset,
		.size = pool->block,
		.room = pool->block,
	};
}

// Either all blocks of a pool have guards, or none has.
static bool has_guards(const struct rs_py_pool *pool)
{
	struct rs_py_block b;

	for (uint32_t i = 0; i < pool->blocks; i++) {
		if (rs_py_pool_is_free(pool, i))
			continue;
		block_at(pool, i, &b);
		return rs_py_block_is_guarded(&b);
	}
	return false;
}

static struct rs_error *
sweep_pool(struct sweep *s, const struct rs_py_pool *pool)
{
	const bool guarded = has_guards(pool);

	for (uint32_t i = 0; i < pool->blocks; i++) {
		struct rs_py_block b;
		struct rs_error *err;

		if (rs_py_pool_is_free(pool, i))
			continue;
		block_at(pool, i, &b);
		const enum rs_py_block_kind kind = look(s, &b, guarded);
		s->heap.objects += kind == RS_PY_BLOCK_OBJECT;
		s->heap.dead += kind == RS_PY_BLOCK_DEAD;
		s->heap.other += kind == RS_PY_BLOCK_OTHER;
		if (s->visit && (err = s->visit(s->context, kind, &b)))
			return err;
	}
	return NULL;
}

static struct rs_error *
sweep_arena(struct sweep *s, const struct rs_py_arena *arena)
{
	struct rs_py_heap *heap = &s->heap;

	heap->arenas++;
	heap->damaged += arena->damaged;
	for (unsigned n = 0; n < RS_PY_ARENA_POOLS; n++) {
		const uint64_t at = rs_py_arena_pool(&s->arenas, arena, n);
		struct rs_py_pool pool;
		struct rs_error *err;

		if (!at)
			continue;
		if (!rs_py_pool_open(s->py, &s->arenas, arena->index, at,
				     &pool)) {
			heap->damaged++;
			continue;
		}
		heap->pools++;
		heap->blocks += pool.used;
		heap->damaged += pool.damaged;
		heap->torn += !pool.damaged && pool.used != pool.stated;
		if ((err = sweep_pool(s, &pool)))
			return err;
	}
	return NULL;
}

static void prepare(struct sweep *s)
{
	struct rs_cpython *py = s->py;
	const struct rs_py_type *t = rs_py_known(py, py->type_float);

	s->prefix[s->prefixes++] = py->head_size;
	s->prefix[s->prefixes++] = 0;
	if (rs_py_minor(py) >= 11)
		s->prefix[s->prefixes++] = py->head_size + RS_PREHEADER;
	if (rs_py_minor(py) >= 12 && py->head_size != RS_PREHEADER)
		s->prefix[s->prefixes++] = RS_PREHEADER;
	// 2.7 has floats in separate blocks.
	if (t && py->version >= RS_PY(3, 0) && py->version < RS_PY(3, 14))
		s->float_size = t->basicsize;
}

static void finish(struct sweep *s)
{
	struct rs_py_heap *heap = &s->heap;

	if (s->tails > heap->other)
		s->tails = heap->other;
	heap->dead += s->tails;
	heap->other -= s->tails;
	heap->damaged += s->arenas.damaged;
	heap->swept = true;
	heap->large = s->arenas.large_known ? (int64_t)s->arenas.large : -1;
	if (heap->large >= 0 && s->arenas.large_is_all)
		heap->large -= (int64_t)heap->blocks;
	s->py->heap = *heap;
	const unsigned long long wrong = heap->damaged + heap->torn;

	// The stop may be in the middle of a change of one pool, but not of
	// two.
	if (heap->damaged || heap->torn > 1)
		rs_memory_gap(
			s->py->base.memory,
			"CPython %s: %llu pools of small blocks are damaged or "
			"not in the target: objects may be missing",
			s->py->version_text, wrong);
}

static void fini(struct sweep *s)
{
	rs_py_arenas_fini(&s->arenas);
}

enum rs_py_block_kind
rs_py_block_at(struct rs_cpython *py, const struct rs_addrmap *objects,
	       const struct rs_py_arenas *arenas, const struct rs_py_pool *pool,
	       uint32_t i, struct rs_py_block *ret)
{
	struct sweep s = {.py = py, .tracked = objects};

	s.arenas.pool_size = arenas->pool_size;
	prepare(&s);
	block_at(pool, i, ret);
	return look(&s, ret, has_guards(pool));
}

struct rs_error *
rs_py_blocks_each(struct rs_cpython *py, const struct rs_addrmap *tracked,
		  struct rs_error *(*visit)(void *context,
					    enum rs_py_block_kind kind,
					    const struct rs_py_block *block),
		  void *context, const struct rs_progress *progress)
{
	RS_CLEANUP(fini)
	struct sweep s = {.py = py,
			  .tracked = tracked,
			  .visit = visit,
			  .context = context};
	struct rs_error *err;

	py->heap = (struct rs_py_heap){0};
	if (py->threaded)
		return rs_py_mi_blocks_each(py, tracked, visit, context,
					    progress);
	if ((err = rs_py_arenas_find(py, &s.arenas)))
		return err;
	prepare(&s);
	const struct rs_py_arena *arena =
		rs_vec_items(&s.arenas.arena, struct rs_py_arena);
	const size_t n = rs_vec_count(&s.arenas.arena, struct rs_py_arena);
	for (size_t i = 0; i < n; i++) {
		if ((err = sweep_arena(&s, &arena[i])) ||
		    (err = rs_progress_tick(progress, "sweeping arenas", i, n)))
			return err;
	}
	finish(&s);
	return NULL;
}

static struct rs_error *add_object(void *context, enum rs_py_block_kind kind,
				   const struct rs_py_block *block)
{
	struct rs_addrmap *map = context;

	return kind == RS_PY_BLOCK_OBJECT && rs_addrmap_takes(block->object)
		       ? rs_addrmap_add(map, block->object, NULL)
		       : NULL;
}

struct rs_error *rs_py_sweep(struct rs_runtime *rt, struct rs_addrmap *map,
			     const struct rs_progress *progress)
{
	struct rs_cpython *py = rs_cpython(rt);

	rs_py_find_interned(py);
	return rs_py_blocks_each(py, map, add_object, map, progress);
}
