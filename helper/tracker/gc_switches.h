// SPDX-License-Identifier: MIT
/** @file When the collector runs by itself (internal). */
#ifndef RS_TRACKER_GC_SWITCHES_H
#define RS_TRACKER_GC_SWITCHES_H

/** One more object; collects when it is time. */
void rs_gc_tracked(void);
void rs_gc_untracked(void);

/** After fork(), in the child: no other thread collects. */
void rs_gc_reset(void);

#endif /* RS_TRACKER_GC_SWITCHES_H */
