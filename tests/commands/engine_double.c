// SPDX-License-Identifier: MIT
/**
 * @file
 * A stand-in for the engine: it tells how it was called.
 *
 * Each answer is {"call":"count","object":"0x..","limit":N,...}, so that the
 * tests see what the commands make of what a user writes. rs_answer_types()
 * works until the progress callback stops it; with $DOUBLE_INTERRUPTS it is
 * itself who presses Ctrl-C, once it has been at work for a second, so that no
 * test has to guess when that is. rs_answer_garbage() reads the target through
 * the callback that it was opened with.
 */
#include "refscope/engine.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct rs_error {
	enum rs_code code;
	char message[512];
};

struct rs_session {
	char opened[512];
	rs_read_fn read;
	struct rs_range range;
	struct rs_open_options options;
};

enum {
	RS_LONGEST_SECONDS = 300, // should nobody stop it
	RS_TICKS_A_SECOND = 1000, // at most
};

static struct rs_error *fail(enum rs_code code, const char *message)
{
	struct rs_error *err = calloc(1, sizeof(*err));
	if (!err)
		abort();
	err->code = code;
	(void)snprintf(err->message, sizeof(err->message), "%s", message);
	return err;
}

RS_PRINTF(2, 3)
static struct rs_error *answer(char **ret, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	int length = vasprintf(ret, format, list);
	va_end(list);
	return length < 0 ? fail(RS_ENOMEM, "out of memory") : NULL;
}

enum rs_code rs_error_code(const struct rs_error *err)
{
	return err->code;
}

const char *rs_error_message(const struct rs_error *err)
{
	return err->message;
}

void rs_error_free(struct rs_error *err)
{
	free(err);
}

const char *rs_engine_version(void)
{
	return "0.1.0";
}

int rs_engine_abi(void)
{
	const char *other = getenv("DOUBLE_ABI");

	return other ? (int)strtol(other, NULL, 10) : RS_ENGINE_ABI;
}

static struct rs_error *opened(const struct rs_open_options *options,
			       struct rs_session **ret, const char *how,
			       const char *what)
{
	const char *refuse = getenv("DOUBLE_REFUSES");
	if (refuse)
		return fail(RS_ENOTFOUND, refuse);
	struct rs_session *session = calloc(1, sizeof(*session));
	if (!session)
		return fail(RS_ENOMEM, "out of memory");
	(void)snprintf(session->opened, sizeof(session->opened), "%s %s", how,
		       what);
	session->options = *options;
	*ret = session;
	return NULL;
}

struct rs_error *rs_session_open_core(const char *path,
				      const struct rs_open_options *options,
				      struct rs_session **ret)
{
	return opened(options, ret, "core", path);
}

struct rs_error *rs_session_open_live(pid_t pid,
				      const struct rs_open_options *options,
				      struct rs_session **ret)
{
	return opened(options, ret, "live", pid > 0 ? "process" : "nothing");
}

struct rs_error *rs_session_open_callback(rs_read_fn read, void *context,
					  const struct rs_range *range,
					  size_t ranges,
					  const struct rs_open_options *options,
					  struct rs_session **ret)
{
	(void)context;
	char what[64];
	(void)snprintf(what, sizeof(what), "%s",
		       ranges > 5 ? "many ranges" : "few ranges");
	struct rs_error *err = opened(options, ret, "callback", what);
	if (!err) {
		(*ret)->read = read;
		(*ret)->range = *range;
	}
	return err;
}

void rs_session_close(struct rs_session *session)
{
	free(session);
}

void rs_text_free(char *text)
{
	free(text);
}

struct rs_error *rs_answer_info(struct rs_session *session, char **ret)
{
	const struct rs_open_options *o = &session->options;
	return answer(ret, "{\"call\":\"info\",\"opened\":\"%s\",\"exec\":%s}",
		      session->opened, o->exec ? "true" : "false");
}

struct rs_error *rs_answer_count(struct rs_session *session, uint64_t object,
				 uint64_t limit, char **ret)
{
	(void)session;
	return answer(ret,
		      "{\"call\":\"count\",\"object\":\"0x%" PRIx64
		      "\",\"limit\":%" PRIu64 "}",
		      object, limit);
}

/** The one answer with every member, of a hostile object. */
struct rs_error *rs_answer_show(struct rs_session *session, uint64_t object,
				uint64_t limit, char **ret)
{
	(void)session;
	(void)limit;
	return answer(ret,
		      "{\"object\":{\"id\":\"0x%" PRIx64
		      "\",\"type\":\"sp\xc3\xa9\","
		      "\"count\":1,\"size\":16,\"gc\":\"none\",\"text\":"
		      "\"\\u001b[31m\\ud800\",\"runtime\":\"cpython\"},"
		      "\"flags\":[],\"generation\":null,\"unreachable\":false,"
		      "\"references\":[],\"total\":0,\"limited\":false}",
		      object);
}

struct rs_error *rs_answer_reachable(struct rs_session *session,
				     uint64_t object, uint32_t depth, bool list,
				     uint64_t limit, char **ret)
{
	(void)session;
	return answer(ret,
		      "{\"call\":\"reachable\",\"object\":\"0x%" PRIx64
		      "\",\"depth\":%" PRIu32 ",\"list\":%d,\"limit\":%" PRIu64
		      "}",
		      object, depth, list, limit);
}

struct rs_error *rs_answer_referrers(struct rs_session *session,
				     uint64_t object, uint32_t depth,
				     uint64_t limit, char **ret)
{
	(void)session;
	return answer(ret,
		      "{\"call\":\"referrers\",\"object\":\"0x%" PRIx64
		      "\",\"depth\":%" PRIu32 ",\"limit\":%" PRIu64 "}",
		      object, depth, limit);
}

struct rs_error *rs_answer_why(struct rs_session *session, uint64_t object,
			       uint64_t limit, char **ret)
{
	(void)session;
	(void)object;
	(void)limit;
	(void)ret;
	return fail(RS_ENOTFOUND, "no object at 0x10: nothing is mapped there");
}

struct rs_error *rs_answer_collect(struct rs_session *session, int generation,
				   const char *rules, uint64_t limit,
				   char **ret)
{
	(void)session;
	return answer(ret,
		      "{\"call\":\"collect\",\"generation\":%d,"
		      "\"rules\":\"%s\",\"limit\":%" PRIu64 "}",
		      generation, rules ? rules : "own", limit);
}

struct rs_error *rs_answer_cycles(struct rs_session *session, bool alive,
				  uint64_t limit, char **ret)
{
	(void)session;
	return answer(
		ret, "{\"call\":\"cycles\",\"alive\":%d,\"limit\":%" PRIu64 "}",
		alive, limit);
}

struct rs_error *rs_answer_cycles_of(struct rs_session *session,
				     uint32_t finding, uint64_t limit,
				     char **ret)
{
	(void)session;
	return answer(ret,
		      "{\"call\":\"cycles_of\",\"finding\":%" PRIu32
		      ",\"limit\":%" PRIu64 "}",
		      finding, limit);
}

/** A finding 7, about the object at 0x70. */
struct rs_error *rs_answer_leaks(struct rs_session *session, bool all,
				 uint64_t limit, char **ret)
{
	(void)session;
	return answer(ret,
		      "{\"call\":\"leaks\",\"all\":%d,\"limit\":%" PRIu64
		      ",\"findings\":[{\"finding\":7,\"example\":"
		      "{\"id\":\"0x70\"}}]}",
		      all, limit);
}

/** Reads the first page through the callback, then over the range's end. */
struct rs_error *
rs_answer_garbage(struct rs_session *session, uint64_t limit, char **ret)
{
	(void)limit;
	const struct rs_range *range = &session->range;
	static unsigned char page[16384];
	uint64_t first = 0, wild = 0;
	if (session->read) {
		first = session->read(NULL, range->start, page, 4096);
		wild = session->read(NULL, 16, page, sizeof(page));
	}
	return answer(ret,
		      "{\"call\":\"garbage\",\"first\":%" PRIu64
		      ",\"wild\":%" PRIu64 ",\"elf\":%d,\"prot\":%" PRIu32
		      ",\"path\":%s}",
		      first, wild, memcmp(page, "\177ELF", 4) == 0, range->prot,
		      range->path ? "true" : "false");
}

static void interrupt_at(uint64_t tick)
{
	if (tick == RS_TICKS_A_SECOND && getenv("DOUBLE_INTERRUPTS"))
		(void)kill(getpid(), SIGINT);
}

/** Works until it is stopped. */
struct rs_error *rs_answer_types(struct rs_session *session, const char *sort,
				 uint64_t limit, char **ret)
{
	(void)sort;
	(void)limit;
	struct timespec pause = {0, 1000000000 / RS_TICKS_A_SECOND};
	time_t start = time(NULL);
	for (uint64_t n = 1; time(NULL) - start < RS_LONGEST_SECONDS; n++) {
		nanosleep(&pause, NULL);
		interrupt_at(n);
		if (!session->options.progress(
			    session->options.progress_context, "waiting", n,
			    1000000))
			return fail(RS_EINTERRUPTED,
				    "interrupted while waiting");
	}
	return answer(ret, "{\"call\":\"types\"}");
}

struct rs_error *rs_answer_ledger(struct rs_session *session, char **ret)
{
	(void)session;
	return answer(ret, "{\"call\":\"ledger\"}");
}

struct rs_error *rs_answer_objects(struct rs_session *session,
				   const struct rs_objects_options *options,
				   char **ret)
{
	const struct rs_objects_options *o = options;

	(void)session;
	return answer(ret,
		      "{\"call\":\"objects\",\"type\":\"%s\","
		      "\"module\":\"%s\",\"generations\":%" PRIu32
		      ",\"least\":%" PRIu64 ",\"most\":%" PRIu64
		      ",\"sort\":\"%s\",\"limit\":%" PRIu64
		      ",\"size\":%d,\"finding\":%" PRIu32
		      ",\"unexplained\":%d,\"over\":%d}",
		      o->type ? o->type : "any", o->module ? o->module : "any",
		      o->generations, o->size_least, o->size_most, o->sort,
		      o->limit, o->size == sizeof(*o), o->finding,
		      o->unexplained, o->over);
}

struct rs_error *
rs_answer_verify(struct rs_session *session, uint64_t limit, char **ret)
{
	(void)session;
	return answer(ret, "{\"call\":\"verify\",\"limit\":%" PRIu64 "}",
		      limit);
}

struct rs_error *rs_answer_repr(struct rs_session *session, uint64_t object,
				uint32_t timeout_ms, uint64_t limit, char **ret)
{
	(void)session;
	return answer(ret,
		      "{\"call\":\"repr\",\"object\":\"0x%" PRIx64
		      "\",\"timeout\":%" PRIu32 ",\"limit\":%" PRIu64 "}",
		      object, timeout_ms, limit);
}

struct rs_error *rs_answer_eval(struct rs_session *session, const char *code,
				uint64_t object, int64_t interpreter,
				uint32_t timeout_ms, uint64_t limit, char **ret)
{
	(void)session;
	return answer(ret,
		      "{\"call\":\"eval\",\"code\":\"%s\","
		      "\"object\":\"0x%" PRIx64 "\",\"interpreter\":%" PRId64
		      ",\"timeout\":%" PRIu32 ",\"limit\":%" PRIu64 "}",
		      code, object, interpreter, timeout_ms, limit);
}

struct rs_error *rs_answer_rehearse_collect(struct rs_session *session,
					    int generation, int64_t interpreter,
					    uint32_t timeout_ms, uint64_t limit,
					    char **ret)
{
	(void)session;
	return answer(ret,
		      "{\"call\":\"rehearse_collect\",\"generation\":%d,"
		      "\"interpreter\":%" PRId64 ",\"timeout\":%" PRIu32
		      ",\"limit\":%" PRIu64 "}",
		      generation, interpreter, timeout_ms, limit);
}

struct rs_error *
rs_answer_rehearse_cut(struct rs_session *session, uint32_t cycle,
		       uint32_t edge, int64_t interpreter, uint32_t timeout_ms,
		       uint64_t limit, char **ret)
{
	(void)session;
	return answer(ret,
		      "{\"call\":\"rehearse_cut\",\"cycle\":%" PRIu32
		      ",\"edge\":%" PRIu32 ",\"interpreter\":%" PRId64
		      ",\"timeout\":%" PRIu32 ",\"limit\":%" PRIu64 "}",
		      cycle, edge, interpreter, timeout_ms, limit);
}

struct rs_error *
rs_answer_rehearse_drop(struct rs_session *session, uint64_t object,
			const char *label, int64_t interpreter,
			uint32_t timeout_ms, uint64_t limit, char **ret)
{
	(void)session;
	return answer(ret,
		      "{\"call\":\"rehearse_drop\",\"object\":\"0x%" PRIx64
		      "\",\"label\":\"%s\",\"interpreter\":%" PRId64
		      ",\"timeout\":%" PRIu32 ",\"limit\":%" PRIu64 "}",
		      object, label, interpreter, timeout_ms, limit);
}

struct rs_error *rs_answer_call_facts(struct rs_session *session, char **ret)
{
	(void)session;
	return answer(ret, "{\"call\":\"call_facts\"}");
}

struct rs_error *rs_answer_tracker_facts(struct rs_session *session, char **ret)
{
	(void)session;
	return answer(ret, "{\"call\":\"tracker_facts\"}");
}

struct rs_error *
rs_answer_held_locks(struct rs_session *session, pid_t pid, char **ret)
{
	(void)session;
	return answer(ret, "{\"call\":\"held_locks\",\"pid\":%d}", (int)pid);
}

struct rs_error *rs_answer_act(struct rs_session *session, struct rs_act *act,
			       uint64_t limit, char **ret)
{
	(void)session;
	(void)act;
	return answer(ret, "{\"call\":\"act\",\"limit\":%" PRIu64 "}", limit);
}

struct rs_error *rs_answer_break(struct rs_session *session, uint32_t cycle,
				 uint32_t edge, uint64_t limit, char **ret)
{
	(void)session;
	return answer(ret,
		      "{\"call\":\"break\",\"cycle\":%" PRIu32
		      ",\"edge\":%" PRIu32 ",\"limit\":%" PRIu64 "}",
		      cycle, edge, limit);
}

struct rs_error *rs_act_begin(struct rs_session *session,
			      const struct rs_act_request *request,
			      struct rs_act **ret)
{
	(void)session;
	(void)request;
	(void)ret;
	return fail(RS_EUNSUPPORTED, "nothing is called");
}

struct rs_error *rs_act_look(struct rs_act *act, struct rs_act_result *ret)
{
	(void)act;
	(void)ret;
	return NULL;
}

struct rs_error *rs_act_cancel(struct rs_act *act, bool *ret)
{
	(void)act;
	*ret = false;
	return NULL;
}

struct rs_error *rs_act_end(struct rs_act *act, int64_t tid, bool *ret)
{
	(void)act;
	(void)tid;
	*ret = true;
	return NULL;
}

struct rs_error *rs_answer_gc(struct rs_session *session, char **ret)
{
	return answer(ret, "{\"call\":\"gc\",\"exact\":%d}",
		      (int)session->options.exact);
}

/** Every name but "missing" is at 0x4242. */
struct rs_error *
rs_answer_resolve(struct rs_session *session, const char *name, char **ret)
{
	(void)session;
	if (strcmp(name, "missing") == 0)
		return fail(RS_ENOTFOUND, "no module missing");
	return answer(ret, "{\"object\":{\"id\":\"0x4242\"}}");
}

/** "sys.modules" and "sys.path", twice. */
struct rs_error *rs_answer_names(struct rs_session *session, const char *text,
				 uint64_t limit, char **ret)
{
	(void)session;
	(void)text;
	(void)limit;
	return answer(ret, "{\"names\":[\"sys.path\",\"sys.modules\","
			   "\"sys.path\"]}");
}

struct rs_error *
rs_number_count(struct rs_session *session, uint64_t object, int64_t *ret)
{
	(void)session;
	*ret = (int64_t)object;
	return NULL;
}

struct rs_error *
rs_number_unexplained(struct rs_session *session, uint64_t object, int64_t *ret)
{
	(void)session;
	(void)object;
	*ret = -1;
	return NULL;
}

struct rs_error *
rs_number_reachable(struct rs_session *session, uint64_t object, int64_t *ret)
{
	(void)session;
	(void)object;
	*ret = 7;
	return NULL;
}

struct rs_error *
rs_number_garbage(struct rs_session *session, uint64_t object, int64_t *ret)
{
	(void)session;
	(void)object;
	(void)ret;
	return fail(RS_ENOTFOUND, "no object there");
}

struct rs_error *
rs_number_address(struct rs_session *session, const char *name, int64_t *ret)
{
	(void)session;
	if (strcmp(name, "missing") == 0)
		return fail(RS_ENOTFOUND, "no module missing");
	*ret = 0x4242;
	return NULL;
}

/** As a core, a session cannot be renewed. */
struct rs_error *rs_session_renew(struct rs_session *session)
{
	(void)session;
	return fail(RS_EUNSUPPORTED, "open it again");
}

struct rs_error *
rs_now_count(struct rs_session *session, uint64_t object, int64_t *ret)
{
	(void)session;
	(void)object;
	(void)ret;
	return fail(RS_EARGUMENT, "not renewed");
}

struct rs_error *
rs_now_find(struct rs_session *session, const char *name, int64_t *ret)
{
	(void)session;
	(void)name;
	(void)ret;
	return fail(RS_EARGUMENT, "not renewed");
}

struct rs_error *rs_export_jsonl(struct rs_session *session, const char *path,
				 bool labels, char **ret)
{
	(void)session;
	return answer(ret,
		      "{\"file\":\"%s\",\"objects\":%d,\"references\":0,"
		      "\"bytes\":0}",
		      path, labels);
}

/** What it finds for a file of the target, for the test of find_file. */
struct rs_error *rs_export_dot(struct rs_session *session, const char *path,
			       uint64_t object, uint32_t depth, uint64_t limit,
			       char **ret)
{
	const struct rs_open_options *o = &session->options;
	const char *found = o->find_file(o->find_file_context, path, NULL, 0);
	return answer(ret,
		      "{\"file\":\"%s\",\"object\":\"0x%" PRIx64
		      "\",\"depth\":%" PRIu32 ",\"limit\":%" PRIu64
		      ",\"found\":\"%s\"}",
		      path, object, depth, limit, found ? found : "");
}
