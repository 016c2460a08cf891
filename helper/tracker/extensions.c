// SPDX-License-Identifier: MIT
#include "tracker/extensions.h"
#include "refscope/registry.h"
#include "tracker/arena.h"
#include "tracker/lock.h"
#include "tracker/type_refused.h"

static struct rs_extension *find_extension(const void *python_type)
{
	struct rs_extension_block *b = rs_registry.extension;

	for (; b; b = b->next) {
		for (int i = 0; i < RS_EXTENSION_BLOCK; i++) {
			if (b->item[i].python_type == python_type)
				return &b->item[i];
		}
	}
	return NULL;
}

static int extension_locked(const void *python_type, struct rs_type *type)
{
	struct rs_extension *entry = find_extension(python_type);

	if (!entry)
		entry = find_extension(NULL);
	if (!entry) {
		struct rs_extension_block *block = rs_arena_get(11);

		_Static_assert(sizeof(*block) <= 1 << 11, "fits the arena's");
		if (!block)
			return RS_ENOMEM;
		block->next = rs_registry.extension;
		RS_PUBLISH(&rs_registry.extension, block);
		entry = &block->item[0];
	}
	RS_PUBLISH(&entry->description, type);
	RS_PUBLISH(&entry->python_type, python_type);
	return 0;
}

int rs_describe_extension(const void *python_type, struct rs_type *description)
{
	if (!python_type)
		return RS_EARGUMENT;
	int rc = rs_type_check_noted(description, false);
	if (rc)
		return rc;
	rs_lock(&rs_registry.lock);
	rc = extension_locked(python_type, description);
	rs_unlock(&rs_registry.lock);
	return rc;
}

bool rs_extensions_remove(const struct rs_type *type)
{
	struct rs_extension_block *b = rs_registry.extension;
	bool any = false;

	for (; b; b = b->next) {
		for (int i = 0; i < RS_EXTENSION_BLOCK; i++) {
			struct rs_extension *e = &b->item[i];

			if (!e->python_type || e->description != type)
				continue;
			RS_PUBLISH(&e->python_type, NULL);
			any = true;
		}
	}
	return any;
}
