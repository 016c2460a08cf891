// SPDX-License-Identifier: MIT
/** @file The list of what could not be freed (internal). */
#ifndef RS_TRACKER_GARBAGE_LIST_H
#define RS_TRACKER_GARBAGE_LIST_H

/** Append @p object, whose reference becomes the list's. Errors: RS_ENOMEM. */
int rs_garbage_add(const void *object);

/** Unmap the list, which is empty: the library is unloaded. */
void rs_garbage_give_back(void);

#endif /* RS_TRACKER_GARBAGE_LIST_H */
