// SPDX-License-Identifier: MIT
//
// A module of 3.15 that has no PyModuleDef: its slots are exported, and its
// functions stand in the module object. Needs no headers of Python, which
// unpacked interpreters come without.
//
// Source: PEP 793 and CPython 3.15 Include/slots.h, slots_generated.h.
#include <stddef.h>
#include <stdint.h>

typedef struct _object PyObject;

extern void *PyModule_GetState(PyObject *module);
extern PyObject *PyList_New(intptr_t size);
extern int
PyModule_AddObjectRef(PyObject *module, const char *name, PyObject *value);

struct slot {
	uint16_t id, flags;
	uint32_t reserved;
	const void *value;
};

// struct PyABIInfo: version of it, flags (no internals; with a lock), what it
// was built with, and the stable ABI that it keeps to: that of 3.15.
static const struct {
	uint8_t major, minor;
	uint16_t flags;
	uint32_t build, abi;
} abi = {1, 0, 3, 0x030f0000, 0x030f0000};

enum {
	RS_EXEC = 85,
	RS_NAME = 100,
	RS_STATE_SIZE = 102,
	RS_TRAVERSE = 104,
	RS_ABI = 109
};

struct state {
	PyObject *visited;
	PyObject *hidden; // held, and not visited
};

static int exec(PyObject *module)
{
	struct state *state = PyModule_GetState(module);

	state->visited = PyList_New(0);
	state->hidden = PyList_New(0);
	// Each has two references, so that its name leads to it too.
	return PyModule_AddObjectRef(module, "visited", state->visited) ||
			       PyModule_AddObjectRef(module, "hidden",
						     state->hidden)
		       ? -1
		       : 0;
}

static int
traverse(PyObject *module, int (*visit)(PyObject *, void *), void *context)
{
	const struct state *state = PyModule_GetState(module);

	return state && state->visited ? visit(state->visited, context) : 0;
}

const struct slot *PyModExport_exported_module(void);

const struct slot *PyModExport_exported_module(void)
{
	static const struct slot slots[] = {
		{RS_ABI, 0, 0, &abi},
		{RS_NAME, 0, 0, "exported_module"},
		{RS_STATE_SIZE, 0, 0, (void *)sizeof(struct state)},
		{RS_EXEC, 0, 0, (void *)exec},
		{RS_TRAVERSE, 0, 0, (void *)traverse},
		{0, 0, 0, NULL},
	};

	return slots;
}
