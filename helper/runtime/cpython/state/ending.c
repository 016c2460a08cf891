// SPDX-License-Identifier: MIT
//
// What a collection does to an unreachable object before it counts what it
// frees: tp_finalize() of 3.4 and later. A suspended generator or coroutine is
// closed: an exception is raised where it is suspended. Without a handler there
// nothing of the program runs, and it lets go of its frame.
// Source: CPython Objects/genobject.c, _PyGen_Finalize() and gen_close();
// Objects/exception_handling_notes.txt.
#include "base/cleanup.h"
#include "runtime/cpython/decode/decode.h"

enum {
	RS_INNER_MAX = 1000, // generators that wait for each other
	RS_HANDLERS_MAX = 100, // of one place that only raise again
	RS_ENTRIES_MAX = 1 << 16, // of an exception table
	RS_SETUP_LOOP = 120, // up to 3.7: a block that handles nothing
	RS_YIELD_FROM = 72, // up to 3.10
	RS_DELEGATES = 2, // oparg of RESUME from which it does, up to 3.12
	RS_STOPITERATION_ERROR = 3, // oparg of CALL_INTRINSIC_1
};

// gi_frame_state. Up to 3.12 a suspended one does not say that it delegates.
// Source: Include/internal/pycore_frame.h, enum _framestate.
struct states {
	int8_t created, delegates, executing, completed;
};

static struct states states_of(const struct rs_cpython *py)
{
	const unsigned minor = rs_py_minor(py);

	if (minor >= 15)
		return (struct states){0, 2, 4, 5};
	return minor >= 13 ? (struct states){-3, -1, 0, 1}
			   : (struct states){-2, 0, 0, 1};
}

// Numbers of instructions. Source: Include/opcode_ids.h, Include/opcode.h.
struct opcodes {
	uint8_t cleanup_throw, call_intrinsic_1, reraise, resume;
};

static struct opcodes opcodes_of(const struct rs_cpython *py)
{
	switch (rs_py_minor(py)) {
	case 11:
		return (struct opcodes){0, 0, 119, 151};
	case 12:
		return (struct opcodes){55, 173, 119, 151};
	case 13:
		return (struct opcodes){8, 55, 102, 149};
	case 14:
		return (struct opcodes){7, 53, 105, 128};
	case 15:
		return (struct opcodes){7, 51, 104, 128};
	default:
		return (struct opcodes){0};
	}
}

// A suspended generator: its frame, its code, and where it is.
struct place {
	struct rs_cpython *py;
	uint64_t generator, frame, code;
	uint64_t at; // number of the instruction, from 3.11 on
	int8_t state; // gi_frame_state, from 3.11 on
};

static bool
instruction(const struct place *p, uint64_t at, uint8_t *op, uint8_t *arg)
{
	const int32_t start =
		rs_py_off(p->py, RS_F_PyCodeObject__co_code_adaptive);
	const uint8_t *word = rs_memory_at(
		p->py->base.memory, p->code + (uint64_t)start + 2 * at, 2);

	if (start < 0 || !word)
		return false;
	*op = word[0];
	*arg = word[1];
	return true;
}

// A number of the exception table: six bits a byte, and one that says that more
// come; the highest bit begins an entry.
static bool
number(const uint8_t *table, uint64_t size, uint64_t *at, uint64_t *ret)
{
	*ret = 0;
	while (*at < size) {
		const uint8_t byte = table[(*at)++];

		*ret = *ret << 6 | (byte & 0x3f);
		if (!(byte & 0x40))
			return true;
	}
	return false;
}

/*
 * Find the handler of what is raised at instruction @p at. @return false when
 * the table cannot be read; @p target is UINT64_MAX without a handler.
 */
static bool find_handler(const struct place *p, uint64_t at, uint64_t *target)
{
	struct rs_cpython *py = p->py;
	const uint64_t object =
		rs_py_get(py, p->code, RS_F_PyCodeObject__co_exceptiontable);
	uint64_t size = 0, i = 0;
	const int32_t start_at = rs_py_off(py, RS_F_PyBytesObject__ob_sval);

	*target = UINT64_MAX;
	if (!object || start_at < 0 ||
	    !rs_memory_u64(py->base.memory,
			   object + (uint64_t)py->known->ob_size, &size) ||
	    size > RS_ENTRIES_MAX)
		return false;
	const uint8_t *table = rs_memory_at(py->base.memory,
					    object + (uint64_t)start_at, size);
	if (!table)
		return false;
	while (i < size) {
		uint64_t start, length, handler, depth;

		if (!number(table, size, &i, &start) ||
		    !number(table, size, &i, &length) ||
		    !number(table, size, &i, &handler) ||
		    !number(table, size, &i, &depth))
			return false;
		if (start <= at && at < start + length)
			*target = handler;
	}
	return true;
}

// Whether what is raised there comes out of the frame again, past handlers that
// only raise it again.
static bool leaves_new_frame(const struct place *p)
{
	const struct opcodes op = opcodes_of(p->py);
	uint64_t at = p->at;

	for (int i = 0; op.reraise && i < RS_HANDLERS_MAX; i++) {
		uint64_t target;
		uint8_t code, arg;

		if (!find_handler(p, at, &target))
			return false;
		if (target == UINT64_MAX)
			return true;
		if (!instruction(p, target, &code, &arg))
			return false;
		if (code == op.call_intrinsic_1 && code &&
		    arg == RS_STOPITERATION_ERROR)
			target++; // then it raises again
		else if (code != op.cleanup_throw || !code)
			return false;
		at = target;
	}
	return false;
}

// Up to 3.10: blocks of the frame.
static bool leaves_old_frame(const struct place *p)
{
	struct rs_cpython *py = p->py;
	struct rs_memory *memory = py->base.memory;
	const int32_t count_at = rs_py_off(py, RS_F_PyFrameObject__f_iblock);
	const int32_t blocks_at =
		rs_py_off(py, RS_F_PyFrameObject__f_blockstack);
	const int32_t stride = rs_py_off(py, RS_F_PyTryBlock___size);
	uint32_t count = 0, type;

	if (count_at < 0 || blocks_at < 0 || stride <= 0 ||
	    !rs_memory_u32(memory, p->frame + (uint64_t)count_at, &count) ||
	    count > 20)
		return false;
	for (uint32_t i = 0; i < count; i++)
		if (!rs_memory_u32(memory,
				   p->frame + (uint64_t)blocks_at +
					   (uint64_t)i * (uint32_t)stride,
				   &type) ||
		    type != RS_SETUP_LOOP || rs_py_minor(py) > 7)
			return false;
	return true;
}

// What lies on top of the stack of a suspended frame: what it waits for.
static uint64_t top_of_stack(const struct place *p)
{
	struct rs_refs refs;
	uint64_t top = 0, found = 0;
	struct rs_error *err = rs_refs_init(&refs, true);

	if (!err)
		p->py->base.ops->read(&p->py->base,
				      rs_py_minor(p->py) >= 11 ? p->generator
							       : p->frame,
				      NULL, false, &refs);
	for (uint32_t i = 0; !err && i < refs.n; i++)
		if (refs.label[i].kind == RS_LABEL_STACK &&
		    refs.label[i].a + 1 > top) {
			top = refs.label[i].a + 1;
			found = refs.target[i];
		}
	rs_error_free(err);
	rs_refs_fini(&refs);
	return found;
}

static bool delegates(const struct place *p)
{
	struct rs_cpython *py = p->py;
	const unsigned minor = rs_py_minor(py);
	uint8_t op = 0, arg = 0;

	if (minor >= 13)
		return p->state == states_of(py).delegates;
	if (minor >= 11)
		return !instruction(p, p->at + 1, &op, &arg) ||
		       (op == opcodes_of(py).resume && arg >= RS_DELEGATES);
	uint32_t last = 0;
	const uint64_t bytes =
		rs_py_get(py, p->code, RS_F_PyCodeObject__co_code);
	const uint64_t start =
		bytes + (uint64_t)rs_py_off(py, RS_F_PyBytesObject__ob_sval);

	(void)rs_memory_u32(
		py->base.memory,
		p->frame + (uint64_t)rs_py_off(py, RS_F_PyFrameObject__f_lasti),
		&last);
	const uint64_t next =
		minor >= 10 ? 2 * ((uint64_t)last + 1) : (uint64_t)last + 2;
	const uint8_t *p_op = rs_memory_at(py->base.memory, start + next, 1);
	return !p_op || *p_op == RS_YIELD_FROM;
}

// Of a frame from 3.11 on. @return what is known without looking at its code:
// RS_ENDING_LETS_GO stands for a suspended one.
static enum rs_ending open_new(struct place *p, bool *created)
{
	struct rs_cpython *py = p->py;
	const int32_t at = rs_py_off(py, RS_F_PyGenObject__gi_iframe);
	const int32_t state_at =
		rs_py_off(py, RS_F_PyGenObject__gi_frame_state);
	const bool by_next = rs_py_minor(py) >= 13;
	const struct states states = states_of(py);
	const int8_t *state;

	if (at < 0 || state_at < 0 || !opcodes_of(py).reraise ||
	    !(state = rs_memory_at(py->base.memory,
				   p->generator + (uint64_t)state_at, 1)))
		return RS_ENDING_CODE;
	p->state = *state;
	if (p->state >= states.completed)
		return RS_ENDING_NONE;
	*created = p->state == states.created;
	p->frame = p->generator + (uint64_t)at;
	p->code =
		rs_py_get(py, p->frame,
			  rs_py_off(py,
				    RS_F__PyInterpreterFrame__f_executable) >= 0
				  ? RS_F__PyInterpreterFrame__f_executable
				  : RS_F__PyInterpreterFrame__f_code) &
		~UINT64_C(3);
	// Whoever has its frame object gets what is in it.
	if (!p->code || p->state == states.executing ||
	    rs_py_get(py, p->frame, RS_F__PyInterpreterFrame__frame_obj))
		return RS_ENDING_CODE;
	const uint64_t word =
		rs_py_get(py, p->frame,
			  by_next ? RS_F__PyInterpreterFrame__instr_ptr
				  : RS_F__PyInterpreterFrame__prev_instr);
	const uint64_t first =
		p->code +
		(uint64_t)rs_py_off(py, RS_F_PyCodeObject__co_code_adaptive);
	p->at = (word - first) / 2 - by_next;
	return RS_ENDING_LETS_GO;
}

static enum rs_ending open_old(struct place *p, bool *created)
{
	struct rs_cpython *py = p->py;
	const int32_t last_at = rs_py_off(py, RS_F_PyFrameObject__f_lasti);
	uint32_t last = 0;

	p->frame = rs_py_get(py, p->generator, RS_F_PyGenObject__gi_frame);
	if (!p->frame)
		return RS_ENDING_NONE;
	p->code = rs_py_get(py, p->frame, RS_F_PyFrameObject__f_code);
	if (last_at < 0 || !rs_memory_u32(py->base.memory,
					  p->frame + (uint64_t)last_at, &last))
		return RS_ENDING_CODE;
	*created = (int32_t)last < 0;
	return RS_ENDING_LETS_GO;
}

// Who is to finish an asynchronous generator, asked by a hook of the loop's.
static bool has_hook(const struct place *p, const struct rs_py_type *t)
{
	struct rs_cpython *py = p->py;

	return strcmp(t->name, "async_generator") == 0 &&
	       (rs_py_get(py, p->generator,
			  RS_F_PyAsyncGenObject__ag_finalizer) ||
		rs_py_get(py, p->generator,
			  RS_F_PyAsyncGenObject__ag_origin_or_finalizer));
}

// @param[out] inner What it waits for, which is closed first; 0: nothing.
static enum rs_ending generator_ending(struct rs_cpython *py,
				       const struct rs_py_type *t,
				       uint64_t generator, uint64_t *inner)
{
	struct place p = {.py = py, .generator = generator};
	const bool new = rs_py_minor(py) >= 11;
	bool created = false;
	const enum rs_ending known =
		new ? open_new(&p, &created) : open_old(&p, &created);

	*inner = 0;
	if (known != RS_ENDING_LETS_GO)
		return known;
	if (has_hook(&p, t))
		return RS_ENDING_CODE;
	// A coroutine that was never awaited warns. Not each patch release of
	// 3.12 and 3.13 clears the frame of one that has not begun.
	if (created)
		return strcmp(t->name, "coroutine") == 0 ||
				       rs_py_minor(py) == 12 ||
				       rs_py_minor(py) == 13
			       ? RS_ENDING_CODE
			       : RS_ENDING_LETS_GO;
	if (!(new ? leaves_new_frame(&p) : leaves_old_frame(&p)))
		return RS_ENDING_CODE;
	if (delegates(&p) && !(*inner = top_of_stack(&p)))
		return RS_ENDING_CODE;
	return RS_ENDING_LETS_GO;
}

static enum rs_ending all_generators(struct rs_cpython *py,
				     const struct rs_py_type *t,
				     uint64_t object)
{
	uint64_t inner = 0;
	const enum rs_ending first = generator_ending(py, t, object, &inner);

	for (int i = 0; inner && first == RS_ENDING_LETS_GO; i++) {
		const struct rs_py_type *of = rs_py_known_of(py, inner);
		uint64_t next = 0;

		// Of any other, close() is called.
		if (i == RS_INNER_MAX || !of || of->how != RS_PY_GENERATOR ||
		    of->address != of->base ||
		    generator_ending(py, of, inner, &next) == RS_ENDING_CODE)
			return RS_ENDING_CODE;
		inner = next;
	}
	// Its deferred counts do not tell what that frees.
	return first == RS_ENDING_LETS_GO && py->threaded ? RS_ENDING_CODE
							  : first;
}

// Types of C whose finalizer runs nothing of the program: they close a file.
static bool is_file(struct rs_cpython *py, const struct rs_py_type *t)
{
	const char *name = rs_py_type_name(py, t->base);

	if (!name)
		return false;
	return (strncmp(name, "_io.", 4) == 0 && t->address == t->base) ||
	       strcmp(name, "_socket.socket") == 0;
}

enum rs_ending
rs_py_ending(struct rs_runtime *rt, uint64_t address, const char **what)
{
	struct rs_cpython *py = rs_cpython(rt);
	const struct rs_py_type *t = rs_py_known_of(py, address);

	*what = "generators and coroutines, which are closed first";
	if (!t || py->known->old)
		return RS_ENDING_NONE;
	if (t->how == RS_PY_GENERATOR && t->address == t->base)
		return all_generators(py, t, address);
	*what = "finalizers of C types";
	return !rs_py_type_field(py, t->address,
				 RS_F__typeobject__tp_finalize) ||
			       is_file(py, t)
		       ? RS_ENDING_NONE
		       : RS_ENDING_CODE;
}
