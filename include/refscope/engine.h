// SPDX-License-Identifier: MIT
/**
 * @file
 * The engine: open a paused process or a core, ask, read the answer as JSON.
 *
 * Every rs_answer_*() gives one JSON object on one line, the same that the
 * GDB commands print with -json. Members may be added in later releases; none
 * changes its meaning or goes away. JSON schemas of all answers stand beside
 * this header, in schema/ (installed in share/refscope/schema). Addresses are
 * strings ("0x7f.."), lower case. A session reads only: it never writes to the
 * target and never runs code in it. (Of a core, code runs in an image of it: a
 * jailed process that lasts as long as the question. See enum rs_exact,
 * rs_answer_verify(), _repr() and _eval().) A session belongs to one thread and
 * to one stop of the target: once the target has run, close it and open
 * another.
 *
 * Where an answer tells an object, it is an OBJECT:
 *
 *     {"id":"0x..","type":"dict","count":3,"size":232,
 *      "gc":"tracked"|"untracked"|"none","text":"{'a': 1, ...}",
 *      "runtime":"cpython"|"native","of":"module os"}
 *
 * "count" is the decoded reference count; null for an immortal object, whose
 * count means nothing (3.12 and later, and what 3.11 has in its executable).
 * "size" in bytes with the object's own tables. "text" is a short form made by
 * reading, of at most 200 bytes. "of" is there for a dict when count, show,
 * referrers, why or cycles tell it and it is known whose it is: the own dict
 * of a module, class, function or other object ("module os", "class m.Foo",
 * "function f", "Foo 0x.."), or held by a field of the interpreter or a thread
 * ("sys.modules").
 *
 * Every answer has two members that say how the references behind it were
 * had (enum rs_exact), for rs_answer_verify() those of its objects:
 *
 *     "learned":"read"|"asked","unasked":N
 *
 * "read": all by reading. "asked": types told those of their objects, all that
 * are tracked or, when the engine chose, those that reading would guess at.
 * unasked counts objects whose types were to tell and could not (their
 * function was stopped; no image could be made: rs_answer_info() names the
 * problem): there, what was read stands.
 *
 * Each of these is there too where there is something to say:
 *
 *     "collecting":true                    the stop was inside a collection
 *     "unread":{"objects":N,"types":[{"type":"..","objects":N},..]}
 *                                          C programs' objects whose traverse
 *                                          callbacks were not called, so that
 *                                          what they hold is not known; at
 *                                          most 5 types. What only they could
 *                                          hold is not called unreachable.
 *     "in_transit":N                       tracked objects of C programs with
 *                                          a count of 0 or less: being torn
 *                                          down, or not yet held; in use
 *     "unknown":N                          tracked objects that cannot be
 *                                          read, or were freed or overwritten:
 *                                          taken as in use; the first ones are
 *                                          among the "problems" of info
 *     "incomplete":true                    objects could not be found
 *     "problems":[".."]                    a line for each limit that was
 *                                          reached, damaged list and the like
 *                                          that may make the answer wrong; of
 *                                          rs_answer_info() all, what does no
 *                                          harm too
 */
#ifndef REFSCOPE_ENGINE_H
#define REFSCOPE_ENGINE_H

#include "refscope/callbacks.h"
#include "refscope/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rs_session;

/**
 * How references of CPython objects are learned. Reading decodes an object's
 * memory by the layout of its type. Asking lets the tp_traverse function of
 * each tracked object's type tell its strong references, in an image of a
 * core: exact for types of any extension. Labels, sizes, roots and references
 * that are owned or weak come from reading either way.
 */
enum rs_exact {
	// Ask where reading would guess: for a core, objects of types that are
	// in no table, and modules with state in C. All else is read, as is a
	// target that is no core; so is what could not be asked, or must not
	// be without consent (rs_open_options.run).
	RS_EXACT_AUTO = 0,
	// Ask for every tracked object. Questions about references fail where
	// that cannot be: RS_EUNSUPPORTED (no core, another machine, no
	// seccomp), RS_ENOTFOUND (no CPython), RS_EBAD (it cannot be asked).
	RS_EXACT_ON = 1,
	RS_EXACT_OFF = 2, // read
};

/**
 * Number of this interface. It goes up, and with it the library's SONAME, when
 * a program built with an older engine.h could not use the library any more.
 * Functions and, at the end of structs that begin with their size, members are
 * added without that. Commands for GDB compare it with rs_engine_abi().
 */
#define RS_ENGINE_ABI 1

/**
 * How to open. Set `size`; all else may be 0. Text is copied; the functions may
 * be called until the session is closed, always by the thread that called in.
 */
struct rs_open_options {
	/** sizeof(struct rs_open_options). Errors: RS_EARGUMENT when it is not
	 * set; RS_EUNSUPPORTED when an option is set that the library, older
	 * than the caller's engine.h, does not know. */
	size_t size;
	const char *exec; /**< Executable on disk, or NULL. */
	const char *sysroot; /**< Prefix for the target's paths, or NULL. */
	rs_find_file_fn find_file; /**< May be NULL. */
	void *find_file_context;
	rs_progress_fn progress; /**< May be NULL. */
	void *progress_context;
	/** Asked last, when no place has the file; may take its time. */
	rs_find_file_fn fetch_file; /**< May be NULL. */
	void *fetch_file_context;
	enum rs_exact exact;
	rs_find_field_fn find_field; /**< May be NULL. */
	void *find_field_context;
	/**
	 * Bytes that an image of a core may make its own; 0: a quarter of the
	 * free memory, at most 1 GiB. Less than 16 MiB counts as that.
	 */
	uint64_t run_memory;
	/**
	 * Consent to run any code of a core. Without it, rs_exact and
	 * rs_answer_verify() call only functions of files whose build-id agrees
	 * with the core, and no byte of the core itself is executable; objects
	 * of other functions count as "unasked". rs_answer_repr() and _eval()
	 * run code of the core whenever they are called.
	 */
	bool run;
};

/** @return The version of this library: "0.1.0". Static. */
RS_PUBLIC const char *rs_engine_version(void);

/** @return RS_ENGINE_ABI of the engine.h that this library was built with. */
RS_PUBLIC int rs_engine_abi(void);

/**
 * Open the core file at @p path.
 * Errors: RS_EIO; RS_EBAD (not a core); RS_ENOTFOUND (neither a CPython nor a
 * registry of the helper in it); RS_EUNSUPPORTED (a CPython not known);
 * RS_EINTERRUPTED (find_field said so).
 */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_session_open_core(const char *path, const struct rs_open_options *options,
		     struct rs_session **ret);

/** Open the stopped process @p pid. Errors: as for a core. */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_session_open_live(pid_t pid, const struct rs_open_options *options,
		     struct rs_session **ret);

/** Open whatever @p read can read. Errors: as for a core. */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_session_open_callback(rs_read_fn read, void *context,
			 const struct rs_range *range, size_t ranges,
			 const struct rs_open_options *options,
			 struct rs_session **ret);

/*
 * While a session is open the process's SIGBUS is handled: a page of a mapped
 * file that goes away is an error of the next answer, and not the end. What
 * does not concern such a file is left to the handler that was there.
 */

/** NULL is allowed. */
RS_PUBLIC void rs_session_close(struct rs_session *session);

/** Free an answer. NULL is allowed. */
RS_PUBLIC void rs_text_free(char *text);

/**
 * Every rs_answer_*(): @param[out] ret The answer, owned by the caller
 * (rs_text_free()); untouched on error. Errors: RS_ENOMEM; RS_EINTERRUPTED;
 * RS_EARGUMENT when session is NULL, as after closing;
 * RS_ENOTFOUND when the address asked for holds no object (the message says
 * what lies there and the nearest object); RS_EIO when a core's file was
 * changed since it was opened: it is to be opened again. A @p limit is the most
 * entries of each list in the answer; 0: all. "limited" says whether any was
 * cut.
 */

/**
 * {"source":"core F","runtimes":[{"name":"cpython","version":"3.11.7",
 *   "layout":"table 3.11.7","module":"/usr/bin/python3.11",
 *   "interpreters":N,
 *   "allocator":{"name":"pymalloc"|"pymalloc_debug"|"malloc"|"mimalloc"|
 *     "mimalloc_debug","arenas":N,"pools":N,"blocks":N,"objects":N,
 *     "free_list":N,"other":N,"large":N|null}|null,
 *   "threads":[{"tid":N,"ident":"0x..","interpreter":N,"holds_gil":bool,
 *     "frames":[{"function":"f","file":"x.py","line":N}]}],
 *   "gc":{as in rs_answer_gc}}],
 *  "objects":N,"tracked":N,"references":N,"bytes":N,"dropped":N,
 *  "asked":N,"problems":["..."],
 *  "dangling":{"references":N,"holders":[{"object":OBJECT,"references":N,
 *    "label":"[1]","target":"0x..","there":"a freed object, once a Foo"}],
 *    "limited":bool},
 *  "count_zero":[{"object":OBJECT,"references":N}]}
 * dangling, if there are any: counted references that lead to no object, by
 * the container that holds them, with the first of each. count_zero, if there
 * are any: objects that are never freed (None) and have a count of 0, with
 * the number of references to each.
 * asked: objects whose types told their references. "native" has "callbacks":N
 * as well: its objects with a traverse callback, whose references reading can
 * only guess where no field describes them.
 * layout: where the offsets of its structs are from: the built-in "table" and
 * the release of its row, which may be another's of the same minor version that
 * the target's own sizes agree with, or "debug info" (find_field), or "its own
 * _Py_DebugOffsets alone"; and how many of them the target's own table of
 * offsets corrected, and whether more were found by probing.
 * Objects are all that a collector tracks, that lie in CPython's arenas or
 * heaps, or that a root or any of these leads to, tracked or not. allocator:
 * what CPython has handed out for small objects: blocks is the sum of objects,
 * of free_list (dead, kept to be used again) and of other (tables of dicts and
 * lists, buffers); large counts those too large for an arena, null when not
 * known. blocks + large is what sys.getallocatedblocks() returns. Without
 * arenas (PYTHONMALLOC=malloc) the name is "malloc" and all are 0. Of
 * free-threaded builds the heaps of all threads are told, of those that have
 * ended too: arenas are mimalloc's segments, pools its pages, and large is 0,
 * as all blocks are in them, whatever their size.
 * Of a CPython that is laid out like none that is known there may still be its
 * version, interpreters, threads and frames: its "gc" is null, one of the
 * problems says why, and with no other runtime the numbers from objects to
 * dropped are null and every other question is RS_EUNSUPPORTED.
 */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_answer_info(struct rs_session *session, char **ret);

/**
 * The ledger. Holders are grouped by nothing: one entry a reference.
 *
 * {"object":OBJECT,"count":N|null,"named":N,"unexplained":N,
 *  "holders":[{"kind":"strong"|"owned"|"guess","label":"['key']",
 *    "object":OBJECT} | {"kind":"root","root":"local buf in f (x.py:3)",
 *    "from":"local","slot":"0x.."}],
 *  "weak":N,"guesses":N,"shown":N,"limited":bool}
 * "from" of a root is the "kind" of rs_answer_why().
 * named counts strong, owned and root entries, shown or not; unexplained is
 * count - named (negative: named more often than counted); 0 when immortal.
 */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_answer_count(struct rs_session *session, uint64_t object, uint64_t limit,
		char **ret);

/**
 * {"object":OBJECT,"flags":["tracked","finalizer",..],"generation":0|1|2|3|null,
 *  "unreachable":bool,"references":[{"kind":..,"label":"..","object":OBJECT}],
 *  "total":N,"limited":bool}
 */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_answer_show(struct rs_session *session, uint64_t object, uint64_t limit,
	       char **ret);

/**
 * {"object":OBJECT,"objects":N,"bytes":N,"depth":N|null,
 *  "retained":{"objects":N,"bytes":N},"shared":{"objects":N,"bytes":N},
 *  "types":[{"type":"dict","objects":N,"bytes":N}],
 *  "list":[{"depth":N,"object":OBJECT}],"limited":bool}
 * objects counts the object itself. retained: what dies with it (all whose
 * every reference comes from inside the set as found by trial deletion);
 * shared is the rest. depth 0: no limit. The list is empty unless @p list.
 */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_answer_reachable(struct rs_session *session, uint64_t object, uint32_t depth,
		    bool list, uint64_t limit, char **ret);

/**
 * {"object":OBJECT,"total":N,"referrers":[{"kind":..,"label":"..",
 *   "object":OBJECT,"referrers":[..]} | {"kind":"root","root":"..",
 *   "from":"local"}],"limited":bool}
 * @param depth Levels of referrers; at least 1, and 24 at most. An object
 *        opened before has "seen":true and is not opened again.
 * @param limit The most entries of each list, and 25 times as many, or 100000,
 *        of the whole tree: then the lists below end, and no more are begun.
 */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_answer_referrers(struct rs_session *session, uint64_t object, uint32_t depth,
		    uint64_t limit, char **ret);

/**
 * {"object":OBJECT,"alive":bool,"paths":[{"root":"local buf in f (x.py:3)",
 *   "kind":"local"|"frame"|"thread"|"interpreter"|"modules"|"native"|
 *     "garbage",
 *   "steps":[{"object":OBJECT,"label":".name"},..,{"object":OBJECT}]}],
 *  "garbage":bool,"held":[{"object":OBJECT,"unexplained":N}],
 *  "limited":bool}
 * A step's label names the reference to the next step. alive: a root leads to
 * it. garbage: none does, and the collector would find it, or all that holds
 * it, unreachable; or only rings that no collector can see hold it. When it is
 * neither, held names who on the way back has a count that nothing explains:
 * something not read holds those.
 */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_answer_why(struct rs_session *session, uint64_t object, uint64_t limit,
	      char **ret);

/**
 * {"unreachable":N,"uncollectable":N,"garbage":N,"generation":N,
 *  "rules":"2.7"|"3.4","collecting":bool,
 *  "objects":[{"id":"0x..","type":"CGcLeak",
 *    "why":"finalizer"|"held by a finalizer"|"no clear"|"no release"|
 *          "constant count"|"held by an uncollectable one"|"freed",
 *    "runtime":".."}],
 *  "limited":bool}
 * unreachable is what the collector finds. "returns":[N,N] (of a CPython) has
 * the least and the greatest number that gc.collect() can return: they are
 * equal unless something runs before the collector counts, which "decides"
 * names then: finalizers, generators that are closed, callbacks of weak
 * references, objects that 2.7 keeps. garbage is what len(gc.garbage)
 * would then be. Of a CPython of several interpreters, which collect apart
 * from 3.9 on, these are sums, and "interpreters":[{"id":N,"tracked":N,
 * "unreachable":N,"uncollectable":N}] has each one's own; of a C program with
 * several copies of the library "registries" has the same, each with the path
 * of its "module". Objects: the uncollectable first (those with a finalizer,
 * those that cannot be freed, then what they hold), then the freed; otherwise
 * by address. What cannot be freed does not go to the garbage list.
 * @param generation 0 to 2, or -1 for a full collection.
 * @param rules NULL for the target's own, else "2.7" or "3.4".
 * Errors: RS_EARGUMENT; RS_EUNSUPPORTED for generation 1 of 3.14.0 to 3.14.4,
 * of which they collect a part that cannot be foretold.
 */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_answer_collect(struct rs_session *session, int generation, const char *rules,
		  uint64_t limit, char **ret);

/**
 * {"rings":N,"objects":N,"cycles":[{"objects":N,"bytes":N,
 *   "why":"it can be freed: the collector has not run"|
 *     "a finalizer: <CGcLeak 0x..>"|..,
 *   "length":N,"path":[{"object":OBJECT,"label":"._self"},..],
 *   "members":[OBJECT..],"cuts":[{"object":OBJECT,"label":"._self",
 *     "to":"0x.."}],"cuts_total":N}],"limited":bool}
 * A path is a shortest ring: each label names the reference to the next entry,
 * the last's the one back to the first; an instance's own dict is folded into
 * the instance. A cut is a reference that, dropped alone, frees the ring; what
 * nobody can drop (type, own dict, key, a tuple's element) is left out. bytes
 * are those of the ring and of what only it keeps alive. What only a garbage
 * list holds counts as garbage, and so does a ring that no collector can see.
 * length is that of the path and cuts_total the number of the cuts; of both 20
 * are told, or as many as @p limit allows, which is for rings and members too.
 * @param alive Rings among what is reachable instead of in the garbage.
 */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_answer_cycles(struct rs_session *session, bool alive, uint64_t limit,
		 char **ret);

/** {"total":N,"garbage":[OBJECT..],"limited":bool}: contents of gc.garbage. */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_answer_garbage(struct rs_session *session, uint64_t limit, char **ret);

/**
 * {"objects":N,"bytes":N,"types":[{"type":"dict","id":"0x..","objects":N,
 *  "bytes":N,"unreachable":N,"runtime":".."}],"total":N,"limited":bool}
 * unreachable counts what a collector would find and what rings hold that none
 * can see.
 * @param sort "count", "bytes" or "name". Errors: RS_EARGUMENT.
 */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_answer_types(struct rs_session *session, const char *sort, uint64_t limit,
		char **ret);

/**
 * {"runtimes":[{"name":"cpython","enabled":bool|null,"collecting":bool|null,
 *   "debug":["uncollectable",..],"generations":[{"threshold":N,"count":N,
 *     "objects":N,"collections":N|null,"collected":N|null,
 *     "uncollectable":N|null}],"frozen":N|null,"garbage":N,
 *   "last_collections":[{"generation":N,"ago_ns":N|null,"duration_ns":N,
 *     "collected":N,"uncollectable":N,"candidates":N,"heap_size":N}],
 *   "ago_by":"now"|"core file"|null}]}
 * last_collections: those that CPython 3.15 and later keep, newest first (10 of
 * the youngest generation, 2 of each older one); not there for others.
 * candidates: objects looked at; heap_size: tracked objects afterwards. ago_by:
 * the moment that ago_ns is counted from: now, or when the core's file was last
 * written, which is right if that was on this machine.
 * Of several interpreters that collect apart (CPython 3.9+) these are the main
 * one's, and "interpreters":[{"id":N,..}] has the same of each.
 */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_answer_gc(struct rs_session *session, char **ret);

/** {"object":OBJECT}: what `module.attr[key].attr` means, by reading. */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_answer_resolve(struct rs_session *session, const char *name, char **ret);

/**
 * Hold what is read against what the types themselves say: the code of the
 * core's own tp_traverse functions runs in an image of the core, a jailed
 * process that lasts as long as this call. So do the traverse callbacks of a
 * C program's types; what they tell is held against what reading guesses of
 * the words that no field describes.
 *
 * {"objects":N,"references":N,"differ":N,"only_asked":N,"only_read":N,
 *  "refused":N,"lists_broken":N,"ready_us":N,"walk_us":N,
 *  "runtimes":[{"name":"native", and the same members for it alone}],
 *  "faults_total":N,"faults":[{"id":"0x..","type":"..","why":".."}],
 *  "types":[{"type":"x","id":"0x..","objects":N,"differ":N,
 *    "example":OBJECT,"only_asked":["0x.."],"only_read":["0x.."]}],
 *  "total":N,"limited":bool}
 * objects and references are those asked; only_asked and only_read count
 * tracked objects that one way alone found. Of an example, the references
 * that one way alone told, eight at most. faults: objects whose function was
 * stopped, as the image reports it; they have no references. refused counts
 * objects whose function was not called without consent (rs_open_options.run).
 * Errors: RS_EUNSUPPORTED (no core, another machine, no seccomp); RS_EBAD
 * (its code cannot be asked); RS_ENOTFOUND (no CPython, and no type with a
 * callback); RS_EIO.
 */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_answer_verify(struct rs_session *session, uint64_t limit, char **ret);

/**
 * What an object says of itself: its type's own repr runs in an image of the
 * core, a jailed process that lasts as long as this call.
 *
 * That is code of the core, which may be anybody's: the jail keeps it from
 * files, network, signals and other processes, not from using processor time
 * and memory up to its limits, nor from lying. How it failed, if it did, is
 * what the image reports, except for exit status, signal and limits, which are
 * the kernel's word.
 *
 * {"id":"0x..","type":"Node","value":"<Node 7>"|null,
 *  "raised":{"type":"ValueError","message":".."|null}|null,"limited":bool,
 *  "ready_us":N,"run_us":N}
 * value is null when repr raised an exception.
 * @param timeout_ms Processor time that it may take; 0: 3000.
 * @param limit Most bytes of a text; 0, and at most: 1 MiB.
 * Errors: RS_EBAD (it crashed, hung, left, or tried something outside: the
 * message says which); RS_ENOTFOUND (no object of a CPython);
 * RS_EUNSUPPORTED (no core, another machine, no seccomp, a free-threaded
 * build); RS_EIO.
 */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_answer_repr(struct rs_session *session, uint64_t object, uint32_t timeout_ms,
	       uint64_t limit, char **ret);

/**
 * Run Python in an image of the core, jailed as for rs_answer_repr(). It has
 * names of its own: those of the program are reached through sys.modules.
 * What it changes is gone when this returns.
 *
 * {"printed":"..","value":".."|null,"raised":{..}|null,"limited":bool,
 *  "ready_us":N,"run_us":N}
 * printed is what it wrote to sys.stdout and sys.stderr, value the repr of an
 * expression's value; null for statements, or when it raised an exception.
 * @param code UTF-8: an expression or statements.
 * @param object What the name obj means in it, or 0.
 * Errors: as rs_answer_repr(); RS_EARGUMENT (no code, or more than 64 KiB).
 */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_answer_eval(struct rs_session *session, const char *code, uint64_t object,
	       uint32_t timeout_ms, uint64_t limit, char **ret);

/**
 * Plain numbers for expressions and breakpoint conditions. The count of an
 * immortal object is -1. The count reads that object alone, unless the graph
 * is there already.
 */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_number_count(struct rs_session *session, uint64_t object, int64_t *ret);
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_number_unexplained(struct rs_session *session, uint64_t object,
		      int64_t *ret);
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_number_reachable(struct rs_session *session, uint64_t object, int64_t *ret);
/** 1 when a full collection would find @p object unreachable, else 0. */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_number_garbage(struct rs_session *session, uint64_t object, int64_t *ret);

/**
 * Write all objects and references to @p path as JSON lines, version 1
 * (README, "Export"). Written to a temporary beside it and renamed.
 * {"file":"..","objects":N,"references":N,"bytes":N}
 * Errors: RS_EIO.
 */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_export_jsonl(struct rs_session *session, const char *path, bool labels,
		char **ret);

/**
 * Write a Graphviz graph to @p path: what is around @p object (its referrers
 * and referents to @p depth), or, with @p object 0, the garbage.
 * {"file":"..","objects":N,"references":N,"limited":bool}
 */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_export_dot(struct rs_session *session, const char *path, uint64_t object,
	      uint32_t depth, uint64_t limit, char **ret);

#ifdef __cplusplus
}
#endif

#endif /* REFSCOPE_ENGINE_H */
