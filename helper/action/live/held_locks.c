// SPDX-License-Identifier: MIT
//
// rs_answer_held_locks(): mutexes of libc's that threads of a live process
// hold.
#include "action/live/act.h"
#include "answer/describe/report.h"
#include "base/cleanup.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
	RS_HELD_MAX = 64, // that are listed
	RS_SCANNED_MOST = 1 << 30, // bytes
	RS_PIECE = 1 << 20,
	// Source: glibc, nptl: __lock, __count, __owner, __nusers, __kind,
	// __spins and __elision, __list (two pointers).
	RS_MUTEX_WORDS = 10,
	RS_KIND = 0x17f, // type, elision, robust, protocol
	RS_ROBUST = 0x10, // it is in a list
	RS_NESTED_MOST = 1000, // of a recursive one
};

struct held {
	uint64_t address;
	pid_t tid;
};

struct search {
	pid_t pid;
	struct rs_vec tid; // pid_t
	struct rs_vec found; // struct held
	uint64_t scanned;
	bool complete;
	uint8_t *piece; // owned
	uint64_t python_int; // address of PyLong_Type; 0: there is none
};

static struct rs_error *list_threads(struct search *s)
{
	char name[64];
	const struct dirent *entry;

	(void)snprintf(name, sizeof(name), "/proc/%d/task", (int)s->pid);
	DIR *tasks = opendir(name);
	if (!tasks)
		return rs_error_new(RS_EIO, "%s cannot be read", name);
	while ((entry = readdir(tasks))) {
		const pid_t tid = (pid_t)strtol(entry->d_name, NULL, 10);
		pid_t *slot =
			tid > 0 ? rs_vec_push(&s->tid, sizeof(*slot)) : NULL;
		if (slot)
			*slot = tid;
	}
	(void)closedir(tasks);
	return NULL;
}

static bool is_thread(const struct search *s, uint32_t word)
{
	const pid_t *tid = rs_vec_items(&s->tid, const pid_t);
	const size_t n = rs_vec_count(&s->tid, pid_t);

	for (size_t i = 0; i < n; i++)
		if ((uint32_t)tid[i] == word)
			return true;
	return false;
}

static bool is_held(const struct search *s, const uint32_t *w)
{
	return (w[0] == 1 || w[0] == 2) && w[2] && w[3] &&
	       w[1] <= RS_NESTED_MOST && w[3] <= rs_vec_count(&s->tid, pid_t) &&
	       !(w[4] & ~(uint32_t)RS_KIND) &&
	       (w[4] & RS_ROBUST || !(w[6] | w[7] | w[8] | w[9])) &&
	       is_thread(s, w[2]);
}

// Whether it is a Python int of one digit, the number of the process: its type
// stands before its size.
static bool is_int(const struct search *s, const uint8_t *p, size_t i)
{
	uint64_t type = 0;

	if (i >= sizeof(type))
		memcpy(&type, p + i - sizeof(type), sizeof(type));
	return type && type == s->python_int;
}

static void
look_at(struct search *s, uint64_t address, const uint8_t *p, size_t size)
{
	for (size_t i = 0; i + RS_MUTEX_WORDS * 4 <= size; i += 8) {
		uint32_t w[RS_MUTEX_WORDS];

		memcpy(w, p + i, sizeof(w));
		if (!is_held(s, w) || is_int(s, p, i) ||
		    rs_vec_count(&s->found, struct held) == RS_HELD_MAX)
			continue;
		struct held *h = rs_vec_push(&s->found, sizeof(*h));
		if (h)
			*h = (struct held){address + i, (pid_t)w[2]};
	}
}

// Pieces overlap by less than a mutex.
static struct rs_error *look_in(struct search *s, uint64_t start, uint64_t end,
				const struct rs_progress *progress)
{
	const uint64_t overlap = (RS_MUTEX_WORDS * 4 + 7) & ~7ULL;

	for (uint64_t at = start; at < end; at += RS_PIECE - overlap) {
		const size_t size = end - at < RS_PIECE ? end - at : RS_PIECE;
		const struct iovec here = {s->piece, size};
		const struct iovec there = {(void *)at, size};
		struct rs_error *err = rs_progress_tick(
			progress, "looking for locks", s->scanned, 0);

		if (err)
			return err;
		if (s->scanned >= RS_SCANNED_MOST) {
			s->complete = false;
			return NULL;
		}
		const ssize_t got =
			process_vm_readv(s->pid, &here, 1, &there, 1, 0);
		if (got > 0)
			look_at(s, at, s->piece, (size_t)got);
		s->scanned += size;
	}
	return NULL;
}

static struct rs_error *
look_everywhere(const struct rs_session *session, struct search *s)
{
	const struct rs_memory *memory = session->memory;
	struct rs_error *err = NULL;

	for (size_t i = 0; !err && i < memory->segments; i++) {
		const struct rs_segment *segment = &memory->segment[i];

		if (segment->prot & PROT_WRITE && !segment->from_file)
			err = look_in(s, segment->start, segment->end,
				      &session->progress);
	}
	return err;
}

static void write_held(const struct search *s, struct rs_json *json)
{
	const struct held *h = rs_vec_items(&s->found, const struct held);
	const size_t n = rs_vec_count(&s->found, struct held);

	rs_json_begin_object(json);
	rs_json_key(json, "held");
	rs_json_begin_array(json);
	for (size_t i = 0; i < n; i++) {
		rs_json_begin_object(json);
		rs_json_key_address(json, "id", h[i].address);
		rs_json_key_int(json, "thread", h[i].tid);
		rs_json_end_object(json);
	}
	rs_json_end_array(json);
	rs_json_key_bool(json, "complete", s->complete);
	rs_json_end_object(json);
}

struct rs_error *
rs_answer_held_locks(struct rs_session *session, pid_t pid, char **ret)
{
	RS_NEED_SESSION(session);
	struct search s = {.pid = pid, .complete = true};
	struct rs_error *err = rs_session_check(session);
	struct rs_json json;

	if (err)
		return err;
	if (session->memory->is_core || pid <= 0)
		return rs_error_new(RS_EUNSUPPORTED,
				    "%s: only a process on this machine is "
				    "searched for locks",
				    session->source);
	rs_error_free(rs_memory_symbol(session->memory, NULL, "PyLong_Type",
				       &s.python_int, NULL));
	s.piece = malloc(RS_PIECE);
	err = s.piece ? list_threads(&s) : &rs_enomem;
	if (!err)
		err = look_everywhere(session, &s);
	rs_json_init(&json, -1);
	if (!err)
		write_held(&s, &json);
	free(s.piece);
	rs_vec_fini(&s.tid);
	rs_vec_fini(&s.found);
	return rs_report_end(session, &json, err, ret);
}
