// SPDX-License-Identifier: MIT
//
// The C stacks of all threads, and their thread-local variables.
//
// The thread pointer (fs_base) is the address of the thread's control block
// (x86-64, glibc's tcbhead_t), whose first and third word are that address. The
// thread-local variables of the modules are below it. A thread that is not the
// first has both at the upper end of the memory of its stack.
#include "roots/regions.h"

#include <inttypes.h>
#include <sys/mman.h>

enum {
	RS_STACK_MAX = 1 << 30, // bytes; memory below is not taken for stack
	RS_TLS_NEAR = 64 << 20, // bytes of the memory that ld.so makes for it
	RS_TCB_SIZE = 0x900, // bytes of struct pthread, about
	RS_SELF = 16, // offset of the second pointer to itself
};

const struct rs_stack *
rs_stack_at(const struct rs_vec *stacks, uint64_t address)
{
	const struct rs_stack *stack = rs_vec_items(stacks, struct rs_stack);
	const size_t n = rs_vec_count(stacks, struct rs_stack);

	const struct rs_stack *dead = NULL;

	// Memory of several stacks may be in one piece: first what is in use.
	for (size_t i = 0; i < n; i++) {
		if (address < stack[i].low || address >= stack[i].end)
			continue;
		if (address >= stack[i].sp)
			return &stack[i];
		dead = &stack[i];
	}
	return dead;
}

static const struct rs_segment *
segment_at(const struct rs_memory *memory, uint64_t address)
{
	const size_t found = rs_segments_index(memory, address);

	return found < memory->segments ? &memory->segment[found] : NULL;
}

// The bytes that the thread-local variables of all modules need.
static uint64_t tls_size(const struct rs_memory *memory)
{
	uint64_t size = 0;

	for (size_t i = 0; i < memory->modules; i++)
		size += rs_memory_tls_size(memory, &memory->module[i]);
	return size;
}

static bool is_control_block(struct rs_memory *memory, uint64_t at)
{
	uint64_t first = 0, self = 0;

	return rs_memory_u64(memory, at, &first) && first == at &&
	       rs_memory_u64(memory, at + RS_SELF, &self) && self == at;
}

// The control block above @p sp in the same memory; 0: there is none.
static uint64_t
control_block_above(struct rs_memory *memory, uint64_t sp, uint64_t end)
{
	for (uint64_t at = (sp + 63) & ~UINT64_C(63); at + RS_SELF + 8 <= end;
	     at += 64)
		if (is_control_block(memory, at))
			return at;
	return 0;
}

static struct rs_error *
add_tls(struct rs_regions *r, uint64_t block, uint64_t size, uint16_t thread)
{
	const struct rs_segment *s = segment_at(r->source->memory, block);
	struct rs_stack tls = {.low = block - size,
			       .sp = block,
			       .end = block + RS_TCB_SIZE,
			       .thread = thread};

	if (!s)
		return NULL;
	tls.low = tls.low < s->start || size > block ? s->start : tls.low;
	tls.end = tls.end > s->end ? s->end : tls.end;
	return rs_vec_append(&r->tls, &tls, sizeof(tls));
}

static struct rs_error *
add_thread(struct rs_regions *r, uint16_t number, uint64_t size)
{
	struct rs_memory *memory = r->source->memory;
	const struct rs_thread *thread = &memory->thread[number];
	const struct rs_segment *s = segment_at(memory, thread->sp);
	uint64_t block = thread->fs_base;

	if (!s) {
		rs_memory_gap(memory,
			      "the stack of thread %" PRId64
			      " cannot be read; what is held there is "
			      "unexplained",
			      thread->tid);
	} else {
		struct rs_stack stack = {.low = s->start,
					 .sp = thread->sp,
					 .end = s->end,
					 .thread = number};

		if (!block)
			block = control_block_above(memory, stack.sp, s->end);
		if (stack.sp - stack.low > RS_STACK_MAX)
			stack.low = stack.sp;
		if (block > stack.sp && block < stack.end)
			stack.end =
				block > size + stack.sp ? block - size : block;
		struct rs_error *err =
			rs_vec_append(&r->stack, &stack, sizeof(stack));
		if (err)
			return err;
	}
	return block && is_control_block(memory, block)
		       ? add_tls(r, block, size, number)
		       : NULL;
}

// Of a live process the thread pointer is not known. That of the first thread,
// whose stack is the process's, is the one control block in no stack.
static struct rs_error *find_first_tls(struct rs_regions *r, uint64_t size)
{
	struct rs_memory *memory = r->source->memory;
	struct rs_error *err = NULL;

	if (!memory->threads || memory->thread[0].fs_base)
		return NULL;
	for (size_t i = 0; i < memory->segments && !err; i++) {
		const struct rs_segment s = memory->segment[i];
		uint64_t block;

		if (!(s.prot & PROT_WRITE) || s.from_file ||
		    s.end - s.start > RS_TLS_NEAR ||
		    rs_memory_file_at(memory, s.start) ||
		    rs_stack_at(&r->stack, s.end - 1))
			continue;
		block = control_block_above(memory, s.start, s.end);
		if (block && !rs_stack_at(&r->tls, block))
			err = add_tls(r, block, size, 0);
	}
	return err;
}

struct rs_error *rs_stacks_find(struct rs_regions *regions)
{
	const struct rs_memory *memory = regions->source->memory;
	const uint64_t size = tls_size(memory);
	struct rs_error *err = NULL;

	for (size_t i = 0; i < memory->threads && i < UINT16_MAX && !err; i++)
		err = add_thread(regions, (uint16_t)i, size);
	if (memory->threads > UINT16_MAX)
		rs_memory_gap(regions->source->memory,
			      "more than %d threads: what the stacks of the "
			      "others hold is unexplained",
			      UINT16_MAX);
	return err ? err : find_first_tls(regions, size);
}
