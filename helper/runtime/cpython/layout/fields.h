// SPDX-License-Identifier: MIT
/**
 * @file An enumerator for each field of CPython's structs that refscope reads,
 * from the list in fields.def: RS_F_, the name of the struct and that of the
 * field.
 */
#ifndef RS_CPYTHON_LAYOUT_FIELDS_H
#define RS_CPYTHON_LAYOUT_FIELDS_H

// The names are CPython's.
// NOLINTBEGIN(readability-identifier-naming)
#define RS_STRUCT(type) RS_F_##type##___size,
#define RS_FIELD(type, field) RS_F_##type##__##field,
#define RS_INNER(type, field, name) RS_F_##type##__##field,
#define RS_COUNT(type, field, name) RS_F_##type##__##field##__count,
#define RS_BIT(type, field, name) RS_F_##type##__##field##__bit,
#define RS_WIDTH(type, field, name) RS_F_##type##__##field##__width,
#define RS_POINTER(type, field, name) RS_F_##type##__##field##__pointer,
enum rs_field {
#include "runtime/cpython/layout/fields.def"
	RS_FIELDS
};
#undef RS_STRUCT
#undef RS_FIELD
#undef RS_INNER
#undef RS_COUNT
#undef RS_BIT
#undef RS_WIDTH
#undef RS_POINTER
// NOLINTEND(readability-identifier-naming)

#endif /* RS_CPYTHON_LAYOUT_FIELDS_H */
