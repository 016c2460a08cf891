// SPDX-License-Identifier: MIT
#include "sandbox/code.h"

#include "memory/elf/modules.h"
#include "sandbox/function_starts.h"

enum {
	RS_ALLOWED_SLOTS = 1024, // at first; a power of two
};

// Those of @p file, listed once for an image; NULL: out of memory.
static struct rs_function_starts *
starts_of(struct rs_process_image *image, const struct rs_file *file)
{
	struct rs_function_starts *starts =
		rs_vec_items(&image->starts, struct rs_function_starts);
	const size_t n =
		rs_vec_count(&image->starts, struct rs_function_starts);

	for (size_t i = 0; i < n; i++)
		if (starts[i].file == file)
			return &starts[i];
	starts = rs_vec_push(&image->starts, sizeof(*starts));
	if (starts)
		*starts = (struct rs_function_starts){.file = file};
	return starts;
}

// Whether a function of a file whose build-id agrees with the core's starts at
// @p address. Reads the file, never the core: another thread may read that.
static struct rs_error *
is_function(struct rs_process_image *image, uint64_t address, bool *ret)
{
	const struct rs_target *target = image->target;
	const struct rs_memory *memory = &target->memory;
	const struct rs_module *module = rs_memory_module(memory, address);
	const struct rs_file *file =
		module && module->checked
			? target->image[module - memory->module].file
			: NULL;

	*ret = false;
	if (!file)
		return NULL;
	struct rs_function_starts *starts = starts_of(image, file);
	return starts ? rs_function_starts_at(starts, address - module->bias,
					      ret)
		      : &rs_enomem;
}

static struct rs_error *grow(struct rs_process_image *image)
{
	const uint64_t slots = 2 * (image->allowed_mask + 1);
	uint64_t *table = calloc(slots, sizeof(*table));

	if (!table)
		return &rs_enomem;
	for (uint64_t i = 0; i <= image->allowed_mask; i++)
		if (image->allowed[i])
			table[rs_guest_slot(table, slots - 1,
					    image->allowed[i])] =
				image->allowed[i];
	free(image->allowed);
	image->allowed = table;
	image->allowed_mask = slots - 1;
	return NULL;
}

static struct rs_error *expect(struct rs_process_image *image, uint64_t f)
{
	const uint64_t slot =
		rs_guest_slot(image->allowed, image->allowed_mask, f);
	struct rs_error *err = NULL;
	bool allowed = false;

	if (!image->allowed[slot])
		err = is_function(image, f, &allowed);
	if (!allowed)
		return err;
	image->allowed[slot] = f;
	if (2 * ++image->allowed_count > image->allowed_mask)
		err = grow(image);
	return err;
}

struct rs_error *rs_image_expect(struct rs_process_image *image,
				 const uint64_t *function, size_t n)
{
	struct rs_error *err = NULL;

	for (size_t i = 0; !err && image->allowed && i < n; i++)
		if (function[i] && (!i || function[i] != function[i - 1]))
			err = expect(image, function[i]);
	return err;
}

struct rs_error *rs_code_init(struct rs_process_image *image)
{
	if (image->options.run)
		return NULL;
	image->allowed = calloc(RS_ALLOWED_SLOTS, sizeof(*image->allowed));
	image->allowed_mask = RS_ALLOWED_SLOTS - 1;
	image->allowed_count = 0;
	return image->allowed ? NULL : &rs_enomem;
}

void rs_code_fini(struct rs_process_image *image)
{
	struct rs_function_starts *starts =
		rs_vec_items(&image->starts, struct rs_function_starts);

	for (size_t i = 0;
	     i < rs_vec_count(&image->starts, struct rs_function_starts); i++)
		rs_function_starts_fini(&starts[i]);
	rs_vec_fini(&image->starts);
	free(image->allowed);
}
