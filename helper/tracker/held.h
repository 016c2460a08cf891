// SPDX-License-Identifier: MIT
/**
 * @file
 * References that a collection holds of the objects that it frees (internal).
 *
 * Such an object has RS_ENTRY_HELD in its entry. When the program untracks it,
 * in a finalizer for instance, the reference is given back at once, so that the
 * object has the program's own references and no other, whatever the program
 * then does with it.
 */
#ifndef RS_TRACKER_HELD_H
#define RS_TRACKER_HELD_H

#include "refscope/refscope.h"

#include <stdbool.h>

/** Take a reference of @p object, which is tracked and not held yet. */
void rs_held_take(const struct rs_type *type, void *object);

/** @return The type of @p object if it is held, else NULL. */
const struct rs_type *rs_held_type(const void *object);

/**
 * Hold @p object no longer: the reference is the caller's.
 * @return Its type; NULL when it is not held: untracked meanwhile.
 */
const struct rs_type *rs_held_take_over(const void *object);

/** Release the reference of @p object if it is held. It may be gone then. */
void rs_held_release(void *object);

/**
 * @p object, whose entry was @p entry, is held and was untracked. Its reference
 * is dropped, unless it is the last: nobody else could free the object, so
 * rs_held_release_late() does it.
 */
void rs_held_untracked(void *object, uint32_t entry);

/** Release what was untracked with no other reference left. */
void rs_held_release_late(void);

#endif /* RS_TRACKER_HELD_H */
