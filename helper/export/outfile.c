// SPDX-License-Identifier: MIT
#include "export/outfile.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RS_TRIES = 100 }; // temporary names that may be in use

static struct rs_error *failed(const struct rs_outfile *file, const char *what)
{
	return rs_error_new(RS_EIO, "%s: %s: %s", file->path, what,
			    strerror(errno));
}

// Not mkstemp(): the file should have the usual permissions.
static void open_temporary(struct rs_outfile *file)
{
	const size_t size = strlen(file->target) + 32;

	file->temporary = malloc(size);
	errno = ENOMEM;
	for (int i = 0; file->temporary && file->fd < 0 && i < RS_TRIES; i++) {
		(void)snprintf(file->temporary, size, "%s.%ld-%d.tmp",
			       file->target, (long)getpid(), i);
		file->fd = open(file->temporary,
				O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		if (file->fd < 0 && errno != EEXIST)
			break;
	}
}

struct rs_error *rs_outfile_open(struct rs_outfile *file, const char *path)
{
	struct stat st;

	*file = (struct rs_outfile){.path = path, .fd = -1};
	const bool there = stat(path, &st) == 0;
	// Not realpath(): if libasan is loaded after libc it uses the version
	// from glibc 2.2, which does not allow a NULL.
	file->target = there ? canonicalize_file_name(path) : strdup(path);
	if (file->target) {
		// A folder fails here, and says so.
		if (there && !S_ISREG(st.st_mode))
			file->fd = open(path, O_WRONLY | O_CLOEXEC);
		else
			open_temporary(file);
	}
	if (file->fd >= 0)
		return NULL;

	struct rs_error *err = failed(file, "cannot create it");
	rs_outfile_fini(file);
	return err;
}

struct rs_error *rs_outfile_commit(struct rs_outfile *file)
{
	struct rs_error *err = NULL;

	if (close(rs_take_fd(&file->fd)))
		err = failed(file, "cannot write");
	else if (file->temporary && rename(file->temporary, file->target))
		err = failed(file, "cannot create it");
	if (err && file->temporary)
		(void)unlink(file->temporary);
	return err;
}

void rs_outfile_fini(struct rs_outfile *file)
{
	if (file->fd >= 0) {
		(void)close(file->fd);
		if (file->temporary)
			(void)unlink(file->temporary);
	}
	free(file->temporary);
	free(file->target);
	*file = (struct rs_outfile){.fd = -1};
}
