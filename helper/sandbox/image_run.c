// SPDX-License-Identifier: MIT
#include "sandbox/image_run.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum {
	RS_WAIT_MS = 20,
	RS_SETUP_MS = 20000, // processor time to map and copy the memory
	RS_TENTH = 10,
	RS_MIB_SHIFT = 20,
	RS_BLOCK_SIZE = 512, // of st_blocks
};
#define RS_NS_PER_MS UINT64_C(1000000)

uint64_t rs_run_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * UINT64_C(1000000000) +
	       (uint64_t)ts.tv_nsec;
}

uint64_t rs_run_cpu(uint32_t ms)
{
	return ((uint64_t)ms + ms / RS_TENTH) * RS_NS_PER_MS;
}

static struct rs_error *
share(const char *what, uint64_t size, int *fd, void **ret)
{
	char name[64];

	(void)snprintf(name, sizeof(name), "refscope-%s-%d", what,
		       (int)getpid());
	*fd = memfd_create(name, MFD_CLOEXEC);
	if (*fd < 0 || ftruncate(*fd, (off_t)size))
		return rs_error_new(RS_EIO,
				    "cannot create %llu bytes of memory to "
				    "share with the process that runs code of "
				    "the core (memfd): %s",
				    (unsigned long long)size, strerror(errno));
	void *view = mmap(NULL, size, PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_NORESERVE, *fd, 0);
	if (view == MAP_FAILED)
		return &rs_enomem;
	*ret = view;
	return NULL;
}

struct rs_error *rs_run_share(struct rs_image_run *run, uint64_t size)
{
	void *view = NULL;
	struct rs_error *err =
		share("control", RS_PLAN_PAGE, &run->control_fd, &view);

	if (err)
		return err;
	run->control = view;
	if ((err = share("answer", size, &run->fd, &view)))
		return err;
	run->shared = view;
	run->size = size;
	return NULL;
}

struct rs_error *rs_run_plan(struct rs_image_run *run)
{
	const struct rs_plan_shared shared = {
		.control_fd = run->control_fd,
		.fd = run->fd,
		.size = run->size,
		.cpu_ns = run->cpu_ns,
	};

	if (run->exec_fd >= 0)
		close(run->exec_fd);
	run->exec_fd = -1;
	return rs_plan_executable(run->image, &shared, &run->plan,
				  &run->exec_fd);
}

// Wait for the end. One object that takes much too long ends it: the guest
// should have noticed, but its code may have masked the signals for that.
static struct rs_error *watch(struct rs_image_run *run, struct rs_spawn *spawn)
{
	const volatile uint64_t *rows = &run->shared->args.rows;
	const volatile uint32_t *step = &run->control->step;
	uint64_t seen = *rows, since = UINT64_MAX;

	while (!rs_spawn_wait(spawn, RS_WAIT_MS)) {
		const uint64_t cpu = rs_spawn_cpu(spawn);
		struct rs_error *err;

		if (*rows != seen || since == UINT64_MAX) {
			seen = *rows;
			since = *step == RS_STEP_STARTED ? cpu : UINT64_MAX;
		}
		if (since != UINT64_MAX && cpu - since > run->stall_ns) {
			run->stalled = true;
			return NULL;
		}
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
		return "set its thread pointer (fs)";
	case RS_STEP_GUARD:
		return "install its signal handlers";
	case RS_STEP_CONFINE:
		return "give up its privileges";
	case RS_STEP_LIMITS:
		return "set its limits";
	default:
		return "enter seccomp";
	}
}

static struct rs_error *never_started(const struct rs_image_run *run)
{
	const char *name = run->image->target->name;
	const struct rs_control *c = run->control;
	const int error = run->end.error ? run->end.error : c->error;
	struct rs_error *err = rs_run_limit_error(run);

	if (err)
		return err;
	if (c->step == RS_STEP_JAIL)
		return rs_error_new(
			RS_EUNSUPPORTED,
			"%s: this kernel refuses seccomp filters (%s); "
			"without them no code of a core is run",
			name, strerror(error));
	if (run->end.error == EACCES || run->end.error == EPERM)
		return rs_error_new(RS_EUNSUPPORTED,
				    "%s: this machine does not execute "
				    "programs in memory (memfd: %s), which is "
				    "how code of a core is run",
				    name, strerror(error));
	return rs_error_new(RS_EBAD,
			    "%s: the process that was to run its code failed "
			    "to %s (%s, detail %llu, wait status %#x); no code "
			    "of the core was run",
			    name, step_name(c->step),
			    error ? strerror(error) : "it was ended",
			    (unsigned long long)c->detail,
			    (unsigned)run->end.status);
}

static struct rs_error *cannot_end(struct rs_image_run *run)
{
	run->leaked = true;
	return rs_error_new(RS_EIO,
			    "%s: the process that runs its code could not be "
			    "ended (ps shows it as refscope-image); its "
			    "results are not used",
			    run->image->target->name);
}

// Bytes of files that the image maps, without their holes.
static uint64_t mapped_bytes(const struct rs_process_image *image)
{
	const struct rs_plan_file *file =
		rs_vec_items(&image->file, struct rs_plan_file);
	uint64_t bytes = 0;

	for (size_t i = 0; i < rs_vec_count(&image->file, struct rs_plan_file);
	     i++)
		bytes += (uint64_t)file[i].stat.st_blocks * RS_BLOCK_SIZE;
	return bytes;
}

// With the page tables that it takes to read all of those.
static uint64_t memory_limit(const struct rs_process_image *image)
{
	return image->options.memory + image->copied +
	       mapped_bytes(image) / RS_PLAN_PAGE * sizeof(uint64_t);
}

static struct rs_error *
run_to_end(struct rs_image_run *run, const int *fd, size_t fds)
{
	const struct rs_spawn_options options = {
		.exec_fd = run->exec_fd,
		.fd = fd,
		.fds = fds,
		.results_fd = run->fd,
		.control = run->control,
		.memory = memory_limit(run->image),
		.mapped = mapped_bytes(run->image),
		.cpu_ns = run->cpu_ns,
		.setup_cpu_ns = RS_SETUP_MS * RS_NS_PER_MS,
		.deadline_ns = run->deadline_ns,
	};
	struct rs_spawn *spawn = NULL;
	struct rs_error *err = rs_spawn_start(&options, &spawn);

	if (err)
		return err;
	err = watch(run, spawn);
	if (!rs_spawn_end(spawn, &run->end)) {
		rs_error_free(err);
		return cannot_end(run);
	}
	run->ended_ns = rs_run_now();
	return err;
}

struct rs_error *rs_run_go(struct rs_image_run *run, bool *done)
{
	const struct rs_vec *files = &run->image->fd;
	size_t fds = rs_vec_count(files, int);
	struct rs_error *err;

	RS_AUTO_FREE int *fd = malloc(files->used + 2 * sizeof(int));
	if (!fd)
		return &rs_enomem;
	memcpy(fd, files->data, files->used);
	fd[fds++] = run->fd;
	fd[fds++] = run->control_fd;
	run->stalled = false;
	*run->control = (struct rs_control){0};
	run->shared->done = 0;
	if ((err = run_to_end(run, fd, fds)))
		return err;
	if ((err = rs_plan_unchanged(run->image)))
		return err;
	if (run->control->step != RS_STEP_STARTED)
		return never_started(run);
	*done = run->shared->done && !run->end.limit && !run->stalled &&
		run->end.status == 0;
	return NULL;
}

uint64_t rs_run_used(const struct rs_image_run *run)
{
	const uint64_t ready = run->control->ready_cpu_ns;

	return run->end.cpu_ns > ready ? run->end.cpu_ns - ready : 0;
}

struct rs_error *rs_run_limit_error(const struct rs_image_run *run)
{
	const char *name = run->image->target->name;

	switch (run->end.limit) {
	case RS_LIMIT_MEMORY:
		return rs_error_new(
			RS_EBAD,
			"%s: the process that runs its code was ended: it used "
			"%llu MiB of memory, and may use %llu; set refs run "
			"memory gives it more",
			name,
			(unsigned long long)run->end.memory >> RS_MIB_SHIFT,
			(unsigned long long)memory_limit(run->image) >>
				RS_MIB_SHIFT);
	case RS_LIMIT_CPU:
		return rs_error_new(
			RS_EBAD,
			"%s: the process that runs its code was ended: it used "
			"%.3g s of processor time, and may use %.3g",
			name, (double)run->end.cpu_ns / 1e9,
			(double)run->cpu_ns / 1e9);
	case RS_LIMIT_WALL:
		return rs_error_new(RS_EBAD,
				    "%s: the process that runs its code was "
				    "ended: it took too long and had little "
				    "processor time; try again when the "
				    "machine is less busy",
				    name);
	case RS_LIMIT_BLIND:
		return rs_error_new(
			RS_EUNSUPPORTED,
			"%s: /proc/PID/status cannot be read, so the memory "
			"that code of the core uses could not be limited; "
			"mount /proc",
			name);
	default:
		return NULL;
	}
}

void rs_run_fini(struct rs_image_run *run)
{
	int *const fd[] = {&run->exec_fd, &run->fd, &run->control_fd};

	for (size_t i = 0; i < sizeof(fd) / sizeof(*fd); i++) {
		if (*fd[i] >= 0)
			close(*fd[i]);
		*fd[i] = -1;
	}
	if (run->control && !run->leaked)
		munmap(run->control, RS_PLAN_PAGE);
	run->control = NULL;
}
