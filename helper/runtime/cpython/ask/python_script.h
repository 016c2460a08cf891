// SPDX-License-Identifier: MIT
/**
 * @file
 * A list of C API calls for an image to work through (private to ask/): it uses
 * what every version from 2.7 to 3.15 exports, nothing else.
 */
#ifndef RS_CPYTHON_PYTHON_SCRIPT_H
#define RS_CPYTHON_PYTHON_SCRIPT_H

#include "runtime/cpython/state/discover.h"
#include "sandbox/image_call.h"

enum { RS_SCRIPT_FILE_INPUT = 257 }; // Source: CPython Include/compile.h

/** A list being written. The first failure is kept, the rest passed over. */
struct rs_py_script {
	struct rs_cpython *py;
	struct rs_image_call call;
	struct rs_error *err;
	uint64_t slot[5]; // places of words that functions fill in
	uint64_t enabled_at; // the collector's switch, if it was put off; or 0
	uint8_t fail; // where the steps for an exception will be
};

/** An argument of a call. */
struct rs_py_arg {
	uint64_t value;
	uint8_t from; // enum rs_call_from
};

/** A number; the result of a step; a place in the data; the word there. */
#define RS_SCRIPT_V(x) ((struct rs_py_arg){(x), RS_CALL_VALUE})
#define RS_SCRIPT_R(x) ((struct rs_py_arg){(x), RS_CALL_RESULT})
#define RS_SCRIPT_P(x) ((struct rs_py_arg){(x), RS_CALL_PLACE})
#define RS_SCRIPT_W(x) ((struct rs_py_arg){(x), RS_CALL_WORD})
#define RS_SCRIPT_ARGS(...)                                                    \
	((const struct rs_py_arg[RS_CALL_ARGS]){__VA_ARGS__})

/** Who runs it, and what for. */
struct rs_py_script_options {
	int64_t interpreter; // its id; -1: the first, or who has the lock
	// No allocation starts a collection. The program's own code finds it
	// switched off then; else its switches are as they were, but for
	// rs_script_switch_on().
	bool switched_off;
	/** Write the steps; called more than once. */
	void (*write)(struct rs_py_script *s, const void *context);
	const void *context;
	const struct rs_image_options *limits; // object_ms and memory count
	const struct rs_progress *progress; // may be NULL
};

/** Whether it is 2.7, which has other names for bytes. */
static inline bool rs_script_is_2(const struct rs_py_script *s)
{
	return s->py->version < RS_PY(3, 0);
}

/** Add a step, which goes on to the one after it, whatever comes of it. Without
 * a name it copies text out. @return Its number. */
unsigned rs_script_add(struct rs_py_script *s, const char *name,
		       const struct rs_py_arg *args);
/** As rs_script_add(), for a function that returns NULL when it raises. */
unsigned rs_script_need(struct rs_py_script *s, const char *name,
			const struct rs_py_arg *args);
/** The same, for a function that returns 0, or -1 when it raises. */
void rs_script_zero(struct rs_py_script *s, const char *name,
		    const struct rs_py_arg *args);
/** Put bytes, zeros with NULL, into the data. @return Their offset. */
uint64_t
rs_script_place(struct rs_py_script *s, const void *bytes, size_t size);
/** The same of a string, as an argument. */
struct rs_py_arg rs_script_text(struct rs_py_script *s, const char *words);
/** Copy the bytes object that is the result of step @p n to text @p number. */
void rs_script_copy(struct rs_py_script *s, unsigned n, unsigned number);
/** The same of a str. A lone surrogate in it becomes an escape. */
void rs_script_copy_str(struct rs_py_script *s, unsigned n, unsigned number);
/** Set an item of the dict that is the result of step @p dict. */
void rs_script_set(struct rs_py_script *s, unsigned dict, const char *key,
		   struct rs_py_arg value);
/** Store the lowest @p bytes (4 or 8) of @p value at @p address. */
void rs_script_store(struct rs_py_script *s, uint64_t address, uint64_t value,
		     unsigned bytes);
/** From here on the collector is enabled, if it was; a collection that was due
 * when the core was taken has been passed over by then. */
void rs_script_switch_on(struct rs_py_script *s);
/** Make a dict with __builtins__ and `modules`. @return Its step. */
unsigned rs_script_scope(struct rs_py_script *s);
/** Run @p source, up to @p end, in the dict that is the result of @p dict. */
void rs_script_source(struct rs_py_script *s, unsigned dict, const char *source,
		      const char *end);
/** Call a function of no arguments that it left there. */
void rs_script_function(struct rs_py_script *s, unsigned dict,
			const char *name);
/** Copy out what it left there, as bytes, under `printed`, `value`, `error` and
 * `message`. */
void rs_script_take(struct rs_py_script *s, unsigned dict);

/**
 * Write it, and have an image work through it.
 * Errors: as rs_image_from_core() and rs_image_do_call(); RS_EARGUMENT (too
 * long); RS_ENOTFOUND (no such interpreter); RS_EUNSUPPORTED (a free-threaded
 * build; what is needed is not exported; no thread's state).
 */
RS_MUST_CHECK struct rs_error *
rs_script_run(struct rs_cpython *py, const struct rs_py_script_options *how,
	      struct rs_image_called *ret);

#endif /* RS_CPYTHON_PYTHON_SCRIPT_H */
