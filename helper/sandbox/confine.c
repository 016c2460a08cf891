// SPDX-License-Identifier: MIT
//
// The image's process between clone and exec. It shares the caller's memory
// but has credentials, descriptors, limits and a root directory of its own.
// User ids change only after exec: before it, that would make the memory of
// the caller non-dumpable.
#include "sandbox/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

// From sys/mount.h, which clashes with linux/mount.h.
#define RS_MS_REC 16384U
#define RS_MS_PRIVATE (1U << 18)
#define RS_MNT_DETACH 2

enum { RS_CPU_SLACK_S = 4 };

RS_PLAIN static void limit(int resource, uint64_t value)
{
	const struct rlimit l = {value, value};

	rs_raw3(SYS_setrlimit, (uint64_t)resource, (uint64_t)&l, 0);
}

// First to be ended where memory gets short. A child of vfork's has a value
// of its own though it shares memory. Source: Linux fs/proc/base.c
// __set_oom_adj().
RS_PLAIN static bool offer_to_oom(void)
{
	static const char most[] = "1000";
	const long fd = rs_raw3(SYS_open, (uint64_t) "/proc/self/oom_score_adj",
				O_WRONLY | O_CLOEXEC, 0);
	long rc = -1;

	if (fd < 0)
		return false;
	rc = rs_raw3(SYS_write, (uint64_t)fd, (uint64_t)most, sizeof(most) - 1);
	rs_raw3(SYS_close, (uint64_t)fd, 0, 0);
	return rc == sizeof(most) - 1;
}

// @return A new, empty, read-only file system that is mounted nowhere.
RS_PLAIN static long empty_mount(void)
{
	const long fs =
		rs_raw3(SYS_fsopen, (uint64_t) "tmpfs", FSOPEN_CLOEXEC, 0);
	long rc;

	if (fs < 0)
		return fs;
	rc = rs_raw6(SYS_fsconfig, (uint64_t)fs, FSCONFIG_CMD_CREATE, 0, 0, 0,
		     0);
	if (!rc)
		rc = rs_raw3(SYS_fsmount, (uint64_t)fs, FSMOUNT_CLOEXEC,
			     MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID |
				     MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	rs_raw3(SYS_close, (uint64_t)fs, 0, 0);
	return rc;
}

// Make it the root, and let go of every other mount: in the mount namespace
// there is then nothing else.
RS_PLAIN static bool empty_root(void)
{
	const long mount = empty_mount();

	if (mount < 0 ||
	    rs_raw6(SYS_mount, 0, (uint64_t) "/", 0, RS_MS_REC | RS_MS_PRIVATE,
		    0, 0) ||
	    rs_raw6(SYS_move_mount, (uint64_t)mount, (uint64_t) "",
		    (uint64_t)AT_FDCWD, (uint64_t) "/proc",
		    MOVE_MOUNT_F_EMPTY_PATH, 0) ||
	    rs_raw3(SYS_fchdir, (uint64_t)mount, 0, 0))
		return false;
	if (!rs_raw3(SYS_pivot_root, (uint64_t) ".", (uint64_t) ".", 0))
		return !rs_raw3(SYS_umount2, (uint64_t) ".", RS_MNT_DETACH, 0);
	return !rs_raw3(SYS_chroot, (uint64_t) ".", 0, 0);
}

RS_PLAIN static void put_up_walls(struct rs_control *control)
{
	static const struct {
		uint32_t flag, wall;
	} space[] = {
		{CLONE_NEWPID, RS_WALL_PID},
		{CLONE_NEWNET, RS_WALL_NET},
		{CLONE_NEWIPC, RS_WALL_IPC},
		{CLONE_NEWNS, RS_WALL_MOUNT},
	};

	control->missing = RS_WALLS & ~(uint32_t)RS_WALL_ROOT;
	for (unsigned i = 0; i < sizeof(space) / sizeof(*space); i++)
		if (control->namespaces & space[i].flag)
			control->missing &= ~space[i].wall;
	if (offer_to_oom())
		control->missing &= ~(uint32_t)RS_WALL_OOM;
	if (!(control->namespaces & CLONE_NEWNS) || !empty_root())
		control->missing |= RS_WALL_ROOT;
}

RS_PLAIN int rs_image_start(void *context)
{
	static const char *const none[] = {"refscope-image", (char *)0};
	static const char *const *const empty = none + 1;
	struct rs_spawn *s = context;
	const struct rs_spawn_options *o = &s->options;

	rs_raw6(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0, 0);
	rs_raw3(SYS_setsid, 0, 0, 0);
	limit(RLIMIT_CORE, 0);
	// The kernel's own, in whole seconds, should nobody be looking. The
	// loader lowers it once it is ready; it could not raise it.
	limit(RLIMIT_CPU,
	      (o->setup_cpu_ns + 2 * o->cpu_ns) / 1000000000 + RS_CPU_SLACK_S);
	put_up_walls(o->control);
	for (size_t i = 0; i < o->fds; i++)
		rs_raw3(SYS_fcntl, (uint64_t)o->fd[i], F_SETFD, 0);
	o->control->supervisor_fd = s->supervisor;
	rs_raw3(SYS_fcntl, (uint64_t)s->supervisor, F_SETFD, 0);
	const long rc =
		rs_raw6(SYS_execveat, (uint64_t)o->exec_fd, (uint64_t) "",
			(uint64_t)none, (uint64_t)empty, AT_EMPTY_PATH, 0);
	s->end.error = (int)-rc;
	rs_child_exit(1);
}
