// SPDX-License-Identifier: MIT
#include "memory/elf/file.h"

#include "base/cleanup.h"
#include "memory/elf/sigbus_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

struct rs_error *
rs_file_map(const char *path, uint8_t **ret, struct stat *stat_ret, int *fd_ret)
{
	struct stat st;

	// O_NONBLOCK: opening a FIFO must not block.
	RS_AUTO_CLOSE int fd =
		open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if ((fd < 0 || fstat(fd, &st)) && errno == ENOMEM)
		return &rs_enomem;
	if (fd < 0 || fstat(fd, &st))
		return rs_error_new(RS_EIO, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return rs_error_new(RS_EBAD, "%s: not a regular file", path);
	if (st.st_size <= 0)
		return rs_error_new(RS_EBAD, "%s: the file is empty", path);

	void *data = mmap(NULL, (size_t)st.st_size, PROT_READ,
			  MAP_PRIVATE | MAP_NORESERVE, fd, 0);
	if (data == MAP_FAILED && errno == ENOMEM)
		return &rs_enomem;
	if (data == MAP_FAILED)
		return rs_error_new(RS_EIO, "%s: cannot map the file: %s", path,
				    strerror(errno));
	if (!rs_sigbus_guard_add(data, (size_t)st.st_size)) {
		munmap(data, (size_t)st.st_size);
		return &rs_enomem;
	}
	*ret = data;
	*stat_ret = st;
	if (fd_ret)
		*fd_ret = rs_take_fd(&fd);
	return NULL;
}

bool rs_file_is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

bool rs_file_is_rewritten(const struct stat *a, const struct stat *b)
{
	return a->st_size != b->st_size ||
	       a->st_mtim.tv_sec != b->st_mtim.tv_sec ||
	       a->st_mtim.tv_nsec != b->st_mtim.tv_nsec;
}

void rs_file_unmap(uint8_t *data, size_t size)
{
	if (!data)
		return;
	rs_sigbus_guard_remove(data);
	munmap(data, size);
}

void rs_file_close(struct rs_file *file)
{
	if (!file)
		return;
	elf_end(file->elf);
	rs_file_unmap(file->data, file->size);
	free(file->path);
	free(file);
}

static void cleanup_file(struct rs_file **slot)
{
	rs_file_close(*slot);
}

struct rs_error *rs_file_open(const char *path, struct rs_file **ret)
{
	RS_CLEANUP(cleanup_file)
	struct rs_file *file = calloc(1, sizeof(*file));
	if (!file)
		return &rs_enomem;
	file->path = strdup(path);
	if (!file->path)
		return &rs_enomem;
	struct rs_error *err =
		rs_file_map(path, &file->data, &file->stat, NULL);
	if (err)
		return err;
	file->size = (size_t)file->stat.st_size;
	err = rs_elf_open(file->data, file->size, path, &file->elf,
			  &file->ehdr);
	if (err)
		return err;
	rs_buildid_read(file->elf, &file->id);
	*ret = rs_take(&file);
	return NULL;
}
