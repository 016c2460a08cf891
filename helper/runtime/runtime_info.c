// SPDX-License-Identifier: MIT
#include "runtime/runtime_info.h"

#include "base/error.h"

#include <string.h>

void rs_runtime_info_fini(struct rs_runtime_info *info)
{
	rs_vec_fini(&info->fact);
	rs_vec_fini(&info->thread);
	rs_vec_fini(&info->frame);
	rs_vec_fini(&info->text);
}

struct rs_error *rs_fact_add(struct rs_runtime_info *info, const char *name,
			     enum rs_fact_kind kind, uint64_t value)
{
	struct rs_fact *fact = rs_vec_push(&info->fact, sizeof(*fact));

	if (!fact)
		return &rs_enomem;
	*fact = (struct rs_fact){name, kind, value};
	return NULL;
}

struct rs_error *
rs_info_text_add(struct rs_runtime_info *info, const char *text, uint32_t *ret)
{
	const size_t size = strlen(text) + 1;
	const size_t at = info->text.used;
	char *copy = rs_vec_push(&info->text, size);

	if (!copy || at >= RS_INFO_NO_TEXT)
		return &rs_enomem;
	memcpy(copy, text, size);
	*ret = (uint32_t)at;
	return NULL;
}
