// SPDX-License-Identifier: MIT
/**
 * @file
 * A file that appears under its name only once it is complete.
 *
 * If the name is that of a regular file, this is replaced; of a symbolic link,
 * its target is. A device or a pipe is written to directly.
 */
#ifndef RS_EXPORT_OUTFILE_H
#define RS_EXPORT_OUTFILE_H

#include "base/error.h"

/** With all members zero and fd -1, rs_outfile_fini() does nothing. */
struct rs_outfile {
	const char *path; // borrowed
	char *target; // owned; path with symbolic links resolved
	char *temporary; // owned, in target's folder; NULL: written in place
	int fd;
};

/** Create a temporary file for @p path. Errors: RS_EIO; RS_ENOMEM. */
RS_MUST_CHECK struct rs_error *
rs_outfile_open(struct rs_outfile *file, const char *path);

/** Rename the temporary file to its final name. Errors: RS_EIO. */
RS_MUST_CHECK struct rs_error *rs_outfile_commit(struct rs_outfile *file);

/** Close it, and remove the temporary file if it was not committed. */
void rs_outfile_fini(struct rs_outfile *file);

#endif /* RS_EXPORT_OUTFILE_H */
