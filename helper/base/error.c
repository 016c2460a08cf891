// SPDX-License-Identifier: MIT
#include "base/error.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

struct rs_error {
	enum rs_code code;
	bool is_static;
	const char *message; // literal, or the bytes after this struct
};

struct rs_error rs_enomem = {
	.code = RS_ENOMEM,
	.is_static = true,
	.message = "out of memory",
};

enum rs_code rs_error_code(const struct rs_error *err)
{
	return err->code;
}

const char *rs_error_message(const struct rs_error *err)
{
	return err->message;
}

void rs_error_free(struct rs_error *err)
{
	if (err && !err->is_static)
		free(err);
}

struct rs_error *rs_error_new(enum rs_code code, const char *format, ...)
{
	va_list ap;
	int len;

	va_start(ap, format);
	len = vsnprintf(NULL, 0, format, ap);
	va_end(ap);
	if (len < 0)
		return &rs_enomem;

	struct rs_error *err = malloc(sizeof(*err) + (size_t)len + 1);
	if (!err)
		return &rs_enomem;
	char *text = (char *)(err + 1);
	va_start(ap, format);
	(void)vsnprintf(text, (size_t)len + 1, format, ap);
	va_end(ap);
	*err = (struct rs_error){.code = code, .message = text};
	return err;
}
