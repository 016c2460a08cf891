// SPDX-License-Identifier: MIT
/**
 * @file
 * What C extensions said about their Python objects (rs_describe_extension()):
 * how the references of the C part of such an object reach the graph.
 */
#ifndef RS_RUNTIME_NATIVE_OVERLAY_H
#define RS_RUNTIME_NATIVE_OVERLAY_H

#include "runtime/runtime.h"

enum { RS_OVERLAY_SKIP = -1 };

struct rs_native_type;

/**
 * @param native The native runtime of the session, or NULL.
 * @return The description for objects of the Python type at @p type_address,
 *         or NULL. Borrowed from @p native. Ask once a type and keep it.
 */
const struct rs_native_type *
rs_native_overlay(struct rs_runtime *native, uint64_t type_address);

/**
 * Append the references that @p overlay tells of the object at @p object.
 * Labels are of kind RS_LABEL_FIELD, with names that live as long as
 * @p rt, the native runtime: `handle`, `items[]`.
 *
 * References to native objects are RS_OWNED, since no traverse function tells
 * them to Python's collector; so is what the description calls owned. Strong
 * ones to Python objects are told as @p python says, weak ones are RS_WEAK.
 *
 * @param python RS_OVERLAY_SKIP when a decoder that knows the type's body
 *        tells those references; else their enum rs_kind.
 */
void rs_native_overlay_refs(struct rs_runtime *rt,
			    const struct rs_native_type *overlay,
			    uint64_t object, int python, struct rs_refs *refs);

#endif /* RS_RUNTIME_NATIVE_OVERLAY_H */
