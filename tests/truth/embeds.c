// SPDX-License-Identifier: MIT
//
// Several interpreters in a C program that embeds Python, each with a thread:
//
//     cd FOLDER; embeds PYTHONHOME one_interpreter.py
//
// Each of them runs the file. Then the program stops as subinterpreters.py
// tells, by which it is written. Built by test_subinterpreters.py for every
// libpython that it finds; for Python 2.7 and 3.6 to 3.15.
#include <Python.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	RS_INTERPRETERS = 3,
	RS_SOURCE_MAX = 1 << 16,
	RS_LOOKS = 10000, // minutes, if need be
};

static PyThreadState *state[RS_INTERPRETERS];

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void run(int number, const char *code)
{
	PyThreadState *before = PyThreadState_Swap(state[number]);

	if (PyRun_SimpleString(code))
		exit(1);
	PyThreadState_Swap(before);
}

static void runf(int number, const char *format, const char *text)
{
	char *code = malloc(RS_SOURCE_MAX);

	if (!code)
		fail("malloc");
	(void)snprintf(code, RS_SOURCE_MAX, format, number, text);
	run(number, code);
	free(code);
}

static void in_child(int number, const char *format)
{
	const pid_t pid = fork();
	int status = 1;

	if (!pid) {
		runf(number, format, "");
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		fail("child");
}

// Adds to runs how often a thread has run. @return whether it is asleep.
static int is_asleep(const char *task, unsigned long *runs)
{
	char path[300], line[256], letter = 0;
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/self/task/%s/status", task);
	file = fopen(path, "r");
	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file)) {
		const char *value = strchr(line, ':');

		if (!value)
			continue;
		if (!strncmp(line, "State:", 6))
			letter = value[2];
		else if (strstr(line, "_ctxt_switches:"))
			*runs += strtoul(value + 1, NULL, 10);
	}
	(void)fclose(file);
	return letter == 'S';
}

// @return how often all threads but this one have run, 0 if one is about to.
static unsigned long runs_of_others(void)
{
	DIR *tasks = opendir("/proc/self/task");
	const struct dirent *entry;
	unsigned long runs = 1;

	if (!tasks)
		fail("/proc/self/task");
	while (runs && (entry = readdir(tasks)))
		if (entry->d_name[0] != '.' &&
		    atoi(entry->d_name) != getpid() &&
		    !is_asleep(entry->d_name, &runs))
			runs = 0;
	(void)closedir(tasks);
	return runs;
}

// As observer.settle(): a thread that wanted the interpreter lock when a copy
// was made would have it let go there, to nobody, and for ever.
static void settle(void)
{
	PyThreadState *mine = PyEval_SaveThread();
	unsigned long before = 0, now = 0;
	int looks = 0;

	do {
		before = now;
		(void)usleep(20000);
		now = runs_of_others();
		if (++looks == RS_LOOKS)
			fail("threads do not come to rest");
	} while (!now || now != before);
	PyEval_RestoreThread(mine);
}

static void dump_core(void)
{
	struct rlimit most;
	const pid_t pid = fork();

	if (!pid) {
		(void)getrlimit(RLIMIT_CORE, &most);
		most.rlim_cur = most.rlim_max;
		(void)setrlimit(RLIMIT_CORE, &most);
		abort();
	}
	(void)waitpid(pid, NULL, 0);
}

static void read_source(const char *path, char *source)
{
	FILE *file = fopen(path, "r");
	size_t n;

	if (!file)
		fail(path);
	n = fread(source, 1, RS_SOURCE_MAX / 2, file);
	source[n] = '\0';
	(void)fclose(file);
}

int main(int argc, char **argv)
{
	static char source[RS_SOURCE_MAX / 2 + 1];

	if (argc != 3)
		return 2;
	read_source(argv[2], source);
	(void)setenv("PYTHONHOME", argv[1], 1);
	Py_Initialize();
#if PY_VERSION_HEX < 0x03070000
	PyEval_InitThreads();
#endif
	state[0] = PyThreadState_Get();
	for (int i = 1; i < RS_INTERPRETERS; i++) {
		state[i] = Py_NewInterpreter();
		if (!state[i])
			fail("Py_NewInterpreter");
	}
	PyThreadState_Swap(state[0]);
	for (int i = 0; i < RS_INTERPRETERS; i++)
		runf(i, "WHO = %d\nTHREAD = True\n%s\nfill()\n", source);
	for (int i = 0; i < RS_INTERPRETERS; i++)
		runf(i, "leave()\nfacts('facts.%d')\n%s", "");
	settle();
	run(0, "rehearse()\n");
	dump_core();
	for (int i = 0; i < RS_INTERPRETERS; i++) {
		in_child(i, "describe('heap.%d')\n%s");
		in_child(i, "collect('collect.%d')\n%s");
	}
	(void)PyEval_SaveThread();
	(void)printf("READY %d\n", (int)getpid());
	(void)fflush(stdout);
	(void)getchar();
	_exit(0);
}
