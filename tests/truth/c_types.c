// SPDX-License-Identifier: MIT
//
// Types of which reading cannot know what they tell the collector.
#include <Python.h>

struct pair {
	PyObject_HEAD PyObject *kept; // visited
	PyObject *data; // owned, and not visited: bytes are in no ring
	int apart; // tp_is_gc says no
};

static int pair_traverse(PyObject *self, visitproc visit, void *arg)
{
	Py_VISIT(((struct pair *)self)->kept);
	return 0;
}

static int pair_clear(PyObject *self)
{
	Py_CLEAR(((struct pair *)self)->kept);
	return 0;
}

static void pair_dealloc(PyObject *self)
{
	PyObject_GC_UnTrack(self);
	pair_clear(self);
	Py_CLEAR(((struct pair *)self)->data);
	Py_TYPE(self)->tp_free(self);
}

static int pair_init(PyObject *self, PyObject *args, PyObject *names)
{
	struct pair *p = (struct pair *)self;

	if (!PyArg_ParseTuple(args, "OOi", &p->kept, &p->data, &p->apart))
		return -1;
	Py_INCREF(p->kept);
	Py_INCREF(p->data);
	return 0;
}

static int pair_is_gc(PyObject *self)
{
	return !((struct pair *)self)->apart;
}

struct far {
	PyObject_HEAD PyObject **kept; // in a block of its own, and visited
};

// Borrowed, and never read.
static struct far *volatile last_far;

static int far_traverse(PyObject *self, visitproc visit, void *arg)
{
	const struct far *f = (struct far *)self;

	if (f->kept)
		Py_VISIT(*f->kept);
	return 0;
}

static int far_clear(PyObject *self)
{
	const struct far *f = (struct far *)self;

	if (f->kept)
		Py_CLEAR(*f->kept);
	return 0;
}

static void far_dealloc(PyObject *self)
{
	PyObject_GC_UnTrack(self);
	far_clear(self);
	PyMem_Free(((struct far *)self)->kept);
	Py_TYPE(self)->tp_free(self);
}

static int far_init(PyObject *self, PyObject *args, PyObject *names)
{
	struct far *f = (struct far *)self;
	PyObject *kept;

	if (!PyArg_ParseTuple(args, "O", &kept))
		return -1;
	f->kept = PyMem_Malloc(sizeof(PyObject *));
	if (!f->kept)
		return -1;
	Py_INCREF(kept);
	*f->kept = kept;
	last_far = f;
	return 0;
}

static PyTypeObject far_type = {
	PyVarObject_HEAD_INIT(NULL, 0).tp_name = "c_types.Far",
	.tp_basicsize = sizeof(struct far),
	.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
	.tp_new = PyType_GenericNew,
	.tp_init = far_init,
	.tp_traverse = far_traverse,
	.tp_clear = far_clear,
	.tp_dealloc = far_dealloc,
};

static PyTypeObject pair_type = {
	PyVarObject_HEAD_INIT(NULL, 0).tp_name = "c_types.Pair",
	.tp_basicsize = sizeof(struct pair),
	.tp_flags =
		Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE,
	.tp_new = PyType_GenericNew,
	.tp_init = pair_init,
	.tp_traverse = pair_traverse,
	.tp_clear = pair_clear,
	.tp_dealloc = pair_dealloc,
};

static PyTypeObject apart_type = {
	PyVarObject_HEAD_INIT(NULL, 0).tp_name = "c_types.Apart",
	.tp_basicsize = sizeof(struct pair),
	.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
	.tp_new = PyType_GenericNew,
	.tp_init = pair_init,
	.tp_traverse = pair_traverse,
	.tp_clear = pair_clear,
	.tp_dealloc = pair_dealloc,
	.tp_is_gc = pair_is_gc,
};

#if PY_VERSION_HEX >= 0x03090000
// Its traverse function does not visit the type, which its objects own.
static PyType_Slot silent_slots[] = {
	{Py_tp_traverse, pair_traverse},
	{Py_tp_clear, pair_clear},
	{0, NULL},
};
static PyType_Spec silent_spec = {
	"c_types.Silent",
	sizeof(struct pair),
	0,
	Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
	silent_slots,
};

static PyObject *make_silent(PyObject *self, PyObject *none)
{
	return PyType_FromSpec(&silent_spec);
}
#endif

static PyMethodDef functions[] = {
#if PY_VERSION_HEX >= 0x03090000
	{"make_silent", make_silent, METH_NOARGS, NULL},
#endif
	{NULL, NULL, 0, NULL},
};

static void fill(PyObject *module)
{
	if (!module || PyType_Ready(&pair_type) || PyType_Ready(&apart_type) ||
	    PyType_Ready(&far_type))
		return;
	PyModule_AddObject(module, "Pair", (PyObject *)&pair_type);
	PyModule_AddObject(module, "Apart", (PyObject *)&apart_type);
	PyModule_AddObject(module, "Far", (PyObject *)&far_type);
}

#if PY_MAJOR_VERSION >= 3
static struct PyModuleDef definition = {
	PyModuleDef_HEAD_INIT, "c_types", NULL, -1, functions,
};

PyMODINIT_FUNC PyInit_c_types(void)
{
	PyObject *module = PyModule_Create(&definition);

	fill(module);
	return module;
}
#else
PyMODINIT_FUNC initc_types(void)
{
	fill(Py_InitModule("c_types", functions));
}
#endif
