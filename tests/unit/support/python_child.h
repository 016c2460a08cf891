// SPDX-License-Identifier: MIT
/**
 * @file
 * Start each interpreter of this machine with a script and stop it where it
 * waits. Interpreters: those of the distribution, pyenv's, in /tmp/newer
 * (unpacked from newer releases) and in $REFSCOPE_PYTHONS (by colons).
 */
#ifndef RS_PYTHON_CHILD_H
#define RS_PYTHON_CHILD_H

#include "process_state.h"
#include "rs_check.h"

#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RS_PYTHONS_MAX = 64 };

struct rs_pythons {
	char *path[RS_PYTHONS_MAX];
	size_t count;
};

struct rs_python_child {
	pid_t pid; // what was started: a wrapper, perhaps
	pid_t stopped; // the interpreter
	FILE *out;
	int in;
};

static inline void rs_pythons_add(struct rs_pythons *ret, const char *pattern)
{
	glob_t found;

	if (glob(pattern, GLOB_TILDE, NULL, &found) != 0)
		return;
	for (size_t i = 0; i < found.gl_pathc; i++)
		if (ret->count < RS_PYTHONS_MAX &&
		    access(found.gl_pathv[i], X_OK) == 0)
			ret->path[ret->count++] = strdup(found.gl_pathv[i]);
	globfree(&found);
}

static inline void rs_pythons_find(struct rs_pythons *ret)
{
	const char *given = getenv("REFSCOPE_PYTHONS");
	char *list = given ? strdup(given) : NULL;
	char *rest = NULL;

	rs_pythons_add(ret, "/usr/bin/python[23].[0-9]");
	rs_pythons_add(ret, "/usr/bin/python[23].[0-9][0-9]");
	rs_pythons_add(ret, "~/.pyenv/versions/*/bin/python");
	rs_pythons_add(ret, "/tmp/newer/bin/python*");
	for (char *p = list ? strtok_r(list, ":", &rest) : NULL; p;
	     p = strtok_r(NULL, ":", &rest))
		rs_pythons_add(ret, p);
	free(list);
}

static inline void rs_pythons_free(struct rs_pythons *pythons)
{
	for (size_t i = 0; i < pythons->count; i++)
		free(pythons->path[i]);
}

/** Run @p path with @p script; its output is child->out. */
static inline void rs_python_start(struct rs_python_child *child,
				   const char *path, const char *script)
{
	int in[2], out[2];

	ck_assert_int_eq(pipe(in), 0);
	ck_assert_int_eq(pipe(out), 0);
	child->pid = fork();
	ck_assert_int_ge(child->pid, 0);
	if (child->pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		close(in[1]);
		close(out[0]);
		execl(path, path, "-c", script, NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	child->in = in[1];
	child->out = fdopen(out[0], "r");
	ck_assert_ptr_nonnull(child->out);
}

/** Wait until process @p pid sleeps (in its read), then stop it. */
static inline void rs_python_stop(struct rs_python_child *child, pid_t pid)
{
	process_wait_for(pid, 'S');
	child->stopped = pid;
	process_stop(pid);
}

static inline void rs_python_end(struct rs_python_child *child)
{
	if (child->stopped)
		kill(child->stopped, SIGCONT);
	close(child->in);
	(void)fclose(child->out);
	(void)waitpid(child->pid, NULL, 0);
}

#endif /* RS_PYTHON_CHILD_H */
