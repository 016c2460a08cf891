// SPDX-License-Identifier: MIT
#include "runtime/cpython/layout/layout.h"

#define RS_STRUCT(type) {#type, NULL, RS_FIELD_SIZE},
#define RS_FIELD(type, field) {#type, #field, RS_FIELD_OFFSET},
#define RS_INNER(type, field, name) {#type, name, RS_FIELD_OFFSET},
#define RS_COUNT(type, field, name) {#type, name, RS_FIELD_COUNT},
#define RS_BIT(type, field, name) {#type, name, RS_FIELD_BIT},
#define RS_WIDTH(type, field, name) {#type, name, RS_FIELD_WIDTH},
#define RS_POINTER(type, field, name) {#type, name, RS_FIELD_POINTER},

const struct rs_field_name rs_field_names[RS_FIELDS] = {
#include "runtime/cpython/layout/fields.def"
};

enum rs_field rs_struct_end(enum rs_field first)
{
	int end = (int)first + 1;

	while (end < RS_FIELDS && rs_field_names[end].kind != RS_FIELD_SIZE)
		end++;
	return (enum rs_field)end;
}
