// SPDX-License-Identifier: MIT
#include "sandbox/image_run.h"

#include "sandbox/spawn.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { RS_WAIT_MS = 20 };

uint64_t rs_run_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * UINT64_C(1000000000) +
	       (uint64_t)ts.tv_nsec;
}

struct rs_error *rs_run_share(struct rs_image_run *run, uint64_t size)
{
	char name[64];

	(void)snprintf(name, sizeof(name), "refscope-answer-%d", (int)getpid());
	run->fd = memfd_create(name, MFD_CLOEXEC);
	if (run->fd < 0 || ftruncate(run->fd, (off_t)size))
		return rs_error_new(RS_EIO, "memfd of %llu bytes: %s",
				    (unsigned long long)size, strerror(errno));
	void *shared = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_NORESERVE, run->fd, 0);
	if (shared == MAP_FAILED)
		return &rs_enomem;
	run->shared = shared;
	run->size = size;
	return NULL;
}

struct rs_error *rs_run_plan(struct rs_image_run *run)
{
	if (run->exec_fd >= 0)
		close(run->exec_fd);
	run->exec_fd = -1;
	return rs_plan_executable(run->image, run->fd, run->size, &run->plan,
				  &run->exec_fd);
}

// Wait for the end; end it when one object takes much too long, or all do.
static struct rs_error *watch(struct rs_image_run *run, struct rs_spawn *spawn)
{
	const volatile uint64_t *told = &run->shared->args.told;
	uint64_t seen = *told, since = rs_run_now();

	while (!rs_spawn_wait(spawn, RS_WAIT_MS)) {
		const uint64_t now = rs_run_now();
		struct rs_error *err;

		if (*told != seen) {
			seen = *told;
			since = now;
		}
		run->killed = now > run->deadline_ns ||
			      (run->shared->step == RS_STEP_WALK &&
			       now - since > run->stall_ns);
		if (run->killed)
			return NULL;
		if ((err = rs_progress_tick(run->progress, run->phase, seen,
					    0)))
			return err;
	}
	return NULL;
}

static const char *step_name(uint32_t step)
{
	switch (step) {
	case RS_STEP_NONE:
		return "start";
	case RS_STEP_MAP:
		return "map its memory";
	case RS_STEP_THREAD:
		return "set its thread pointer";
	case RS_STEP_GUARD:
		return "install its handlers";
	case RS_STEP_LIMITS:
		return "limit itself";
	default:
		return "shut its jail";
	}
}

static struct rs_error *never_walked(const struct rs_image_run *run,
				     const struct rs_spawn *spawn,
				     uint32_t step)
{
	const char *name = run->image->target->name;
	const int error = spawn->error ? spawn->error : run->shared->error;

	if (run->killed)
		return rs_error_new(RS_EBAD,
				    "%s: its image took too long to %s", name,
				    step_name(step));
	if (step == RS_STEP_JAIL)
		return rs_error_new(
			RS_EUNSUPPORTED,
			"%s: this kernel lets no jail be shut "
			"(seccomp: %s); nothing of the core was run",
			name, strerror(error));
	if (spawn->error == EACCES || spawn->error == EPERM)
		return rs_error_new(RS_EUNSUPPORTED,
				    "%s: nothing may be run from memory here "
				    "(%s)",
				    name, strerror(error));
	return rs_error_new(RS_EBAD,
			    "%s: its image failed to %s (%s, detail %llu, "
			    "wait status %#x)",
			    name, step_name(step),
			    error ? strerror(error) : "it was ended",
			    (unsigned long long)run->shared->detail,
			    (unsigned)spawn->status);
}

struct rs_error *rs_run_go(struct rs_image_run *run, bool *done)
{
	const struct rs_vec *files = &run->image->fd;
	struct rs_spawn spawn = {
		.life_s = run->image->options.total_ms / 1000 + 2,
		.exec_fd = run->exec_fd,
	};
	struct rs_error *err;

	RS_AUTO_FREE int *fd = malloc(files->used + sizeof(int));
	if (!fd)
		return &rs_enomem;
	memcpy(fd, files->data, files->used);
	spawn.fds = rs_vec_count(files, int);
	fd[spawn.fds++] = run->fd;
	spawn.fd = fd;
	run->killed = false;
	run->shared->step = RS_STEP_NONE;
	run->shared->error = 0;
	if ((err = rs_spawn_start(&spawn)))
		return err;
	err = watch(run, &spawn);
	rs_spawn_end(&spawn);
	if (err)
		return err;
	const uint32_t step = run->shared->step;
	run->status = spawn.status;
	*done = step == RS_STEP_DONE;
	if (!*done && step < RS_STEP_WALK)
		return never_walked(run, &spawn, step);
	return NULL;
}

void rs_run_fini(struct rs_image_run *run)
{
	if (run->exec_fd >= 0)
		close(run->exec_fd);
	if (run->fd >= 0)
		close(run->fd);
	run->exec_fd = run->fd = -1;
}
