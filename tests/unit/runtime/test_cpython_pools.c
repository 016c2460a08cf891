// SPDX-License-Identifier: MIT
//
// Arenas made in memory, sound and damaged: 3.13's, whose table is found
// through the interpreter's state.
#include "rs_check.h"

#include "runtime/cpython/decode/decode.h"
#include "runtime/cpython/heap/arenas.h"
#include "runtime/cpython/state/discover.h"

#include <sys/mman.h>

#define RS_BASE UINT64_C(0x10000000)
#define RS_INTERPRETER RS_BASE
#define RS_STATE (RS_BASE + 0x40000)
#define RS_TABLE (RS_BASE + 0x41000)
#define RS_ARENA (RS_BASE + 0x101000) // 63 pools fit
#define RS_POOL (RS_BASE + 0x104000) // the first

enum {
	RS_SIZE = 0x118000,
	RS_SLOTS = 16,
	RS_CLASS = 3, // of 64 bytes
	RS_BLOCK = 64,
	RS_BLOCKS = 40, // handed out, or given back, in each pool
	RS_POOLS = 3,
	RS_FREED = 5, // of them given back in the first pool
	RS_VARIANTS = 500,
};

static uint8_t *bytes;
static struct rs_cpython py;

static uint64_t
fake_read(void *context, uint64_t address, void *buf, uint64_t size)
{
	(void)context;
	ck_assert_uint_ge(address, RS_BASE);
	ck_assert_uint_le(address + size, RS_BASE + RS_SIZE);
	memcpy(buf, bytes + (address - RS_BASE), size);
	return size;
}

static void put32(uint64_t at, enum rs_field field, uint32_t value)
{
	memcpy(bytes + (at - RS_BASE) + rs_py_off(&py, field), &value,
	       sizeof(value));
}

static void put64(uint64_t at, enum rs_field field, uint64_t value)
{
	memcpy(bytes + (at - RS_BASE) + rs_py_off(&py, field), &value,
	       sizeof(value));
}

static void put_word(uint64_t at, uint64_t value)
{
	memcpy(bytes + (at - RS_BASE), &value, sizeof(value));
}

static uint64_t block(uint64_t pool, unsigned i)
{
	return pool + RS_PY_POOL_HEADER + (uint64_t)i * RS_BLOCK;
}

static uint64_t pool_at(unsigned n)
{
	return RS_POOL + (uint64_t)n * RS_PY_POOL_MAX;
}

static void put_pool(uint64_t at, uint32_t used)
{
	put32(at, RS_F_pool_header__ref, used);
	put64(at, RS_F_pool_header__freeblock, 0);
	put64(at, RS_F_pool_header__nextpool, 0);
	put32(at, RS_F_pool_header__arenaindex, 1);
	put32(at, RS_F_pool_header__szidx, RS_CLASS);
	put32(at, RS_F_pool_header__nextoffset,
	      RS_PY_POOL_HEADER + RS_BLOCKS * RS_BLOCK);
	put32(at, RS_F_pool_header__maxnextoffset, RS_PY_POOL_MAX - RS_BLOCK);
}

// Entry 1 of the table: three pools were used, the last is empty again.
static void put_arena(void)
{
	const uint64_t entry =
		RS_TABLE + (uint64_t)rs_py_off(&py, RS_F_arena_object___size);

	memset(bytes, 0, RS_SIZE);
	put64(RS_INTERPRETER, RS_F__is__obmalloc, RS_STATE);
	put64(RS_STATE, RS_F__obmalloc_state__mgmt__arenas, RS_TABLE);
	put32(RS_STATE, RS_F__obmalloc_state__mgmt__maxarenas, RS_SLOTS);
	put64(RS_STATE, RS_F__obmalloc_state__mgmt__raw_allocated_blocks, 7);
	put64(entry, RS_F_arena_object__address, RS_ARENA);
	put64(entry, RS_F_arena_object__pool_address, pool_at(RS_POOLS));
	put32(entry, RS_F_arena_object__nfreepools, 61);
	put32(entry, RS_F_arena_object__ntotalpools, 63);
	put64(entry, RS_F_arena_object__freepools, pool_at(2));
	put_pool(pool_at(0), RS_BLOCKS - RS_FREED);
	put_pool(pool_at(1), RS_BLOCKS);
	put_pool(pool_at(2), 0);
	put64(pool_at(0), RS_F_pool_header__freeblock, block(RS_POOL, 0));
	for (unsigned i = 0; i + 1 < RS_FREED; i++)
		put_word(block(RS_POOL, 2 * i), block(RS_POOL, 2 * i + 2));
}

static void open_memory(void)
{
	const struct rs_range range = {.start = RS_BASE,
				       .end = RS_BASE + RS_SIZE,
				       .prot = PROT_READ | PROT_WRITE};

	rs_memory_close(py.base.memory);
	rs_ck_ok(rs_memory_open_callback(fake_read, NULL, &range, 1, NULL,
					 &py.base.memory));
}

static void setup(void)
{
	bytes = malloc(RS_SIZE);
	ck_assert_ptr_nonnull(bytes);
	py = (struct rs_cpython){
		.version = RS_PY3(3, 13, 0),
		.version_text = "3.13.0",
		.layout =
			rs_layout_find(RS_PY3(3, 13, 0), RS_FLAVOUR_RELEASE, 0),
		.head_size = 16,
		.header_size = 16,
		.refcount32 = true,
		.interpreter = {{.address = RS_INTERPRETER}},
		.interpreters = 1,
	};
	ck_assert_ptr_nonnull(py.layout);
	rs_ck_ok(rs_py_types_open(&py));
	put_arena();
}

static void teardown(void)
{
	rs_py_types_close(&py);
	rs_memory_close(py.base.memory);
	free(bytes);
}

static void sweep(void)
{
	struct rs_addrmap none = {0};

	open_memory();
	rs_ck_ok(rs_addrmap_init(&none));
	rs_ck_ok(rs_py_blocks_each(&py, &none, NULL, NULL, NULL));
	rs_addrmap_fini(&none);
}

START_TEST(blocks_handed_out_are_counted)
{
	sweep();
	ck_assert(py.heap.swept);
	ck_assert_uint_eq(py.heap.arenas, 1);
	ck_assert_uint_eq(py.heap.pools, 2);
	ck_assert_uint_eq(py.heap.blocks, 2 * RS_BLOCKS - RS_FREED);
	ck_assert_uint_eq(py.heap.other, py.heap.blocks);
	ck_assert_int_eq(py.heap.large, 7);
	ck_assert_uint_eq(py.heap.damaged + py.heap.torn, 0);
	ck_assert_uint_eq(py.base.memory->problems, 0);
}
END_TEST

static void check_damaged(uint64_t blocks)
{
	sweep();
	ck_assert_uint_eq(py.heap.blocks, blocks);
	ck_assert_uint_eq(py.heap.damaged, 1);
	ck_assert_uint_eq(py.base.memory->problems, 1);
	ck_assert_ptr_nonnull(strstr(py.base.memory->problem[0], "damaged"));
}

START_TEST(loop_of_free_blocks_ends)
{
	put_word(block(RS_POOL, 8), block(RS_POOL, 0));
	check_damaged(2 * RS_BLOCKS - RS_FREED);
}
END_TEST

START_TEST(free_block_outside_its_pool_ends_the_chain)
{
	const uint64_t wrong[] = {
		pool_at(0), // the header
		pool_at(1) + RS_PY_POOL_HEADER, // of another
		block(RS_POOL, 4) + 8, // between two
		block(RS_POOL, RS_BLOCKS), // never handed out
		UINT64_MAX,
		1,
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		put_arena();
		put_word(block(RS_POOL, 2), wrong[i]);
		check_damaged(2 * RS_BLOCKS - 2);
	}
}
END_TEST

START_TEST(header_that_disagrees_with_itself_is_no_pool)
{
	const struct {
		enum rs_field field;
		uint32_t value;
	} wrong[] = {
		{RS_F_pool_header__szidx, UINT32_MAX},
		{RS_F_pool_header__szidx, RS_CLASS + 1},
		{RS_F_pool_header__nextoffset, UINT32_MAX},
		{RS_F_pool_header__nextoffset, RS_PY_POOL_MAX + RS_BLOCK},
		{RS_F_pool_header__nextoffset, RS_PY_POOL_HEADER + 8},
		{RS_F_pool_header__nextoffset, 0},
		{RS_F_pool_header__maxnextoffset, UINT32_MAX},
		{RS_F_pool_header__maxnextoffset, RS_PY_POOL_MAX},
		{RS_F_pool_header__maxnextoffset, 0},
		{RS_F_pool_header__arenaindex, 2},
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		put_arena();
		put32(pool_at(1), wrong[i].field, wrong[i].value);
		check_damaged(RS_BLOCKS - RS_FREED);
	}
}
END_TEST

START_TEST(one_pool_may_be_stopped_at_between_two_steps)
{
	put32(pool_at(0), RS_F_pool_header__ref, RS_BLOCKS);
	sweep();
	ck_assert_uint_eq(py.heap.torn, 1);
	ck_assert_uint_eq(py.base.memory->problems, 0);

	put32(pool_at(1), RS_F_pool_header__ref, UINT32_MAX);
	sweep();
	ck_assert_uint_eq(py.heap.torn, 2);
	ck_assert_uint_eq(py.heap.blocks, 2 * RS_BLOCKS - RS_FREED);
	ck_assert_uint_eq(py.base.memory->problems, 1);
}
END_TEST

START_TEST(loop_of_empty_pools_ends)
{
	put64(pool_at(2), RS_F_pool_header__nextpool, pool_at(2));
	check_damaged(2 * RS_BLOCKS - RS_FREED);
}
END_TEST

START_TEST(entry_that_is_no_arena_is_damage)
{
	const uint64_t entry =
		RS_TABLE + (uint64_t)rs_py_off(&py, RS_F_arena_object___size);
	const struct {
		enum rs_field field;
		uint64_t value;
	} wrong[] = {
		{RS_F_arena_object__address, RS_ARENA + 8},
		{RS_F_arena_object__address, UINT64_MAX - 4095},
		{RS_F_arena_object__pool_address, UINT64_MAX},
		{RS_F_arena_object__pool_address, RS_POOL - 1},
		{RS_F_arena_object__pool_address, pool_at(64)},
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		put_arena();
		put64(entry, wrong[i].field, wrong[i].value);
		check_damaged(0);
	}
	put_arena();
	put32(entry, RS_F_arena_object__ntotalpools, UINT32_MAX);
	check_damaged(0);
	put_arena();
	put32(RS_STATE, RS_F__obmalloc_state__mgmt__maxarenas, UINT32_MAX);
	sweep(); // as far as memory goes
	ck_assert_uint_ge(py.heap.blocks, 2 * RS_BLOCKS - RS_FREED);
}
END_TEST

START_TEST(no_table_means_no_arenas)
{
	put64(RS_STATE, RS_F__obmalloc_state__mgmt__arenas, 0);
	sweep();
	ck_assert(py.heap.swept);
	ck_assert_uint_eq(py.heap.arenas, 0);
	ck_assert_uint_eq(py.base.memory->problems, 0);
}
END_TEST

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

// What was struck is part of a header, of the table or of a chain.
START_TEST(no_damage_is_followed_out_of_the_target)
{
	const struct {
		uint64_t at, size;
	} part[] = {
		{RS_TABLE, 2 * 48},
		{RS_STATE + 512, 16},
		{pool_at(0), RS_PY_POOL_HEADER},
		{pool_at(1), RS_PY_POOL_HEADER},
		{pool_at(2), RS_PY_POOL_HEADER},
		{block(RS_POOL, 0), RS_BLOCKS * RS_BLOCK},
	};
	uint64_t random = UINT64_C(0x9e3779b97f4a7c15);

	for (unsigned i = 0; i < RS_VARIANTS; i++) {
		put_arena();
		for (unsigned k = 0; k < 1 + i % 4; k++) {
			const size_t p = next_random(&random) %
					 (sizeof(part) / sizeof(*part));
			const uint64_t at = part[p].at +
					    next_random(&random) % part[p].size;

			bytes[at - RS_BASE] ^=
				(uint8_t)(1 << next_random(&random) % 8);
			// Or a word that leads somewhere.
			if (k == 3)
				put_word(at & ~UINT64_C(7),
					 RS_BASE + next_random(&random) %
							   RS_SIZE);
		}
		sweep();
		ck_assert_uint_le(py.heap.blocks, RS_SIZE / RS_PY_BLOCK_MIN);
		ck_assert_uint_eq(py.heap.blocks, py.heap.objects +
							  py.heap.dead +
							  py.heap.other);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pools");
	TCase *tcase = tcase_create("pools");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 30);
	tcase_add_test(tcase, blocks_handed_out_are_counted);
	tcase_add_test(tcase, loop_of_free_blocks_ends);
	tcase_add_test(tcase, free_block_outside_its_pool_ends_the_chain);
	tcase_add_test(tcase, header_that_disagrees_with_itself_is_no_pool);
	tcase_add_test(tcase, one_pool_may_be_stopped_at_between_two_steps);
	tcase_add_test(tcase, loop_of_empty_pools_ends);
	tcase_add_test(tcase, entry_that_is_no_arena_is_damage);
	tcase_add_test(tcase, no_table_means_no_arenas);
	tcase_add_test(tcase, no_damage_is_followed_out_of_the_target);
	suite_add_tcase(suite, tcase);
	return rs_ck_run(suite);
}
