// SPDX-License-Identifier: MIT
/**
 * @file
 * Flip bits where they hurt, and have the core's own code asked.
 *
 *     fuzz_ask CORE ROUNDS SEED [ROUND]
 *
 * A good opening of CORE tells where its headers, its notes, its types and
 * its collector's lists lie in the file; each round flips some bits of one of
 * these, in turn, and opens the core in a child, which asks for what a user
 * would and, last, lets the types tell their references in an image. CORE is
 * spoilt: give a copy. A round fails when the child crashes, takes longer than
 * RS_ROUND_SECONDS, gives an error of more than one line, or leaves a process
 * behind. With ROUND only that one is looked at. Prints a line a failure, and
 * last what happened in numbers.
 */
#include "aim.h"
#include "fuzz.h"
#include "memory/target.h"
#include "session/session.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

enum {
	RS_ROUND_SECONDS = 120,
	RS_END_WAITS = 6000, // of 10 ms: the machine may be busy
	RS_SLOW_MS = 5000, // told
	RS_PATIENCE_MS = 10000, // then a question is interrupted, as by Ctrl-C
	RS_MAX_FLIPS = 8,
	RS_NOTES_MAX = 16 << 10, // bytes of notes aimed at: the first
};

/** Bytes of the file that are worth a flip. */
struct place {
	uint64_t at, size;
};

static struct rs_vec places[RS_KINDS]; // struct place

/** What the children say; all in shared memory. */
static struct tally {
	unsigned answered, refused, asked, not_traversed, stopped, broken,
		interrupted;
} * tally;

static void add_place(enum rs_aim kind, uint64_t at, uint64_t size)
{
	struct place *p = rs_vec_push(&places[kind], sizeof(*p));

	if (!p)
		exit(2);
	*p = (struct place){at, size};
}

void rs_aim_add(struct rs_memory *memory, enum rs_aim kind, uint64_t at,
		uint64_t n)
{
	const struct rs_mapping *core = &rs_target_of(memory)->mapping[0];
	const uint8_t *file = core->data;

	for (size_t i = 0; i < memory->segments; i++) {
		const struct rs_segment *s = &memory->segment[i];

		if (at < s->start || at + n > s->end || s->data < file ||
		    s->data >= file + core->size)
			continue;
		add_place(kind, (uint64_t)(s->data - file) + (at - s->start),
			  n);
		return;
	}
}

static void aim_at_headers(struct rs_memory *memory)
{
	const uint8_t *file = rs_target_of(memory)->mapping[0].data;
	Elf64_Ehdr ehdr;

	memcpy(&ehdr, file, sizeof(ehdr));
	add_place(RS_HEADERS, 0, sizeof(ehdr));
	for (unsigned i = 0; i < ehdr.e_phnum; i++) {
		const uint64_t at = ehdr.e_phoff + i * sizeof(Elf64_Phdr);
		Elf64_Phdr phdr;

		memcpy(&phdr, file + at, sizeof(phdr));
		add_place(RS_HEADERS, at, sizeof(phdr));
		if (phdr.p_type == PT_NOTE)
			add_place(RS_NOTES, phdr.p_offset,
				  phdr.p_filesz < RS_NOTES_MAX ? phdr.p_filesz
							       : RS_NOTES_MAX);
	}
}

static bool aim(const char *path)
{
	struct rs_session *s = NULL;
	struct rs_graph *graph = NULL;
	struct rs_error *err = rs_session_open_core(path, NULL, &s);

	if (!err)
		err = rs_session_graph(s, &graph);
	if (err) {
		(void)printf("%s: %s\n", path, rs_error_message(err));
		rs_error_free(err);
		return false;
	}
	aim_at_headers(s->memory);
	if (rs_session_runtime_named(s, "cpython"))
		rs_aim_at_cpython(s, graph);
	if (rs_session_runtime_named(s, "native"))
		rs_aim_at_native(s, graph);
	rs_session_close(s);
	for (int kind = 0; kind < RS_KINDS; kind++)
		if (!rs_vec_count(&places[kind], struct place)) {
			(void)printf("%s: nothing of kind %d is in it\n", path,
				     kind);
			return false;
		}
	return true;
}

static uint64_t number_after(const char *answer, const char *key)
{
	const char *at = answer ? strstr(answer, key) : NULL;

	return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/** Progress: @return whether the round may go on. */
static bool go_on(void *start, const char *phase, uint64_t done, uint64_t total)
{
	(void)phase, (void)done, (void)total;
	return now_ms() - *(const uint64_t *)start < RS_PATIENCE_MS;
}

/** Let the types tell. */
static bool ask_types(struct rs_session *s)
{
	char *answer = NULL;
	struct rs_error *err = rs_answer_verify(s, 10, &answer);

	if (err) {
		tally->not_traversed++;
		tally->interrupted += rs_error_code(err) == RS_EINTERRUPTED;
		return is_good(err);
	}
	tally->asked++;
	tally->stopped += number_after(answer, "\"faults_total\":") != 0;
	tally->broken += number_after(answer, "\"lists_broken\":") != 0;
	rs_text_free(answer);
	return true;
}

/** @return An exit status. */
static int look(const char *path, size_t round)
{
	uint64_t start = now_ms();
	const struct rs_open_options options = {
		.size = sizeof(options),
		.progress = go_on,
		.progress_context = &start,
	};
	struct rs_session *s = NULL;
	char *answer = NULL;
	uint64_t id = 0;
	char out[4096];

	struct rs_error *err = rs_session_open_core(path, &options, &s);
	if (err)
		return judge(err);
	bool good = is_good(rs_answer_info(s, &answer));
	rs_text_free(answer);
	answer = NULL;
	good &= is_good(rs_answer_collect(s, -1, NULL, 100, &answer));
	id = first_id(answer);
	rs_text_free(answer);
	answer = NULL;
	good &= is_good(rs_answer_count(s, id, 10, &answer));
	rs_text_free(answer);
	answer = NULL;
	good &= is_good(rs_answer_types(s, "bytes", 10, &answer));
	rs_text_free(answer);
	answer = NULL;
	(void)snprintf(out, sizeof(out), "%s.jsonl", path);
	// Labels take most of the time of all of this.
	good &= is_good(rs_export_jsonl(s, out, round % 16 == 0, &answer));
	rs_text_free(answer);
	unlink(out);
	good &= ask_types(s);
	rs_session_close(s);
	return good ? RS_ANSWERED : RS_BAD_MESSAGE;
}

/**
 * Whatever the child left comes to us, who adopt orphans, and is to end by
 * itself. @return whether all did.
 */
static bool nothing_left(void)
{
	for (int i = 0; i < RS_END_WAITS; i++) {
		pid_t ended;

		do
			ended = waitpid(-1, NULL, __WALL | WNOHANG);
		while (ended > 0);
		// When some are left it is 0, and errno what it was before.
		if (ended < 0 && errno == ECHILD)
			return true;
		usleep(10000);
	}
	return false;
}

/** @return What the child ended with; -1 when it left a process. */
static int run_round(const char *path, size_t round)
{
	int status = 0;

	(void)fflush(stdout);
	const pid_t pid = fork();
	if (pid < 0) {
		perror("fork");
		exit(2);
	}
	if (!pid) {
		alarm(RS_ROUND_SECONDS);
		exit(look(path, round)); // with the leak check, if there is one
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return nothing_left() ? status : -1;
}

/** The flips of one round; a second time takes them back. */
static void spoil(int fd, enum rs_aim kind, uint64_t seed)
{
	const size_t n = rs_vec_count(&places[kind], struct place);
	const struct place *place = rs_vec_items(&places[kind], struct place);

	state = seed;
	for (uint64_t left = 1 + number(RS_MAX_FLIPS); left; left--) {
		const struct place *p = &place[number(n)];
		const uint64_t at = p->at + number(p->size);

		flip(fd, at, (unsigned)number(8));
	}
}

static size_t
all_rounds(int fd, const char *path, size_t rounds, const char *only)
{
	uint64_t longest = 0;
	size_t failed = 0;

	for (size_t i = 0; i < rounds; i++) {
		const uint64_t seed = state, start = now_ms();
		const enum rs_aim kind = (enum rs_aim)(i % RS_KINDS);

		spoil(fd, kind, seed);
		if (only && i != strtoul(only, NULL, 10)) {
			spoil(fd, kind, seed);
			continue;
		}
		const int status = run_round(path, i);
		spoil(fd, kind, seed);
		const uint64_t took = now_ms() - start;
		longest = took > longest ? took : longest;
		if (took > RS_SLOW_MS)
			(void)printf("slow: round %zu, kind %d, %llu ms\n", i,
				     (int)kind, (unsigned long long)took);
		if (WIFEXITED(status) && WEXITSTATUS(status) == RS_ANSWERED) {
			tally->answered++;
		} else if (WIFEXITED(status) &&
			   WEXITSTATUS(status) == RS_REFUSED) {
			tally->refused++;
		} else {
			failed++;
			(void)printf("FAILED: round %zu, kind %d, %llu ms: "
				     "wait status %#x\n",
				     i, (int)kind, (unsigned long long)took,
				     (unsigned)status);
			if (status == -1)
				break; // the next would be blamed for it
		}
	}
	(void)printf("%u answered, %u refused, %zu failed; %u asked, %u not, "
		     "%u with a function stopped, %u with a broken list; "
		     "%u interrupted; longest %llu ms\n",
		     tally->answered, tally->refused, failed, tally->asked,
		     tally->not_traversed, tally->stopped, tally->broken,
		     tally->interrupted, (unsigned long long)longest);
	return failed;
}

int main(int argc, char **argv)
{
	if (argc < 4 || argc > 5) {
		(void)fputs("usage: fuzz_ask CORE ROUNDS SEED [ROUND]\n",
			    stderr);
		return 2;
	}
	const int fd = open(argv[1], O_RDWR | O_CLOEXEC);
	if (fd < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)) {
		perror(argv[1]);
		return 2;
	}
	tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (tally == MAP_FAILED || !aim(argv[1]))
		return 2;
	state = strtoull(argv[3], NULL, 10) * 2 + 1;
	const size_t failed =
		all_rounds(fd, argv[1], strtoul(argv[2], NULL, 10), argv[4]);
	for (int kind = 0; kind < RS_KINDS; kind++)
		rs_vec_fini(&places[kind]);
	close(fd);
	return failed ? 1 : 0;
}
