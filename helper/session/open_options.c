// SPDX-License-Identifier: MIT
#include "session/open_options.h"

#include "base/error.h"

#include <stddef.h>
#include <string.h>

enum {
	// Through find_field_context, the last option of the first release
	// whose options begin with their size.
	RS_OPTIONS_LEAST =
		offsetof(struct rs_open_options, find_field_context) +
		sizeof(void *),
	RS_OPTIONS_MOST = 4096, // no release's is larger: not a size at all
};

struct rs_error *rs_open_options_read(const struct rs_open_options *from,
				      struct rs_open_options *ret)
{
	const size_t ours = sizeof(*ret);
	const size_t theirs = from ? from->size : ours;
	const char *const bytes = (const char *)from;

	*ret = (struct rs_open_options){.size = ours};
	if (!from)
		return NULL;
	if (theirs < RS_OPTIONS_LEAST || theirs > RS_OPTIONS_MOST)
		return rs_error_new(
			RS_EARGUMENT,
			"the size of struct rs_open_options is given as %zu: set `size` to sizeof(struct rs_open_options)",
			theirs);
	for (size_t i = ours; i < theirs; i++)
		if (bytes[i])
			return rs_error_new(
				RS_EUNSUPPORTED,
				"an option for opening is set that refscope %s does not know: use the engine that belongs to this engine.h",
				rs_engine_version());
	memcpy(ret, from, theirs < ours ? theirs : ours);
	ret->size = ours;
	return NULL;
}
