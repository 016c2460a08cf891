// SPDX-License-Identifier: MIT
#include "memory/places.h"
#include "roots/ledger.h"
#include "runtime/runtime.h"

#include <inttypes.h>
#include <stdio.h>

enum { RS_DEPTH = 3 }; // blocks of a chain that are named

const char *rs_place_kind_text(enum rs_place_kind kind)
{
	static const char *const name[RS_PLACES] = {
		[RS_PLACE_STATIC] = "static",
		[RS_PLACE_TLS] = "tls",
		[RS_PLACE_FRAME] = "frame",
		[RS_PLACE_REGISTER] = "register",
		[RS_PLACE_STACK] = "stack",
		[RS_PLACE_MALLOC] = "malloc",
		[RS_PLACE_RUNTIME] = "runtime",
		[RS_PLACE_OBJECT] = "object",
		[RS_PLACE_ANONYMOUS] = "anonymous",
	};

	return name[kind];
}

// The module whose variables include the word at @p slot, or NULL.
static const struct rs_module *
module_of(const struct rs_memory *memory, uint64_t slot)
{
	for (size_t i = 0; i < memory->modules; i++) {
		struct rs_extent data;

		for (unsigned k = 0;
		     rs_memory_data(memory, &memory->module[i], k, &data, NULL);
		     k++)
			if (slot >= data.start && slot < data.end)
				return &memory->module[i];
	}
	return NULL;
}

static bool
variable_text(struct rs_memory *memory, uint64_t slot, char *buf, size_t size)
{
	const struct rs_module *module = module_of(memory, slot);
	const char *name;
	uint64_t offset;

	if (!module)
		return false;
	const char *file = rs_base_name(module->path);
	if (rs_memory_symbol_at(memory, module, slot, &name, &offset) &&
	    !offset)
		(void)snprintf(buf, size, "%s: %s", file, name);
	else if (rs_memory_symbol_at(memory, module, slot, &name, &offset))
		(void)snprintf(buf, size, "%s: %s+0x%" PRIx64, file, name,
			       offset);
	else if (rs_memory_section_at(memory, module, slot, &name, &offset))
		(void)snprintf(buf, size, "%s %s+0x%" PRIx64, file, name,
			       offset);
	else
		(void)snprintf(buf, size, "%s +0x%" PRIx64, file,
			       slot - module->bias);
	return true;
}

// What the kernel calls them in struct user_regs_struct, user_pt_regs.
static void register_text(const struct rs_memory *memory, unsigned reg,
			  char *buf, size_t size)
{
	static const char *const x86[] = {
		"r15", "r14", "r13", "r12", "rbp",   "rbx", "r11",
		"r10", "r9",  "r8",  "rax", "rcx",   "rdx", "rsi",
		"rdi", "rax", "rip", "cs",  "flags", "rsp",
	};
	const bool is_x86 = memory->threads && memory->thread[0].regs < 32;

	if (is_x86 && reg < sizeof(x86) / sizeof(*x86))
		(void)snprintf(buf, size, "%s", x86[reg]);
	else
		(void)snprintf(buf, size, "x%u", reg);
}

static int64_t tid_of(const struct rs_memory *memory, unsigned thread)
{
	return thread < memory->threads ? memory->thread[thread].tid : 0;
}

static void frame_text(const struct rs_ledger *ledger, uint64_t slot, char *buf,
		       size_t size)
{
	buf[0] = '\0';
	for (size_t i = 0; i < ledger->runtimes && !buf[0]; i++) {
		struct rs_runtime *rt = ledger->runtime[i];

		if (rt->ops->frame_text)
			rt->ops->frame_text(rt, slot, buf, size);
	}
}

static void object_text(const struct rs_ledger *ledger, uint32_t number,
			uint64_t slot, char *buf, size_t size)
{
	const struct rs_graph *g = ledger->graph;
	const uint64_t address = g->address[number];
	const char *type = g->type[number] < g->types
				   ? g->type_row[g->type[number]].name
				   : "?";

	if (!slot)
		(void)snprintf(buf, size, "<%.200s 0x%" PRIx64 ">", type,
			       address);
	else
		(void)snprintf(buf, size, "<%.200s 0x%" PRIx64 ">%c0x%" PRIx64,
			       type, address, slot < address ? '-' : '+',
			       slot < address ? address - slot
					      : slot - address);
}

static void block_text(const struct rs_ledger *ledger, uint32_t number,
		       uint64_t slot, unsigned depth, char *buf, size_t size)
{
	const struct rs_block *b =
		&rs_vec_items(&ledger->block, struct rs_block)[number];
	char holder[RS_PLACE_TEXT];

	if (!b->holder || depth >= RS_DEPTH) {
		(void)snprintf(buf, size,
			       "%" PRIu64 "-byte block 0x%" PRIx64 "+0x%" PRIx64
			       "%s",
			       b->size, b->start, slot - b->start,
			       b->holder ? "" : ", to which nothing points");
		return;
	}
	const struct rs_place place = {
		.slot = b->holder,
		.in = b->in,
		.kind = b->kind,
		.thread = b->thread,
	};
	if (b->kind == RS_PLACE_OBJECT)
		object_text(ledger, b->in, b->holder, holder, sizeof(holder));
	else if (b->kind == RS_PLACE_MALLOC || b->kind == RS_PLACE_RUNTIME)
		block_text(ledger, b->in, b->holder, depth + 1, holder,
			   sizeof(holder));
	else
		rs_place_text(ledger, &place, holder, sizeof(holder));
	(void)snprintf(buf, size,
		       "%" PRIu64 "-byte block 0x%" PRIx64 "+0x%" PRIx64
		       ", held by %s",
		       b->size, b->start, slot - b->start, holder);
}

void rs_place_text(const struct rs_ledger *ledger, const struct rs_place *place,
		   char *buf, size_t size)
{
	const struct rs_memory *memory = ledger->memory;
	char reg[8];

	(void)snprintf(buf, size, "0x%" PRIx64, place->slot);
	switch (place->kind) {
	case RS_PLACE_STATIC:
		(void)variable_text(ledger->memory, place->slot, buf, size);
		return;
	case RS_PLACE_FRAME:
		frame_text(ledger, place->slot, buf, size);
		return;
	case RS_PLACE_REGISTER:
		register_text(memory, place->reg, reg, sizeof(reg));
		(void)snprintf(buf, size, "%s of thread %" PRId64, reg,
			       tid_of(memory, place->thread));
		return;
	case RS_PLACE_TLS:
	case RS_PLACE_STACK:
		(void)snprintf(buf, size, "%s of thread %" PRId64,
			       place->kind == RS_PLACE_TLS
				       ? "thread-local variables"
				       : "stack",
			       tid_of(memory, place->thread));
		return;
	case RS_PLACE_MALLOC:
	case RS_PLACE_RUNTIME:
		block_text(ledger, place->in, place->slot, 0, buf, size);
		return;
	case RS_PLACE_OBJECT:
		object_text(ledger, place->in, 0, buf, size);
		return;
	default:
		return;
	}
}
