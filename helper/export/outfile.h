// SPDX-License-Identifier: MIT
/**
 * @file
 * A file that appears under its name only when it is complete.
 *
 * Only a regular file is replaced; a symbolic link stays, and what it leads to
 * is replaced. A device or a pipe is written to as it is.
 */
#ifndef RS_EXPORT_OUTFILE_H
#define RS_EXPORT_OUTFILE_H

#include "base/error.h"

/** A zeroed struct with fd -1 is none; rs_outfile_fini() is then allowed. */
struct rs_outfile {
	const char *path; // borrowed
	char *target; // owned; what path leads to
	char *temporary; // owned, in target's folder; NULL: written in place
	int fd;
};

/** Create a temporary file for @p path. Errors: RS_EIO; RS_ENOMEM. */
RS_MUST_CHECK struct rs_error *
rs_outfile_open(struct rs_outfile *file, const char *path);

/** Give it its name. Errors: RS_EIO. */
RS_MUST_CHECK struct rs_error *rs_outfile_commit(struct rs_outfile *file);

/** Remove what was not committed. */
void rs_outfile_fini(struct rs_outfile *file);

#endif /* RS_EXPORT_OUTFILE_H */
