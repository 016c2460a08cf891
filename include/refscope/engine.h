// SPDX-License-Identifier: MIT
/**
 * @file
 * The engine: open a paused process or a core, ask, get the answer as JSON.
 *
 * The header has three tiers:
 * - simple: open a core or a process, ask, close;
 * - context: options, callbacks, and everything about one session;
 * - advanced: exact queries, running code of a core, export, single numbers.
 *
 * All that the first needs:
 *
 *     struct rs_session *session;
 *     struct rs_error *err;
 *     char *json;
 *
 *     err = rs_session_open_core("core.4711", NULL, &session);
 *     if (err) {
 *             puts(rs_error_message(err));
 *             rs_error_free(err);
 *             return;
 *     }
 *     err = rs_answer_collect(session, -1, NULL, 20, &json);
 *     puts(err ? rs_error_message(err) : json);
 *     if (!err)
 *             rs_text_free(json);
 *     rs_error_free(err);
 *     rs_session_close(session);
 *
 * A session never writes to the target and never runs code in it; only
 * rs_act_begin(), for a live process, does. For a core, code of the core may
 * run in a separate process that is rebuilt from it (an image); it is jailed
 * and ends with the call: see enum rs_exact, rs_answer_verify(),
 * rs_answer_repr(), rs_answer_eval() and rs_answer_rehearse_collect().
 *
 * Shapes. Every rs_answer_*() returns one JSON object on one line, the same
 * that the GDB commands print with -json. Members may be added in later
 * releases; none changes its meaning or is removed. JSON schemas of all answers
 * are in schema/ beside this header (installed in share/refscope/schema).
 * Addresses are strings ("0x7f.."), lower case. N stands for a number.
 *
 * Units. "bytes" and "size" are bytes. "_us" is microseconds, "_ms"
 * milliseconds. Counts of references and of objects are plain numbers. Strings
 * are UTF-8; what is no UTF-8 in the target has U+FFFD in its place.
 *
 * Bounds. A target has at most 2^30 objects and 2^32 - 1 references: with more,
 * questions return RS_EBAD. At most 100 problems are kept; the last then says
 * that there are more.
 *
 * OBJECT stands for the description of an object:
 *
 *     {"id":"0x..","type":"dict","name":"..","count":3,"size":232,
 *      "gc":"tracked"|"untracked"|"none","text":"{'a': 1, ...}",
 *      "runtime":"cpython"|"native","of":"module os","found":"malloc block"}
 *
 * id: its address. name, if objects like it have one: of a type ("m.Foo"), a
 * module ("os"), a function or method ("Foo.f"), a frame or code object
 * ("f (x.py:3)"). count: the reference count, without the runtime's flag bits;
 * null for an immortal object, whose count means nothing (3.12 and later, and
 * static objects of 3.11); below 0 when it was released more often than it was
 * held, or is damaged (before 3.12). size: in bytes, including tables that
 * belong to the object alone. gc: "none" if its type does not support garbage
 * collection. text: a short form of at most 200 bytes, made by reading memory.
 * of: the owner of a dict, in the answers of count, show, referrers, why and
 * cycles, if it is known: the module, class, function or other object whose own
 * dict it is
 * ("module os", "class m.Foo", "function f", "Foo 0x.."), or the field of an
 * interpreter or thread that holds it ("sys.modules"). found: only the block of
 * malloc() that it is in says that there is an object; else left out.
 *
 * Every answer says by which method the references behind it were found (enum
 * rs_exact), in rs_answer_verify() those of the objects that it compares:
 *
 *     "method":"read"|"traversed","not_traversed":N
 *
 * method: "read": all were read from memory; "traversed": those of some objects
 * were found by their type's traverse function. not_traversed: objects that
 * should have been traversed, but could not be (the function was stopped, or
 * there is no image: a problem in rs_answer_info() says why); their references
 * are those that were read. The members "learned":"read"|"asked" and
 * "unasked":N are the same under older names.
 *
 * Every answer has those of the following members that are not false or 0. They
 * say how complete it is:
 *
 *     "collecting":true
 *         The target was stopped during a collection, when lists are
 *         incomplete.
 *     "unread":{"objects":N,"types":[{"type":"..","objects":N},..],
 *               "stopped":N}
 *         Objects of C programs whose traverse callbacks were not called, or
 *         did not return (stopped; left out when 0), so that references which
 *         only these visit are missing; and the five most frequent types.
 *         Objects that only they could hold are not called unreachable.
 *     "uncertain":{"unreachable":[N,N],"types":[{"type":"..","objects":N},..]}
 *         Of answers that use a collection: what it finds depends on what C
 *         types visit, which reading cannot know. At least and at most so many
 *         objects are unreachable, as far as words of these types' objects
 *         show; and the five most frequent types. The answer takes what types
 *         should visit as visited, and no guess. On a core their traverse
 *         functions are asked (enum rs_exact).
 *     "in_transit":N
 *         Tracked objects of C programs with a count of 0 or less: being freed
 *         or just created; treated as in use.
 *     "unknown":N
 *         Tracked objects that are unreadable, or seem to be freed or
 *         overwritten; treated as in use. rs_answer_info() names the first.
 *     "incomplete":true
 *         Some objects could not be found.
 *
 * "problems":[".."]: a line for each limit that was reached, damaged list or
 * the like that may make the answer incomplete or wrong; left out when there is
 * none. rs_answer_info() has all of them, harmless ones too.
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
struct rs_open_options;

/* === Simple: open, ask, close ============================================ */

/** @return The version of this library: "0.1.0". Static. */
RS_PUBLIC const char *rs_engine_version(void);

/**
 * Open the core file at @p path.
 *
 * @param options NULL: the defaults.
 * @param[out] ret To be closed by rs_session_close(); unchanged on error.
 * Errors: RS_ENOMEM; RS_EIO; RS_EBAD (not a core); RS_ENOTFOUND (it contains
 * neither a CPython nor a program that uses librefscope); RS_EUNSUPPORTED (a
 * machine or a release of CPython that is not supported); RS_EINTERRUPTED.
 */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_session_open_core(const char *path, const struct rs_open_options *options,
		     struct rs_session **ret);

/**
 * Open the process @p pid, which must be stopped and stay so until the session
 * is closed.
 *
 * @param options, ret As for a core.
 * Errors: as for a core; RS_EIO when there is no such process, or reading it is
 * not permitted (the message says what to try); RS_EARGUMENT.
 */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_session_open_live(pid_t pid, const struct rs_open_options *options,
		     struct rs_session **ret);

/** Close a session. Answers stay valid. NULL is allowed. */
RS_PUBLIC void rs_session_close(struct rs_session *session);

/** Free an answer. NULL is allowed. */
RS_PUBLIC void rs_text_free(char *text);

/*
 * All rs_answer_*() and rs_export_*():
 *
 * @param object The address of an object, a multiple of 8.
 * @param limit The most entries in each list of the answer; 0: all. "limited"
 *        says whether any list was cut.
 * @param[out] ret The answer, to be freed by rs_text_free(); unchanged on
 *        error.
 * Errors: RS_ENOMEM; RS_EINTERRUPTED; RS_EARGUMENT when session is NULL;
 * RS_ENOTFOUND when there is no object at the given address (the message says
 * what is there, and names the nearest object); RS_EIO when the file of a core
 * has changed since it was opened: open it again; RS_EUNSUPPORTED when no
 * runtime in the target can be read (rs_answer_info() says why); with
 * RS_EXACT_ON those of enum rs_exact. What else an entry returns stands with
 * it.
 */

/**
 * What the target is, and what could not be read of it.
 *
 * {"source":"core F","runtimes":[{"name":"cpython","version":"3.11.7",
 *   "layout":"table 3.11.7","module":"/usr/bin/python3.11",
 *   "interpreters":N,
 *   "allocator":{"name":"pymalloc"|"pymalloc_debug"|"malloc"|"mimalloc"|
 *     "mimalloc_debug","arenas":N,"pools":N,"blocks":N,"objects":N,
 *     "free_list":N,"other":N,"large":N|null}|null,
 *   "threads":[{"tid":N,"ident":"0x..","interpreter":N,"holds_gil":bool,
 *     "merge_queue":{"objects":N,"bytes":N},
 *     "waits":{"call":N,"name":"futex"|null,"for_ns":N|null}|null,
 *     "ran_ms":N|null,"age_ms":N|null,
 *     "frames":[{"function":"f","file":"x.py","line":N (0: unknown)}]}],
 *   "gc":{as in rs_answer_gc()}}],
 *  "objects":N,"tracked":N,"references":N,"bytes":N,"dropped":N,
 *  "unreferenced":{"objects":N,"bytes":N},
 *  "traversed":N,"asked":N,"ledger":{as in rs_answer_ledger()},
 *  "findings":{"total":N,"possible":N},
 *  "balance":{"memory":N,"objects":N,"free":N,"malloc_free":N,"files":N,
 *    "stacks":N,"other":N}|null,
 *  "problems":["..."],
 *  "dangling":{"references":N,"holders":[{"object":OBJECT,"references":N,
 *    "label":"[1]","target":"0x..","there":"a freed object, once a Foo"}],
 *    "limited":bool},
 *  "count_zero":[{"object":OBJECT,"count":N,"references":N}]}
 *
 * dangling, if there are any: counted references whose target is not an object,
 * grouped by the object that holds them, with the first of each. count_zero, if
 * there are any: objects that are never freed (None) and have a count of 0 or
 * less, and the number of references to each.
 *
 * waits, ran_ms, age_ms: the system call in which the thread was (x86-64),
 * how long it has run and how long ago it started; null: not known. for_ns: for
 * how long it has waited, which only threads note that wait for a lock of
 * CPython's own kind (threading.Lock from 3.14 on).
 *
 * objects: all that a collector tracks, that are in CPython's arenas or heaps,
 * or that a root or another object refers to, and those of more than 512 bytes
 * that are found in blocks of glibc's malloc(). unreferenced: of the latter
 * those to which nothing that is read refers; left out when there are none.
 * dropped: references left out
 * because there is no object at their target. traversed: objects whose
 * references were found by their type's traverse function; "asked" is the same
 * under an older name.
 *
 * ledger, balance: only once the ledger was made, by rs_answer_ledger() for
 * instance. balance, in bytes: what the memory is used for, the bytes in a core
 * or the resident memory of a live process; null if that is not known. objects:
 * with their tables and buffers, but for those in variables of executables and
 * libraries; free: free blocks of pymalloc; malloc_free: free chunks of glibc's
 * malloc(); files: mapped ones, with the variables of executables and
 * libraries; stacks: with thread-local variables; other: what is left, such as
 * blocks that C code has allocated. The parts add up to memory.
 * findings: their numbers, as in rs_answer_leaks(), only once that was asked.
 *
 * layout: the source of the offsets in structs: "table" and the release whose
 * layout it is (the target's own, or another patch release that agrees with the
 * sizes in the target), "debug info" (rs_open_options.find_field), or "its own
 * _Py_DebugOffsets alone"; and how many offsets were corrected by the target's
 * own table of offsets, or found by probing.
 *
 * allocator: the memory that CPython has allocated for small objects. blocks is
 * the sum of objects, free_list (freed objects that are kept to be reused) and
 * other (tables of dicts and lists, buffers). large: blocks too large for an
 * arena; null if not known. blocks + large is what sys.getallocatedblocks()
 * returns. Without arenas (PYTHONMALLOC=malloc) the name is "malloc" and all
 * numbers are 0. For free-threaded builds it describes the heaps of all
 * threads, including those that have ended: arenas are mimalloc's segments,
 * pools its pages, and large is 0, as they contain blocks of any size.
 *
 * The runtime "native" (a C program) has "callbacks":N too: the number of its
 * objects with a traverse callback, whose references can only be guessed by
 * reading where no field describes them; "registries":N, the copies of
 * librefscope in it; "registry":"0x..", the address of the first;
 * "registry_bytes":N, what they have mapped; and "refused":N, descriptions
 * that were wrong.
 *
 * If the layout of a CPython is not known, its version, interpreters, threads
 * and frames may still be there; then its gc is null and a problem says why. If
 * there is no other runtime, the numbers from objects to dropped are null and
 * all other questions return RS_EUNSUPPORTED.
 */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_answer_info(struct rs_session *session, char **ret);

/**
 * The reference count of an object, and its holders: one entry for each
 * reference, even if several are from the same object.
 *
 * {"object":OBJECT,"count":N|null,"named":N,"evidence":N,"words":N,
 *  "unexplained":N,
 *  "holders":[{"kind":"strong"|"owned"|"guess","label":"['key']",
 *    "object":OBJECT} | {"kind":"root","root":"local buf in f (x.py:3)",
 *    "from":"local","slot":"0x.."}],
 *  "containers":[{"kind":"strong","label":"[0]","references":N,
 *    "object":OBJECT}],"containers_total":N,
 *  "places":[{"kind":"static","place":"lib.so: cache","slot":"0x.."}],
 *  "weak":N,"guesses":N,"shown":N,"limited":bool}
 *
 * kind: "strong": visited by the holder's traverse function; "owned": counted,
 * but not visited; "guess": a word that looks like a reference. from: the kind
 * of root, as in rs_answer_why(). named: the number of strong, owned and root
 * entries, shown or not. evidence: how much of the rest of the count words
 * explain that hold the address of the object, in places where C code keeps
 * references; words: how many there are, guesses among the holders included.
 * Evidence is not exact: such a word may be borrowed, or left over.
 * unexplained: count - named - evidence; negative if there are more entries
 * than the count says; 0 for an immortal object. weak, guesses: numbers of such
 * references, which named does not contain. slot: the address of the word; of a
 * root "0x0": not known, of a place: a register. shown: entries in holders.
 * containers: the objects among the holders, each once, with the number of its
 * references and the kind and label of the first; containers_total: their
 * number, shown or not.
 *
 * places: the words that are in no object, strongest evidence first. kind:
 * "static": a variable of an executable or library; "tls": a thread-local
 * variable; "frame": the value stack of a frame that is being executed;
 * "register" and "stack": of a thread; "malloc": in a block of malloc();
 * "runtime": in a block of CPython's allocator that is no object; "anonymous":
 * in other memory. place: where, in words: `lib.so: cache+0x10`, `48-byte block
 * 0x7f..+0x8, held by lib.so: list`.
 */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_answer_count(struct rs_session *session, uint64_t object, uint64_t limit,
		char **ret);

/**
 * The ledger of the whole heap: what the counts of all objects are made of,
 * added up. Takes a search of all memory, once in a session; rs_answer_count(),
 * rs_number_unexplained() and rs_export_jsonl() need the same.
 *
 * {"counts":N,"named":N,"evidence":N,"unexplained":N,"over":N,
 *  "unexplained_objects":N,"over_objects":N,"immortal":N,"deferred":N}
 *
 * counts + over = named + evidence + unexplained, as in rs_answer_count(), over
 * all objects whose count means something. over: references beyond the counts
 * of over_objects, which are more than were counted. immortal: objects without
 * a count, which are left out. deferred: objects whose counts lack references
 * from stacks (free-threaded CPython), which are not in over.
 */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_answer_ledger(struct rs_session *session, char **ret);

/**
 * An object and its references.
 *
 * {"object":OBJECT,"flags":["tracked","finalizer",..],"generation":0|1|2|3|null,
 *  "unreachable":bool,"references":[{"kind":..,"label":"..","object":OBJECT}],
 *  "total":N,"limited":bool}
 *
 * flags: "gc" (its type supports collection), "tracked", "finalizer", "legacy"
 * (a finalizer that PEP 442 cannot call), "finalized", "immortal", "static",
 * "type", "instance", "deferred count", "untracked by a collection", "inexact"
 * (some references are guesses or missing), or one that a runtime gives all its
 * objects. generation: 0 is the youngest; 3: set aside by gc.freeze(); null:
 * not tracked. unreachable: a full collection would find it so. total:
 * references, shown or not.
 *
 * An object that shows memory which is not its own, and no part of its size,
 * has "views":{"bytes":N,"object":OBJECT|null} (what owns the memory; null: no
 * object is known to) or, for a mapping of the target, "maps":{"bytes":N}.
 */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_answer_show(struct rs_session *session, uint64_t object, uint64_t limit,
	       char **ret);

/**
 * What an object keeps reachable.
 *
 * {"object":OBJECT,"objects":N,"bytes":N,"depth":N|null,
 *  "retained":{"objects":N,"bytes":N},"shared":{"objects":N,"bytes":N},
 *  "types":[{"type":"dict","objects":N,"bytes":N}],"retained_types":[..],
 *  "list":[{"depth":N,"object":OBJECT}],"limited":bool}
 *
 * objects includes the object itself. retained: those that would be freed with
 * it, because all references to them come from the reachable set (found by
 * trial deletion), by type in retained_types. shared: the others.
 * @param depth The most references to follow in a row; 0: no limit.
 * @param list Whether to fill "list", nearest objects first.
 */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_answer_reachable(struct rs_session *session, uint64_t object, uint32_t depth,
		    bool list, uint64_t limit, char **ret);

/**
 * Who refers to an object.
 *
 * {"object":OBJECT,"total":N,"referrers":[{"kind":..,"label":"..",
 *   "object":OBJECT,"referrers":[..]} | {"kind":"root","root":"..",
 *   "from":"local"}],"limited":bool}
 *
 * @param depth Levels of referrers, 1 to 24. An object whose referrers are
 *        already in the answer has "seen":true instead of a list.
 * @param limit For each list. The whole tree has at most 25 times as many
 *        entries, or 100000 if it is 0.
 */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_answer_referrers(struct rs_session *session, uint64_t object, uint32_t depth,
		    uint64_t limit, char **ret);

/**
 * The shortest paths from roots to an object.
 *
 * {"object":OBJECT,"alive":bool,"paths":[{"root":"local buf in f (x.py:3)",
 *   "kind":"local"|"frame"|"thread"|"interpreter"|"modules"|"native"|
 *     "garbage",
 *   "also":["local b in f (x.py:3)"],"also_total":N,
 *   "steps":[{"object":OBJECT,"label":".name"},..,{"object":OBJECT}]}],
 *  "garbage":bool,"held":[{"object":OBJECT,"unexplained":N}],
 *  "only":{"kind":"traceback","object":OBJECT,"place":"lib.so: cache",
 *    "unexplained":N},"limited":bool}
 *
 * The label of a step names the reference to the next step. alive: a root
 * leads to the object. garbage: none does, and it is unreachable for the
 * collector, or held only by objects that are, or by cycles that no collector
 * sees. If it is neither, something holds it that was not found; held lists the
 * objects that lead to it and whose count is not fully explained, 16 at most.
 * only: what alone keeps the object, or its only holder, or the only holder of
 * that, and so on; left out when several things do, or when a path says enough.
 * kind: "traceback", "exception", "closure", "cache" or "thread local", which
 * object is; "c": only a word of C code's at place holds object; "nothing":
 * nothing that was read holds object, and unexplained is how many references it
 * has.
 * @param limit The most paths; 0, and at most: 1000. Of paths that begin with
 *        the same object or lead to the same holder only the shortest is there,
 *        and those from tables of interned strings and through caches are only
 *        there if all are. The roots of the others are in also, 8 at most;
 *        also_total: their number.
 */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_answer_why(struct rs_session *session, uint64_t object, uint64_t limit,
	      char **ret);

/**
 * What a collection would find if it ran now.
 *
 * {"unreachable":N,"uncollectable":N,"unseen":N,"garbage":N,"generation":N,
 *  "rules":"2.7"|"3.4","collecting":bool,
 *  "objects":[{"id":"0x..","type":"CGcLeak","name":"..",
 *    "why":"finalizer"|"held by a finalizer"|"no clear"|"no release"|
 *          "constant count"|"held by an uncollectable one"|"freed",
 *    "runtime":".."}],
 *  "limited":bool}
 *
 * unreachable: what the collector finds. "returns":[N,N] (of a CPython): the
 * least and the greatest number that gc.collect() can return. They are equal
 * unless code of the program runs before the collector counts, which "decides"
 * names: finalizers, generators that are closed where they handle that,
 * callbacks of weak references; or what C types tell the collector is not known
 * ("uncertain"). A generator that handles nothing lets go of what it holds, and
 * what that frees is not counted: "freed_first":N says of how many objects that
 * is certain, if of any. Code is taken to reach what it has references
 * to, not to find garbage by gc.get_objects(). garbage: what len(gc.garbage)
 * would be afterwards; of 2.7, without what is freed with the rest.
 * collecting: the target was stopped during a collection, so the numbers may be
 * wrong. objects (name as in OBJECT): first the uncollectable ones (those with
 * a finalizer, those that a C program gives no way to free, then what both
 * hold), then those that would be freed; each group by address. What cannot be
 * freed does not go to the garbage list.
 *
 * If a CPython has several interpreters, each with its own collector (3.9 and
 * later), the numbers are sums, and "interpreters":[{"id":N,"tracked":N,
 * "unreachable":N,"uncollectable":N}] has those of each. Several copies of
 * librefscope in one program are "registries":[..], with "module":"/path" too.
 * Of a full collection in a program with several registries, or with a registry
 * and a CPython, unseen is that of rs_answer_types(), if not 0.
 *
 * @param generation 0 to 2, or -1 for a full collection.
 * @param rules "2.7" or "3.4"; NULL: the target's own.
 * Errors: RS_EARGUMENT; RS_EUNSUPPORTED for generation 1 of 3.14.0 to 3.14.4,
 * which collect it in increments that cannot be predicted.
 */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_answer_collect(struct rs_session *session, int generation, const char *rules,
		  uint64_t limit, char **ret);

/**
 * Reference cycles in the garbage: one entry for each strongly connected
 * component.
 *
 * {"cycles_total":N,"rings":N,"objects":N,"unseen":N,
 *  "cycles":[{"objects":N,"bytes":N,
 *   "why":"it can be freed: the collector has not run"|
 *     "a finalizer: <CGcLeak 0x..>"|..,
 *   "hidden_by":{"object":OBJECT,"label":"type",
 *     "without":{"object":OBJECT,"label":"['x']"}},
 *   "length":N,"path":[{"object":OBJECT,"label":"._self"},..],
 *   "members":[OBJECT..],"cuts":[{"object":OBJECT,"label":"._self",
 *     "to":"0x.."}],"cuts_total":N}],
 *  "shapes_total":N,"shapes":[{"cycles":N,"number":N,"objects":N,"bytes":N,
 *   "cycle":CYCLE}],"limited":bool}
 *
 * cycles_total: the number of components; "rings" is the same under an older
 * name. path: a shortest cycle, of the given length; each label names the
 * reference to the next entry, that of the last entry the one back to the
 * first. An instance and its own dict are one entry. cuts: references that each
 * free the whole component if dropped; those that nobody can drop (to a type,
 * an own dict, a key, an element of a tuple) are left out. bytes: of the
 * component and of what only it keeps alive. hidden_by, if there is just one
 * such object: the member whose reference with that label no collector sees;
 * without the one reference to it the collector could free the rest. Components
 * to which only a garbage list refers are included, and so are those that no
 * collector sees. unseen: see rs_answer_types(); not with alive. If a component
 * has a class, path leads through an instance of such a class or an object that
 * no collector sees, rather than through the class's own __mro__. shapes:
 * cycles that are alike, of objects of the same types and names with references
 * to each other that have the same labels, but for keys and positions; number:
 * of the first one among all cycles, from 1 on, and cycle is that one. objects
 * and bytes: of all that are alike.
 *
 * @param alive Cycles among reachable objects instead.
 * @param limit For cycles, shapes and members; of a path and of the cuts of one
 * cycle at least 20 are written.
 */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_answer_cycles(struct rs_session *session, bool alive, uint64_t limit,
		 char **ret);

/**
 * The same for the cycles of one finding of rs_answer_leaks().
 *
 * Errors: RS_ENOTFOUND when there is no such finding; RS_EARGUMENT when it is
 * not about cycles.
 */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_answer_cycles_of(struct rs_session *session, uint32_t finding,
		    uint64_t limit, char **ret);

/**
 * The contents of gc.garbage, and of the garbage lists of C programs.
 *
 * {"total":N,"garbage":[OBJECT..],"limited":bool}
 *
 * total: entries, shown or not.
 */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_answer_garbage(struct rs_session *session, uint64_t limit, char **ret);

/**
 * All objects by type.
 *
 * {"objects":N,"bytes":N,"types":[{"type":"dict","id":"0x..","objects":N,
 *  "bytes":N,"unreachable":N,"runtime":".."}],"total":N,"unseen":N,
 *  "unreferenced":{"objects":N,"bytes":N},
 *  "names":[{"name":"m.Foo","types":N,"id":"0x..","objects":N,"bytes":N,
 *  "unreachable":N,"runtime":".."}],"names_total":N,"limited":bool}
 *
 * id: the address of the type. unreachable: objects that a collector would find
 * unreachable, as rs_answer_collect() says. unseen: objects that are
 * unreachable and that no collector finds, such as those of a cycle through the
 * objects of two collectors; left out when 0. unreferenced: as in
 * rs_answer_info(). total: types, shown or not.
 * names: the same numbers with one entry for all types that have the same
 * module and qualified name (without "builtins." and "__main__."); types: how
 * many there are, id: the address of one; names_total: names, shown or not.
 * @param sort "count", "bytes" or "name". Errors: RS_EARGUMENT.
 */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_answer_types(struct rs_session *session, const char *sort, uint64_t limit,
		char **ret);

/**
 * Which objects rs_answer_objects() gives, and in which order. Set `size`; all
 * other members may be zero.
 */
struct rs_objects_options {
	size_t size; /**< sizeof(struct rs_objects_options). */
	/**
	 * A type: its name as in rs_answer_types(), with or without its module;
	 * if no type has that name, a POSIX extended regular expression that is
	 * looked for in `module.name`. NULL: any.
	 */
	const char *type;
	/** The module that defines the type, or a package that contains it;
	 * NULL: any. */
	const char *module;
	/** Bit N: objects that a collector tracks in generation N; 3: those set
	 * aside by gc.freeze(). 0: all objects, tracked or not. */
	uint32_t generations;
	uint64_t size_least; /**< In bytes. */
	uint64_t size_most; /**< In bytes; 0: no limit. */
	/** "address" (ascending), "size" or "count" (largest first); NULL:
	 * "address". */
	const char *sort;
	uint64_t limit; /**< As in all answers. */
	/** Only objects of this finding of rs_answer_leaks(); 0: any. */
	uint32_t finding;
	/** Only objects with references that nothing explains. */
	bool unexplained;
	/** Only objects with more holders than their count. */
	bool over;
};

/**
 * The objects that have all that @p options ask for.
 *
 * {"total":N,"bytes":N,"objects":[OBJECT..],"limited":bool}
 *
 * total, bytes: of all of them, shown or not.
 * @param options NULL: all objects.
 * Errors: RS_EARGUMENT (size is not set, or neither a name nor a regular
 * expression, or another order); RS_ENOTFOUND when no type is like that, or
 * there is no such finding.
 */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_answer_objects(struct rs_session *session,
		  const struct rs_objects_options *options, char **ret);

/**
 * What leaks: objects whose counts do not agree with their holders, and cycles
 * that no collection will free.
 *
 * {"total":N,"possible":N,"bytes":N,"findings":[{"finding":N,
 *   "kind":"missing-decref","key":"missing-decref bytes unheld",
 *   "grade":"certain"|"likely"|"possible","number":N,"objects":N,
 *   "references":N,"bytes":N,"type":"bytes","module":"builtins"|null,
 *   "ring":"<m.Node>._b -> <m.Node>._a ->"|null,"example":OBJECT,
 *   "evidence":["each has 1 reference that nothing explains, and no holder"],
 *   "next":["refs objects -finding 1"]}],
 *  "waiting":{"objects":N,"bytes":N},"limited":bool}
 *
 * A finding is about objects of one type in one situation, or about cycles of
 * the same types. Those that are just possible come last; otherwise most bytes
 * come first. finding: its number, the same for all questions to this session.
 * key: the same in every run of the program; types without a name are `type@`
 * in it, and may have the same. number: objects, or cycles.
 * references: that nothing explains, that are too many, or that lead to no
 * object. bytes: of the objects and of what only they keep alive; 0 if nothing
 * is lost. waiting: objects that the next collection frees; they are in no
 * finding. total, possible: the number of findings that are certain or likely,
 * and of those that are possible. bytes: of the former.
 *
 * Kinds:
 * - "missing-decref": references that nothing explains: neither an object, nor
 *   a root, nor a word in memory that C code uses.
 * - "lost": the same, of objects that only the blocks of malloc() tell in which
 *   they are: those of more than 512 bytes, whose types do not support garbage
 *   collection.
 * - "over-decref": more holders than the count.
 * - "dangling": a reference to memory in which there is no object.
 * - "dead-ring": a cycle that nothing in use leads to, and that its collector
 *   cannot free, has put aside (gc.freeze()), or will not free while it is
 *   switched off; or that has outlived a full collection.
 * - "hidden-ring": such a cycle that no collector sees completely, for example
 *   because a type does not support garbage collection.
 * - "garbage": objects in the collector's garbage list.
 * - "held-by-c": at least 10 alike objects, or 1 MiB, that only C code holds.
 *
 * Grades:
 * - missing-decref: certain for at least 10 alike objects without any holder;
 *   likely for at least 10 with holders that nothing in use leads to, for at
 *   least 10 in use if these are a tenth of all of their type, and for at least
 *   10 references to one object that has holders; else possible. One grade
 *   less if some memory could not be read. Only possible for classes with fewer
 *   than 100 such references each, for code objects, and if words in memory of
 *   unknown use point to at least half of the objects.
 * - lost: the same, but certain for at least 100 alike objects, likely for 10.
 * - over-decref: certain for at least 10 alike objects, likely for at least 2
 *   references, else possible. Only possible
 *   for classes and static objects with fewer than 10 such references each.
 * - dangling: certain; possible in the middle of a collection.
 * - dead-ring: certain if it can never be freed, and for at least 10 alike
 *   cycles while the collector is off; likely for at least 10 alike ones that
 *   have outlived a collection; else possible.
 * - hidden-ring: certain for at least 10 alike ones, likely for at least 2.
 * - garbage: certain. held-by-c: possible.
 *
 * @param all Write those that are possible, too.
 */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_answer_leaks(struct rs_session *session, bool all, uint64_t limit,
		char **ret);

/**
 * The state of the collectors.
 *
 * {"runtimes":[{"name":"cpython","enabled":bool|null,"collecting":bool|null,
 *   "debug":["uncollectable",..],"generations":[{"threshold":N,"count":N,
 *     "objects":N,"collections":N|null,"collected":N|null,
 *     "uncollectable":N|null}],"frozen":N|null,"garbage":N,
 *   "last_collections":[{"generation":N,"ago_ns":N|null,"duration_ns":N,
 *     "collected":N,"uncollectable":N,"candidates":N,"heap_size":N}],
 *   "ago_by":"now"|"core file"|null}]}
 *
 * null: not known. If several interpreters have their own collectors (CPython
 * 3.9 and later), this is that of the main interpreter, and
 * "interpreters":[{"id":N,..}] has the same members for each. debug: names of
 * the debug flags that are set. count: what the collector compares with
 * threshold. objects: on the list of that generation. frozen: set aside by
 * gc.freeze(). garbage: entries of the garbage list. last_collections: those
 * that CPython 3.15 and later keep, newest first (10 of the youngest
 * generation, 2 of each older one); not there for others. candidates: objects
 * looked at; heap_size: tracked objects afterwards; "_ns": nanoseconds. ago_by:
 * the moment that ago_ns is counted from: now, or when the core's file was last
 * written, which is right if that was on this machine. A C program has
 * "policy": "finalize"|"keep" too, and several copies of librefscope are
 * "registries":[{"id":N,"module":"/path",..}].
 */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_answer_gc(struct rs_session *session, char **ret);

/**
 * The object that a name means, found by reading memory.
 *
 * {"object":OBJECT}
 *
 * @param name `module.attr['key'].attr[0]`, or a name in __main__, or that of a
 *        declared root of a C program. Each part at most 255 bytes.
 * Errors: RS_ENOTFOUND, with the part that is not there; RS_EBAD (not such a
 * name).
 */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_answer_resolve(struct rs_session *session, const char *name, char **ret);

/**
 * The names that begin with @p text: modules, names in __main__, attributes;
 * of a C program declared roots and their references.
 *
 * {"names":["sys.modules",...]}; in no order, and some may be there twice.
 * Names that begin with `_` are there if the last part of @p text does.
 *
 * @param limit Names at most; 0: all.
 */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_answer_names(struct rs_session *session, const char *text, uint64_t limit,
		char **ret);

/* === Context: options, callbacks, everything about one session =========== */

/*
 * A session belongs to one thread, and to one stop of the target: once the
 * target has run, close it and open another one. What the answers share is made
 * once in a session, at the first question that needs it: the graph of all
 * objects, and its incoming references. So the first question takes longest.
 *
 * While a session is open, the process has the engine's SIGBUS handler: when a
 * page of a mapped file is lost (the file was truncated, or its disk fails),
 * the next answer is an error. All other SIGBUS are forwarded to the previous
 * handler. For cores the engine may start threads; they end before the call
 * returns.
 */

/**
 * The number of this interface. It increases, and with it the SONAME of the
 * library, when programs that were built with an older engine.h can no longer
 * use the library. Functions, and members at the end of structs that begin with
 * their size, may be added without that. The commands for GDB compare it with
 * rs_engine_abi().
 */
#define RS_ENGINE_ABI 1

/** @return RS_ENGINE_ABI of the engine.h that this library was built with. */
RS_PUBLIC int rs_engine_abi(void);

/**
 * How references of CPython objects are found. Reading decodes an object's
 * memory according to the layout of its type. Traversing calls the tp_traverse
 * function of its type, in an image of the core; it finds the strong references
 * exactly, for the types of any extension. Labels, sizes, roots, and owned and
 * weak references are read with either method.
 */
enum rs_exact {
	// Traverse where reading would have to guess: in a core, objects whose
	// type has no known layout, and modules with state in C. Everything
	// else is read, and so are targets other than cores and objects that
	// cannot be traversed, or only with consent (rs_open_options.run).
	RS_EXACT_AUTO = 0,
	// Traverse every tracked object. Where that is not possible, questions
	// about references fail: RS_EUNSUPPORTED (not a core, another machine,
	// no seccomp), RS_ENOTFOUND (no CPython), RS_EBAD (it failed).
	RS_EXACT_ON = 1,
	RS_EXACT_OFF = 2, // only read
};

/**
 * How to open a target. Set `size`; all other members may be zero. Strings are
 * copied. Functions are called until the session is closed, always in the
 * thread that called the engine, with the context beside them.
 */
struct rs_open_options {
	/** sizeof(struct rs_open_options). Errors: RS_EARGUMENT when it is not
	 * set; RS_EUNSUPPORTED when the caller's engine.h is newer than the
	 * library, and an option is set that the library does not know. */
	size_t size;
	const char *exec; /**< Executable on this machine, or NULL. */
	const char *sysroot; /**< Prefix for the target's paths, or NULL. */
	rs_find_file_fn find_file; /**< May be NULL. */
	void *find_file_context;
	rs_progress_fn progress; /**< May be NULL. */
	void *progress_context;
	/** Called last, for files not found elsewhere; may take long. May be
	 * NULL. */
	rs_find_file_fn fetch_file;
	void *fetch_file_context;
	enum rs_exact exact;
	rs_find_field_fn find_field; /**< May be NULL. */
	void *find_field_context;
	/**
	 * The most bytes that an image of a core may allocate; 0: a quarter of
	 * the free memory, but at most 1 GiB. At least 16 MiB are allowed.
	 */
	uint64_t run_memory;
	/**
	 * Consent to run any code of a core. Without it, traversing calls only
	 * functions of files on this machine whose build-id is that in the
	 * core, and no byte of the core itself can be executed; objects of
	 * other functions count as "not_traversed". rs_answer_repr() and
	 * rs_answer_eval() run code of the core whenever they are called.
	 */
	bool run;
	/** The most threads that read a large core; 0: as many as this process
	 * has processors. Answers do not depend on it. */
	uint64_t threads;
};

/**
 * Open a target that @p read reads, such as a remote one.
 *
 * @param read Called with sizes of up to some MiB, on first use of a range.
 * @param range The mapped ranges of the target, in any order; copied.
 * @param ranges Their number.
 * Errors: as for a core; RS_EBAD when nothing readable is mapped.
 */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_session_open_callback(rs_read_fn read, void *context,
			 const struct rs_range *range, size_t ranges,
			 const struct rs_open_options *options,
			 struct rs_session **ret);

/* === Advanced: exact queries, code of a core, export, numbers ============= */

/**
 * Compare the references that were read with those that traverse functions
 * find. In an image of the core, the tp_traverse functions of CPython objects
 * run, and the traverse callbacks of a C program's types; what the latter find
 * is compared with what reading guesses in memory that no field describes.
 *
 * {"objects":N,"references":N,"differ":N,"only_traversed":N,"only_read":N,
 *  "only_asked":N,"refused":N,"lists_broken":N,"ready_us":N,"walk_us":N,
 *  "runtimes":[{"name":"native", and the same members for it alone}],
 *  "faults_total":N,"faults":[{"id":"0x..","type":"..","name":"..","why":".."}],
 *  "types":[{"type":"x","id":"0x..","objects":N,"differ":N,
 *    "example":OBJECT,"only_traversed":["0x.."],"only_read":["0x.."],
 *    "only_asked":[..]}],
 *  "total":N,"limited":bool}
 *
 * objects, references: those traversed. differ: objects whose references
 * differ. only_traversed, only_read: tracked objects found only on the
 * collector's lists in the image, or only by reading; of an example, addresses
 * to which only one method found references, at most eight. only_asked: the
 * same as only_traversed under an older name. lists_broken: damaged lists of a
 * collector. ready_us, walk_us: microseconds until the image was ready, and to
 * traverse. faults: objects whose function was stopped, as the image reports
 * it; they are not compared. refused: objects whose function was not called,
 * because there is no consent (rs_open_options.run). types: the types with
 * differences. Errors: RS_EUNSUPPORTED (not a core, another machine, no
 * seccomp); RS_EBAD (its code cannot be run); RS_ENOTFOUND (no CPython, and no
 * type with a callback); RS_EIO.
 */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_answer_verify(struct rs_session *session, uint64_t limit, char **ret);

/**
 * The repr() of an object, by running the code of its type in an image of the
 * core.
 *
 * This runs code of the core, which may be anybody's. The jail keeps it from
 * files, network, signals and other processes, but not from using processor
 * time and memory up to its limits, nor from returning a lie. If it fails, the
 * reason is what the image reports, but for exit status, signal and limits,
 * which the kernel reports.
 *
 * {"id":"0x..","type":"Node","value":"<Node 7>"|null,
 *  "raised":{"type":"ValueError","message":".."|null}|null,"limited":bool,
 *  "ready_us":N,"run_us":N}
 *
 * value: null if repr() raised an exception.
 * @param timeout_ms The most processor time to use; 0: 3000.
 * @param limit The most bytes of a text; 0: 1 MiB, which is also the maximum.
 * Errors: RS_EBAD (it crashed, took too long, exited, or made a forbidden
 * system call: the message says which); RS_ENOTFOUND (no object of a CPython);
 * RS_EUNSUPPORTED (not a core, another machine, no seccomp, a free-threaded
 * build); RS_EIO.
 */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_answer_repr(struct rs_session *session, uint64_t object, uint32_t timeout_ms,
	       uint64_t limit, char **ret);

/**
 * Run Python code in an image of the core, jailed as for rs_answer_repr(). The
 * code has its own empty namespace; the program's names can be reached through
 * sys.modules. No automatic collection runs in it. Its changes are lost when
 * this returns.
 *
 * {"printed":"..","value":".."|null,"raised":{..}|null,"limited":bool,
 *  "ready_us":N,"run_us":N}
 *
 * printed: what it wrote to sys.stdout and sys.stderr. value: the repr() of an
 * expression's value; null for statements, and if it raised an exception.
 * @param code UTF-8: an expression or statements.
 * @param object The object to which the name obj refers in it, or 0.
 * @param interpreter Its id, as in rs_answer_info(); -1: that of the thread
 *        that has the interpreter's lock, else the first.
 * Errors: as rs_answer_repr(); RS_EARGUMENT (no code, or more than 64 KiB);
 * RS_ENOTFOUND (no such interpreter).
 */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_answer_eval(struct rs_session *session, const char *code, uint64_t object,
	       int64_t interpreter, uint32_t timeout_ms, uint64_t limit,
	       char **ret);

/**
 * A collection by the core's own collector, finalizers and callbacks of weak
 * references included, in an image jailed as for rs_answer_repr(). Automatic
 * collections are off in it. What it does to memory is lost.
 *
 * {"generation":N,"interpreter":N|null,"memory":{"needed":N,"allowed":N},
 *  "unreachable":N,"uncollectable":N,"returned":N,"garbage_before":N,
 *  "garbage":N,"predicted":{"unreachable":N,"uncollectable":N,"garbage":N,
 *  "returns":[N,N]}|null,"differs":["..",..],"objects":[{"id":"0x..",
 *  "type":"..","fate":"freed"|"alive"|"uncollectable"},..],"printed":"..",
 *  "limited":bool,"ready_us":N,"run_us":N}
 *
 * unreachable, uncollectable and objects: as the collector's own debugging
 * lines name them. returned: by gc.collect(). garbage: objects in gc.garbage.
 * alive: still tracked after it. predicted: what rs_answer_collect() says; null
 * where that can not be known. differs: how both differ, and why. printed: what
 * the program wrote meanwhile. memory: bytes; needed is an estimate that is
 * made, and held against what is allowed, before anything is run.
 * @param generation This and all younger; -1: all.
 * @param interpreter Its id, as in rs_answer_info(); -1: the first.
 * @param timeout_ms The most processor time; 0: 30000.
 * @param limit The most objects written; 0: all.
 * Errors: as rs_answer_repr(); RS_EARGUMENT (the memory is too little);
 * RS_ENOTFOUND (no such interpreter); RS_EUNSUPPORTED (stopped within a
 * collection).
 */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_answer_rehearse_collect(struct rs_session *session, int generation,
			   int64_t interpreter, uint32_t timeout_ms,
			   uint64_t limit, char **ret);

/**
 * The same, after one reference was dropped: one of those that
 * rs_answer_cycles() proposes.
 *
 * The members of rs_answer_rehearse_collect() without "predicted" and
 * "differs", and: "dropped":{"object":OBJECT,"label":"..","to":"0x.."},
 * "watched":N,"freed_at_once":N,"freed":N,"cleared":N,"left":[OBJECT..],
 * "left_total":N
 *
 * watched: tracked objects of the cycle, at most 20000. freed_at_once: of them,
 * those that were gone with the reference; freed: those gone after the
 * collection; left: the others. cleared: those that were taken out of
 * gc.garbage after it, which a second collection followed.
 * @param cycle Its number, from 1 on; @param edge that of its cuts; 0: the
 *        first.
 * Errors: as there; RS_ENOTFOUND (no such cycle or cut); RS_EUNSUPPORTED (a
 * reference that only code of its holder's type can drop).
 */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_answer_rehearse_cut(struct rs_session *session, uint32_t cycle,
		       uint32_t edge, int64_t interpreter, uint32_t timeout_ms,
		       uint64_t limit, char **ret);

/**
 * The same with the reference of @p object that has @p label, as
 * rs_answer_show() gives it. watched: what it leads to, nearest first.
 */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_answer_rehearse_drop(struct rs_session *session, uint64_t object,
			const char *label, int64_t interpreter,
			uint32_t timeout_ms, uint64_t limit, char **ret);

/**
 * What calling a live CPython depends on.
 *
 * {"version":"3.11.7","threaded":bool,"interpreters":N,"collecting":bool,
 *  "holder":N|null,"threads":[N,..],"lacks":[".."]}
 *
 * threaded: built without the interpreter's lock. collecting: its collector
 * runs. holder: the kernel's number of the thread that holds the lock; null:
 * none does, or it is not known. threads: those with a thread state. lacks:
 * functions that rs_act_begin() needs and it does not export.
 * Errors: RS_ENOTFOUND (no CPython); RS_EUNSUPPORTED (a core).
 */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_answer_call_facts(struct rs_session *session, char **ret);

/**
 * Which reference rs_act_begin() drops to break a cycle in the garbage of a
 * live CPython, and by which call.
 *
 * {"cycle":N,"edge":N,"object":OBJECT,"label":"._b","to":OBJECT,
 *  "call":"object.__delattr__","runs":["m.Key.__hash__",..],"objects":N,
 *  "members":[{"id":"0x..","type":".."}],"limited":bool}
 *
 * runs: code of the program that this may run, apart from the collection after
 * it. members: all objects of the cycle's component, of which there are
 * "objects".
 * Errors: RS_ENOTFOUND (no such cycle or reference); RS_EUNSUPPORTED (there is
 * no safe way to drop it; a core).
 */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_answer_break(struct rs_session *session, uint32_t cycle, uint32_t edge,
		uint64_t limit, char **ret);

/**
 * What calling librefscope in a live C program depends on.
 *
 * {"registries":[{"id":N,"module":"/path"|null,"tracked":N,"enabled":bool,
 *   "wanted":bool,"collecting":bool,"locks":N,"collections":N,
 *   "lacks":[".."]}]}
 *
 * One for each copy of the library. id: its number, from 0 on. enabled: it
 * collects by itself (rs_gc_enable()). wanted: rs_collect_later() was called.
 * locks: held by threads at this stop. lacks: functions that rs_act_begin()
 * needs and that are in no table of symbols of that module.
 * Errors: RS_ENOTFOUND (no librefscope); RS_EUNSUPPORTED (a core).
 */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_answer_tracker_facts(struct rs_session *session, char **ret);

/**
 * Mutexes of glibc's (pthread_mutex_t) that threads of process @p pid hold,
 * which is the one of the session: they are recognised in its writable memory
 * by the number of the owner and the words around it. What is called by a
 * thread that holds one may wait for itself.
 *
 * {"held":[{"id":"0x..","thread":N}],"complete":bool}
 *
 * id: the mutex, at most 64 of them. complete: false when there is more memory
 * than is searched, 1 GiB.
 * Errors: RS_EIO; RS_EUNSUPPORTED (a core).
 */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_answer_held_locks(struct rs_session *session, pid_t pid, char **ret);

/*
 * Calling a live CPython, or librefscope in a live C program. All threads of
 * the process must be stopped, and traced by the calling thread of this process
 * (GDB's, when the engine is loaded by it); not in the least by another.
 *
 * A thread is given code that calls gc.METHOD(ARG..) and then brings it back to
 * where it was, by itself: the debugger may end at any moment. Nothing is
 * loaded or allocated by libc for that; two mappings are made, and removed by
 * rs_act_end().
 */
enum rs_act_way {
	// The thread waits in a system call without the interpreter's lock: it
	// takes the lock, calls, and gives it up.
	RS_ACT_BLOCKED = 1,
	// The thread only queues the call (Py_AddPendingCall); the main thread
	// makes it where it next looks for such calls.
	RS_ACT_PENDING = 2,
	// Of RS_ACT_COLLECT: no thread is given code. The program is asked to
	// collect where it next does so by itself (rs_collect_later()).
	RS_ACT_LATER = 3,
	// Of the calls of librefscope that only look: the thread may be
	// stopped anywhere. It gets a stack of its own for the call.
	RS_ACT_STOPPED = 4,
};

/** What is called. */
enum rs_act_call {
	RS_ACT_GC = 0, /**< A function of CPython's module gc. */
	/** rs_collect(); with RS_ACT_BLOCKED or RS_ACT_LATER. */
	RS_ACT_COLLECT = 1,
	/* With RS_ACT_STOPPED: */
	RS_ACT_FIND_GARBAGE = 2, /**< rs_find_garbage(RS_FIND_READ_ONLY). */
	RS_ACT_WALK = 3, /**< rs_walk(object). */
	RS_ACT_REFERRERS = 4, /**< rs_referrers(object). */
};

struct rs_act_request {
	size_t size; /**< sizeof(struct rs_act_request) */
	pid_t pid; /**< Of the process. */
	enum rs_act_way way;
	int64_t tid; /**< The kernel's number of the thread. */
	/** Of the module gc; "": clear the list gc.garbage instead. */
	const char *method;
	int64_t arg[3];
	uint32_t args;
	uint32_t alone_ms; /**< How long the thread may run alone. */
	/** First drop reference @p edge that rs_answer_cycles() proposes for
	 * @p cycle in the garbage, both from 1 on; 0: drop none. Nothing is
	 * called when it raises. */
	uint32_t cycle, edge;
	enum rs_act_call call; /**< Of the others, method is not used. */
	uint32_t registry; /**< "id" of rs_answer_tracker_facts(). */
	uint64_t object; /**< Of RS_ACT_WALK and RS_ACT_REFERRERS. */
};

enum rs_act_state {
	RS_ACT_NEW = 0, /**< Not begun. */
	RS_ACT_BEGUN = 1,
	RS_ACT_DONE = 2,
	RS_ACT_RAISED = 3, /**< It raised an exception, which was dropped. */
	RS_ACT_CANCELLED = 4, /**< rs_act_cancel(): it will do nothing. */
	/** The program has replaced the function; nothing was called. */
	RS_ACT_REPLACED = 5,
};

struct rs_act_result {
	size_t size; /**< sizeof(struct rs_act_result) */
	uint32_t state; /**< enum rs_act_state */
	/** -1: no number. Of librefscope what the function returned; with
	 * RS_ACT_LATER the objects that were found unreachable, by all
	 * collections since. */
	int64_t returned;
	int64_t garbage_before; /**< Objects in gc.garbage; -1: not known. */
	int64_t garbage_after;
	uint64_t error; /**< Address of the exception's type. */
	bool refused; /**< The queue of calls is full. */
	bool ran; /**< The queued call is over. */
	bool left; /**< The thread is on its way to where it was, or there. */
	bool back; /**< It never ran but alone, and is as it was. */
	bool dropped; /**< The reference is gone. */
	uint64_t listed; /**< Objects that librefscope named. */
	/** The hash of its key or element is another one by now, so that it
	 * would not be found; the reference was left alone. */
	bool moved;
};

struct rs_act;

/**
 * Begin a call, and let the one thread run until it is done, or waits for
 * something, or request->alone_ms have passed. Unless the result then says
 * `back`, all threads have to run for it to be done.
 * @param[out] ret To be ended by rs_act_end().
 * Errors: RS_EIO (not traced by this thread, or it has ended); RS_EARGUMENT;
 * RS_ENOTFOUND (a function is not exported); RS_EUNSUPPORTED. Nothing was begun
 * then.
 */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_act_begin(struct rs_session *session, const struct rs_act_request *request,
	     struct rs_act **ret);

/**
 * How far it is. May be called by any thread, and while the process runs.
 * Errors: RS_EARGUMENT (no call, or ret->size is not set); RS_EIO (the process
 * has ended).
 */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_act_look(struct rs_act *act, struct rs_act_result *ret);

/**
 * Cancel it; all threads must be stopped.
 * @param[out] ret false: it had begun. What librefscope is doing and only looks
 *        ends at the next object then.
 * Errors: RS_EIO (the process has ended).
 */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_act_cancel(struct rs_act *act, bool *ret);

/**
 * Remove what is in the process, and free @p act; all threads must be stopped.
 * @param tid A thread to make the system call; 0: remove nothing, and free
 *        @p act, which may be NULL then.
 * @param[out] ret Whether it was removed and freed; false: a thread still needs
 *        it, let the process run and try again.
 * Errors: RS_ENOMEM; those of rs_act_begin(). @p act is not freed then.
 */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_act_end(struct rs_act *act, int64_t tid, bool *ret);

/**
 * What librefscope named in a call that is done and only looked, beside what
 * is found by reading at the same stop.
 *
 * {"own":N,"read":N,"only_own":N,"only_read":N,"callbacks":N,
 *  "own_objects":[OBJECT..],"read_objects":[OBJECT..],"limited":bool}
 *
 * own, read: objects (RS_ACT_FIND_GARBAGE, RS_ACT_WALK) or references
 * (RS_ACT_REFERRERS). only_own, only_read: those that the other does not have,
 * with their first ones in own_objects and read_objects. callbacks: objects of
 * the program whose traverse callbacks reading cannot call.
 *
 * @param session Opened at that stop.
 * Errors: RS_EARGUMENT (no such call); RS_ENOTFOUND (no such object); RS_EIO;
 * RS_EUNSUPPORTED (it named more than there was room for).
 */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_answer_act(struct rs_session *session, struct rs_act *act, uint64_t limit,
	      char **ret);

/**
 * Write all objects and references to the file @p path as JSON lines, version 1
 * (README, "Export"), through a temporary file beside it, which is renamed.
 *
 * {"file":"..","objects":N,"references":N,"bytes":N}
 *
 * bytes: of the file, which has a first line and one for each object.
 * @param labels Whether to write the labels of references; without, it is much
 *        faster and smaller.
 * Errors: RS_EIO (the file cannot be written; what had its name is unchanged).
 */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_export_jsonl(struct rs_session *session, const char *path, bool labels,
		char **ret);

/**
 * Write a Graphviz graph to the file @p path, in the same way: what is around
 * an object, or the garbage.
 *
 * {"file":"..","objects":N,"references":N,"limited":bool}
 *
 * @param object Its center; 0: the garbage.
 * @param depth The most references from the center, in both directions.
 * @param limit The most objects; 0: 10000.
 * Errors: RS_EIO.
 */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_export_dot(struct rs_session *session, const char *path, uint64_t object,
	      uint32_t depth, uint64_t limit, char **ret);

/*
 * Single numbers, for expressions and for conditions of breakpoints.
 *
 * All rs_number_*() and rs_now_*():
 *
 * @param[out] ret Unchanged on error.
 * Errors: as all rs_answer_*().
 */

/** The reference count, below 0 where the target's is; -1 for an immortal
 * object, too. Reads this object alone,
 * unless the graph has already been built. */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_number_count(struct rs_session *session, uint64_t object, int64_t *ret);
/** "unexplained" of rs_answer_count(). */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_number_unexplained(struct rs_session *session, uint64_t object,
		      int64_t *ret);
/** "objects" of rs_answer_reachable(), without a limit of depth. */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_number_reachable(struct rs_session *session, uint64_t object, int64_t *ret);
/** 1 when a full collection would find @p object unreachable, else 0. */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_number_garbage(struct rs_session *session, uint64_t object, int64_t *ret);

/** The address of the object that a name means: rs_answer_resolve() without
 * looking at all objects. */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_number_address(struct rs_session *session, const char *name, int64_t *ret);

/*
 * For a condition that is evaluated at each hit of a breakpoint, where opening
 * a session takes too long: the same session, of a target that has run since.
 */

/**
 * Forget what was read of @p session's target, which has run. From now on the
 * session answers rs_now_count() and rs_now_find() alone, as of this call; call
 * it again after each run. All else is RS_EARGUMENT. Mappings that came since
 * it was opened are not seen: what is not found may be found by a new session.
 * Errors: RS_EUNSUPPORTED: open a new session (a core; a C program's objects; a
 * CPython without GIL); RS_ENOMEM.
 */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_session_renew(struct rs_session *session);
/** rs_number_count() after rs_session_renew(). */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_now_count(struct rs_session *session, uint64_t object, int64_t *ret);
/** rs_number_address() after rs_session_renew(). */
RS_PUBLIC RS_MUST_CHECK struct rs_error *
rs_now_find(struct rs_session *session, const char *name, int64_t *ret);

#ifdef __cplusplus
}
#endif

#endif /* REFSCOPE_ENGINE_H */
