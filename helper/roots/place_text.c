// SPDX-License-Identifier: MIT
#include "memory/places.h"
#include "roots/ledger.h"

#include <inttypes.h>
#include <stdio.h>

const char *rs_place_kind_text(enum rs_place_kind kind)
{
	static const char *const name[RS_PLACES] = {
		[RS_PLACE_STATIC] = "static",
		[RS_PLACE_TLS] = "tls",
		[RS_PLACE_REGISTER] = "register",
		[RS_PLACE_STACK] = "stack",
		[RS_PLACE_MALLOC] = "malloc",
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
		     rs_memory_data(memory, &memory->module[i], k, &data); k++)
			if (slot >= data.start && slot < data.end)
				return &memory->module[i];
	}
	return NULL;
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool
variable_text(struct rs_memory *memory, uint64_t slot, char *buf, size_t size)
{
	const struct rs_module *module = module_of(memory, slot);
	const char *name;
	uint64_t offset;

	if (!module)
		return false;
	const char *file = last_part(module->path);
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

void rs_place_text(const struct rs_ledger *ledger, const struct rs_place *place,
		   char *buf, size_t size)
{
	if (place->kind == RS_PLACE_STATIC &&
	    variable_text(ledger->memory, place->slot, buf, size))
		return;
	(void)snprintf(buf, size, "0x%" PRIx64, place->slot);
}
