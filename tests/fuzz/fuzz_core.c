// SPDX-License-Identifier: MIT
/**
 * @file
 * Cut a core off anywhere, flip bits in it, and look at what is left.
 *
 *     fuzz_core CORE HOW LEVEL ROUNDS SEED
 *
 * HOW is cut (at random points), head (bits of the ELF headers and notes),
 * bits (of anything), loads (segments of which less is in the file), pages
 * (runs of them are zeros) or none (as it is); LEVEL is memory, session or
 * objects. CORE is spoilt: give a copy. Each round looks in a child of its own.
 * It must end by itself, in time, with an answer or with an error of one line;
 * at level objects, where more than a tenth of the objects is gone, a problem
 * must say so. Prints a line a failure and a last line with the numbers; the
 * exit status is 0 when no round failed.
 */
#include "fuzz.h"
#include "memory/memory.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/** Look at the core at @p path. @return a status of fuzz.h. */
typedef int (*look_fn)(const char *path);

enum {
	RS_ROUND_SECONDS = 400,
	RS_MAX_FLIPS = 64,
	RS_HEAD = 32 << 10,
	RS_PAGE = 4096,
	RS_MAX_LOADS = 16,
	RS_MAX_PAGES = 1024,
};

/** Read everything that can be read. */
static int look_at_memory(const char *path)
{
	struct rs_memory *memory = NULL;
	uint64_t address = 0;
	uint64_t sum = 0;

	struct rs_error *err = rs_memory_open_core(path, NULL, &memory);
	if (err)
		return judge(err);
	for (size_t i = 0; i < memory->segments; i++) {
		const struct rs_segment *s = &memory->segment[i];
		for (uint64_t a = s->start; a < s->end; a += 2048) {
			const uint8_t *p = rs_memory_at(memory, a, 1);
			sum += p ? *p : 0;
			(void)rs_memory_text(memory, a, 100);
			(void)rs_memory_at(memory, a, 5000);
		}
	}
	for (size_t i = 0; i < memory->modules; i++)
		rs_error_free(rs_memory_symbol(memory, &memory->module[i],
					       "_PyRuntime", &address, NULL));
	rs_error_free(
		rs_memory_symbol(memory, NULL, "no_such", &address, NULL));
	rs_error_free(
		rs_memory_section(memory, NULL, ".PyRuntime", &address, &sum));
	for (size_t i = 0; i < memory->problems; i++)
		if (strchr(memory->problem[i], '\n'))
			return RS_BAD_MESSAGE;
	rs_memory_close(memory);
	return RS_ANSWERED;
}

/** Ask everything that can be asked. */
static int look_at_session(const char *path)
{
	struct rs_session *s = NULL;
	char *answer = NULL;
	uint64_t id = 0;
	char out[4096];

	(void)snprintf(out, sizeof(out), "%s.jsonl", path);
	const struct rs_open_options options = {
		.size = sizeof(options),
		.exact = RS_EXACT_AUTO,
	};
	struct rs_error *err = rs_session_open_core(path, &options, &s);
	if (err)
		return judge(err);
	bool good = true;
#define ASK(call)                                                              \
	do {                                                                   \
		good = is_good(call) && good;                                  \
		if (!id)                                                       \
			id = first_id(answer);                                 \
		rs_text_free(answer);                                          \
		answer = NULL;                                                 \
	} while (0)
	ASK(rs_answer_info(s, &answer));
	ASK(rs_answer_gc(s, &answer));
	ASK(rs_answer_collect(s, -1, NULL, 100, &answer));
	ASK(rs_answer_cycles(s, false, 10, &answer));
	ASK(rs_answer_cycles(s, true, 3, &answer));
	ASK(rs_answer_garbage(s, 10, &answer));
	ASK(rs_answer_types(s, "bytes", 10, &answer));
	ASK(rs_answer_resolve(s, "sys.modules", &answer));
	ASK(rs_answer_count(s, id, 10, &answer));
	ASK(rs_answer_show(s, id, 10, &answer));
	ASK(rs_answer_reachable(s, id, 0, true, 10, &answer));
	ASK(rs_answer_referrers(s, id, 3, 10, &answer));
	ASK(rs_answer_why(s, id, 3, &answer));
	ASK(rs_export_jsonl(s, out, true, &answer));
#undef ASK
	rs_session_close(s);
	return good ? RS_ANSWERED : RS_BAD_MESSAGE;
}

// Shared with the children: the number of objects in the core as it was, and
// how many rounds have lost more than a tenth of them.
static struct {
	uint64_t objects, lost;
} * whole;

static uint64_t objects_in(const char *answer)
{
	static const char key[] = "\"objects\":";
	const char *end = strstr(answer, "\"references\":");
	const char *found = NULL, *at = answer;

	// The last one before that: the allocator has such a number too.
	while (end && (at = strstr(at, key)) && at < end)
		found = at++;
	return found ? strtoull(found + sizeof(key) - 1, NULL, 10) : 0;
}

/** Count the objects, by reading alone. */
static int look_at_objects(const char *path)
{
	const struct rs_open_options options = {
		.size = sizeof(options),
		.exact = RS_EXACT_OFF,
	};
	struct rs_session *s = NULL;
	char *answer = NULL;
	struct rs_error *err = rs_session_open_core(path, &options, &s);

	if (!err)
		err = rs_answer_info(s, &answer);
	rs_session_close(s);
	if (err)
		return judge(err);
	const uint64_t n = objects_in(answer);
	const bool silent = strstr(answer, "\"problems\":[]") != NULL;

	rs_text_free(answer);
	if (!whole->objects)
		whole->objects = n;
	if (n >= whole->objects - whole->objects / 10)
		return RS_ANSWERED;
	whole->lost++;
	if (!silent)
		return RS_ANSWERED;
	(void)printf("%llu of %llu objects, and no problem\n",
		     (unsigned long long)n, (unsigned long long)whole->objects);
	return RS_SILENT;
}

/** Look in a child. @return what it ended with, as from waitpid(). */
static int run_round(const char *path, look_fn look)
{
	(void)fflush(stdout);
	const pid_t pid = fork();
	if (pid < 0) {
		perror("fork");
		exit(2);
	}
	if (!pid) {
		alarm(RS_ROUND_SECONDS);
		exit(look(path)); // with the leak check, where there is one
	}
	int status = 0;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

static int descending(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a;
	const uint64_t y = *(const uint64_t *)b;

	return (x < y) - (x > y);
}

struct fuzz {
	const char *path, *how;
	int fd;
	look_fn look;
	size_t rounds;
	uint64_t size;
	size_t answered, refused, failed;
};

static void count(struct fuzz *fuzz, size_t round, uint64_t where)
{
	const int status = run_round(fuzz->path, fuzz->look);

	if (WIFEXITED(status) && WEXITSTATUS(status) == RS_ANSWERED) {
		fuzz->answered++;
	} else if (WIFEXITED(status) && WEXITSTATUS(status) == RS_REFUSED) {
		fuzz->refused++;
	} else {
		fuzz->failed++;
		(void)printf("FAILED: round %zu (%s %llu): wait status %#x\n",
			     round, fuzz->how, (unsigned long long)where,
			     (unsigned)status);
	}
}

/** From the end to the beginning, so that one file does for all. */
static void cut_rounds(struct fuzz *fuzz)
{
	uint64_t *at = calloc(fuzz->rounds, sizeof(*at));

	if (!at)
		exit(2);
	for (size_t i = 0; i < fuzz->rounds; i++) // every fourth: headers
		at[i] = number(
			i % 4 ? fuzz->size
			      : (fuzz->size < RS_HEAD ? fuzz->size : RS_HEAD));
	qsort(at, fuzz->rounds, sizeof(*at), descending);
	for (size_t i = 0; i < fuzz->rounds; i++) {
		if (ftruncate(fuzz->fd, (off_t)at[i])) {
			perror("ftruncate");
			exit(2);
		}
		count(fuzz, i, at[i]);
	}
	free(at);
}

static void flip_rounds(struct fuzz *fuzz, uint64_t below)
{
	for (size_t i = 0; i < fuzz->rounds; i++) {
		const uint64_t seed = state;
		const size_t flips = below ? 1 + number(RS_MAX_FLIPS) : 0;

		for (size_t k = 0; k < flips; k++) {
			const uint64_t at = number(below);
			flip(fuzz->fd, at, (unsigned)number(8));
		}
		count(fuzz, i, seed);
		const uint64_t next = state;
		state = seed;
		(void)number(RS_MAX_FLIPS);
		for (size_t k = 0; k < flips; k++) {
			const uint64_t at = number(below);
			flip(fuzz->fd, at, (unsigned)number(8));
		}
		state = next;
	}
}

// Bytes of the core that are to be put back.
struct kept {
	void *bytes;
	size_t size;
	uint64_t at;
};

static void keep(const struct fuzz *fuzz, struct kept *ret)
{
	ret->bytes = malloc(ret->size);
	if (!ret->bytes || pread(fuzz->fd, ret->bytes, ret->size,
				 (off_t)ret->at) != (ssize_t)ret->size)
		exit(2);
}

static void
put(const struct fuzz *fuzz, const void *bytes, size_t size, uint64_t at)
{
	if (pwrite(fuzz->fd, bytes, size, (off_t)at) != (ssize_t)size) {
		perror("pwrite");
		exit(2);
	}
}

// As a core is that a filter or a full disk left incomplete.
static void shorten_load(const struct fuzz *fuzz, const struct kept *table)
{
	const size_t n = table->size / sizeof(Elf64_Phdr);
	Elf64_Phdr phdr;
	size_t i;

	do {
		i = number(n);
		memcpy(&phdr, (char *)table->bytes + i * sizeof(phdr),
		       sizeof(phdr));
	} while (phdr.p_type != PT_LOAD);
	phdr.p_filesz =
		number(2) ? 0 : number(phdr.p_filesz / RS_PAGE + 1) * RS_PAGE;
	put(fuzz, &phdr, sizeof(phdr), table->at + i * sizeof(phdr));
}

static void load_rounds(struct fuzz *fuzz)
{
	Elf64_Ehdr ehdr;

	if (pread(fuzz->fd, &ehdr, sizeof(ehdr), 0) != sizeof(ehdr))
		exit(2);
	struct kept table = {.size = ehdr.e_phnum * sizeof(Elf64_Phdr),
			     .at = ehdr.e_phoff};
	keep(fuzz, &table);
	for (size_t i = 0; i < fuzz->rounds; i++) {
		const uint64_t loads = 1 + number(RS_MAX_LOADS);

		for (uint64_t k = 0; k < loads; k++)
			shorten_load(fuzz, &table);
		count(fuzz, i, loads);
		put(fuzz, table.bytes, table.size, table.at);
	}
	free(table.bytes);
}

static void page_rounds(struct fuzz *fuzz)
{
	const uint64_t pages = fuzz->size / RS_PAGE;

	for (size_t i = 0; i < fuzz->rounds; i++) {
		const uint64_t first = number(pages);
		const uint64_t most = pages - first < RS_MAX_PAGES
					      ? pages - first
					      : RS_MAX_PAGES;
		struct kept run = {.size = (1 + number(most)) * RS_PAGE,
				   .at = first * RS_PAGE};
		void *zeros = calloc(1, run.size);

		if (!zeros)
			exit(2);
		keep(fuzz, &run);
		put(fuzz, zeros, run.size, run.at);
		count(fuzz, i, first);
		put(fuzz, run.bytes, run.size, run.at);
		free(run.bytes);
		free(zeros);
	}
}

int main(int argc, char **argv)
{
	struct stat st;

	if (argc != 6) {
		(void)fputs(
			"usage: fuzz_core CORE cut|head|bits|loads|pages|none "
			"memory|session|objects ROUNDS SEED\n",
			stderr);
		return 2;
	}
	struct fuzz fuzz = {
		.path = argv[1],
		.how = argv[2],
		.fd = open(argv[1], O_RDWR | O_CLOEXEC),
		.look = !strcmp(argv[3], "session")   ? look_at_session
			: !strcmp(argv[3], "objects") ? look_at_objects
						      : look_at_memory,
		.rounds = strtoul(argv[4], NULL, 10),
	};
	if (fuzz.fd < 0 || fstat(fuzz.fd, &st) || st.st_size < 64) {
		perror(argv[1]);
		return 2;
	}
	fuzz.size = (uint64_t)st.st_size;
	whole = mmap(NULL, sizeof(*whole), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (whole == MAP_FAILED)
		return 2;
	if (fuzz.look == look_at_objects)
		(void)run_round(fuzz.path, fuzz.look);
	state = strtoull(argv[5], NULL, 10) * 2 + 1;
	if (!strcmp(fuzz.how, "cut"))
		cut_rounds(&fuzz);
	else if (!strcmp(fuzz.how, "loads"))
		load_rounds(&fuzz);
	else if (!strcmp(fuzz.how, "pages"))
		page_rounds(&fuzz);
	else if (!strcmp(fuzz.how, "none"))
		flip_rounds(&fuzz, 0);
	else if (!strcmp(fuzz.how, "head") && fuzz.size > RS_HEAD)
		flip_rounds(&fuzz, RS_HEAD);
	else
		flip_rounds(&fuzz, fuzz.size);
	close(fuzz.fd);
	(void)printf("%zu answered, %zu refused, %zu failed", fuzz.answered,
		     fuzz.refused, fuzz.failed);
	(void)printf(whole->lost ? ", %llu had lost a tenth\n" : "\n",
		     (unsigned long long)whole->lost);
	return fuzz.failed ? 1 : 0;
}
