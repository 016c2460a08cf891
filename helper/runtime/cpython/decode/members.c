// SPDX-License-Identifier: MIT
#include "runtime/cpython/decode/members.h"

// A field whose offset the layout knows; one that only some versions visit;
// one that is counted but not visited; a word behind the object's header.
// clang-format off
#define CTYPES_METATYPES \
	"_ctypes.CType_Type|_ctypes.PyCSimpleType|_ctypes.PyCStructType|" \
	"_ctypes.UnionType|_ctypes.PyCPointerType|_ctypes.PyCArrayType|" \
	"_ctypes.PyCFuncPtrType"
#define ALWAYS 0, UINT16_MAX
#define V(s, f, label) \
	{ label, RS_F_##s##__##f, 0, RS_STRONG, ALWAYS }
#define VV(s, f, label, from, to) \
	{ label, RS_F_##s##__##f, 0, RS_STRONG, \
	  RS_PY_FIRST(from), RS_PY_LAST(to) }
#define O(s, f, label) \
	{ label, RS_F_##s##__##f, 0, RS_OWNED, ALWAYS }
#define W(word, label) \
	{ label, -1, word, RS_STRONG, ALWAYS }
#define WV(word, label, from, to) \
	{ label, -1, word, RS_STRONG, RS_PY_FIRST(from), RS_PY_LAST(to) }
#define WO(word, label, from, to) \
	{ label, -1, word, RS_OWNED, RS_PY_FIRST(from), RS_PY_LAST(to) }
#define END { NULL, -1, 0, 0, 0, 0 }
#define LIST(...) (const struct rs_py_shape_member[]){ __VA_ARGS__, END }
#define SHAPE(names, ...) \
	{ names, RS_PY_PLAIN, ALWAYS, LIST(__VA_ARGS__), NULL }
#define SHAPE_IN(names, from, to, ...) \
	{ names, RS_PY_PLAIN, RS_PY_FIRST(from), RS_PY_LAST(to), \
	  LIST(__VA_ARGS__), NULL }
#define SPECIAL(names, how, ...) \
	{ names, how, ALWAYS, LIST(__VA_ARGS__), NULL }
#define BARE(names, how) { names, how, ALWAYS, NULL, NULL }
#define ERROR(names, ...) \
	{ names, RS_PY_PLAIN, ALWAYS, LIST(__VA_ARGS__), exception }
#define ERROR_IN(names, from, to, ...) \
	{ names, RS_PY_PLAIN, RS_PY_FIRST(from), RS_PY_LAST(to), \
	  LIST(__VA_ARGS__), exception }
// The name of a type variable and such: forgotten up to 3.13.9, and in 3.14.0
// (gh-140000).
#define TYPE_NAME \
	{ "__name__", -1, 0, RS_OWNED, RS_PY_FIRST(12), 13 << 8 | 9 }, \
	{ "__name__", -1, 0, RS_STRONG, 13 << 8 | 10, 13 << 8 | 255 }, \
	{ "__name__", -1, 0, RS_OWNED, 14 << 8 | 0, 14 << 8 | 0 }, \
	{ "__name__", -1, 0, RS_STRONG, 14 << 8 | 1, UINT16_MAX }
static const struct rs_py_shape_member exception[] = {
	V(PyBaseExceptionObject, dict, "__dict__"),
	V(PyBaseExceptionObject, args, "args"),
	V(PyBaseExceptionObject, message, "message"),
	V(PyBaseExceptionObject, notes, "__notes__"),
	V(PyBaseExceptionObject, traceback, "__traceback__"),
	V(PyBaseExceptionObject, context, "__context__"),
	V(PyBaseExceptionObject, cause, "__cause__"),
	END,
};

static const struct rs_py_shape shapes[] = {
	// Leaves, the most frequent first.
	BARE("str|int|bytes|float|bool|NoneType|unicode|long|complex|"
	     "ellipsis|NotImplementedType|basestring|xrange|rangeiterator|range_iterator|"
	     "datetime.date|datetime.timedelta|array.array|thread.lock|"
	     "_thread.lock|_thread.RLock|_thread._ThreadHandle|"
	     "EncodingMap|decimal.Decimal|"
	     "_random.Random|_struct.unpack_iterator|PyCObject|"
	     "zlib.Compress|moduledef|fieldnameiterator|"
	     "formatteriterator|_thread._localdummy|"
	     "thread._localdummy", RS_PY_PLAIN),

	// 3.15 keeps its bytes in an object that only it refers to.
	SHAPE("bytearray", O(PyByteArrayObject, ob_bytes_object, "buffer")),
	SHAPE("sentinel", V(sentinelobject, name, "__name__"),
	      V(sentinelobject, module, "__module__"),
	      V(sentinelobject, repr, "repr")),
	SHAPE("lazy_import", V(PyLazyImportObject, lz_builtins, "builtins"),
	      V(PyLazyImportObject, lz_from, "from"),
	      V(PyLazyImportObject, lz_attr, "attr"),
	      V(PyLazyImportObject, lz_code, "code")),
	BARE("PyCapsule|types.CapsuleType", RS_PY_CAPSULE),

	// Containers.
	BARE("list", RS_PY_LIST),
	BARE("tuple", RS_PY_TUPLE),
	BARE("dict|frozendict", RS_PY_DICT),
	BARE("set|frozenset", RS_PY_SET),
	SPECIAL("collections.defaultdict", RS_PY_DICT,
		V(defdictobject, default_factory, "default_factory")),
	SPECIAL("collections.OrderedDict", RS_PY_ODICT,
		V(_odictobject, od_inst_dict, "__dict__")),
	BARE("collections.deque", RS_PY_DEQUE),
	BARE("type", RS_PY_TYPE),

	// numpy, all releases (arrayscalars.h).
	SPECIAL("numpy.ndarray", RS_PY_NDARRAY, W(32, "base"), W(40, "dtype"),
		W(72, "mem_handler")),
	BARE("numpy.dtype", RS_PY_DTYPE),
	SHAPE("numpy.void", W(16, "dtype"), W(32, "base")),
	BARE("numpy.bool_|numpy.bool|numpy.int8|numpy.int16|numpy.int32|"
	     "numpy.int64|numpy.longlong|numpy.uint8|numpy.uint16|"
	     "numpy.uint32|numpy.uint64|numpy.ulonglong|numpy.float16|"
	     "numpy.float32|numpy.float64|numpy.float128|numpy.longdouble|"
	     "numpy.complex64|numpy.complex128|numpy.complex256|"
	     "numpy.clongdouble|numpy.datetime64|numpy.timedelta64",
	     RS_PY_PLAIN),

	// Code.
	SHAPE("function",
	      V(PyFunctionObject, func_code, "__code__"),
	      V(PyFunctionObject, func_globals, "__globals__"),
	      V(PyFunctionObject, func_builtins, "__builtins__"),
	      V(PyFunctionObject, func_module, "__module__"),
	      V(PyFunctionObject, func_defaults, "__defaults__"),
	      V(PyFunctionObject, func_kwdefaults, "__kwdefaults__"),
	      V(PyFunctionObject, func_doc, "__doc__"),
	      V(PyFunctionObject, func_name, "__name__"),
	      V(PyFunctionObject, func_dict, "__dict__"),
	      V(PyFunctionObject, func_closure, "__closure__"),
	      V(PyFunctionObject, func_annotations, "__annotations__"),
	      V(PyFunctionObject, func_annotate, "__annotate__"),
	      V(PyFunctionObject, func_typeparams, "__type_params__"),
	      V(PyFunctionObject, func_qualname, "__qualname__")),
	SHAPE("method",
	      V(PyMethodObject, im_func, "__func__"),
	      V(PyMethodObject, im_self, "__self__")),
	SHAPE_IN("instancemethod", 0, 0,
	      V(PyMethodObject, im_func, "im_func"),
	      V(PyMethodObject, im_self, "im_self"),
	      V(PyMethodObject, im_class, "im_class")),
	SHAPE_IN("instancemethod", 1, 99,
	      V(PyInstanceMethodObject, func, "__func__")),
	SHAPE("builtin_function_or_method",
	      V(PyCFunctionObject, m_self, "__self__"),
	      V(PyCFunctionObject, m_module, "__module__")),
	SHAPE("builtin_method",
	      V(PyCFunctionObject, m_self, "__self__"),
	      V(PyCFunctionObject, m_module, "__module__"),
	      V(PyCMethodObject, mm_class, "mm_class")),
	SHAPE("cell", V(PyCellObject, ob_ref, "cell_contents")),
	BARE("code", RS_PY_CODE),
	{ "uop_executor", RS_PY_EXECUTOR, RS_PY_FIRST(15), UINT16_MAX,
	  NULL, NULL },
	BARE("frame", RS_PY_FRAME),
	BARE("generator|coroutine|async_generator", RS_PY_GENERATOR),
	SHAPE("coroutine_wrapper",
	      V(PyCoroWrapper, cw_coroutine, "cw_coroutine")),
	SHAPE("async_generator_asend",
	      V(PyAsyncGenASend, ags_gen, "ags_gen"),
	      V(PyAsyncGenASend, ags_sendval, "ags_sendval")),
	SHAPE("async_generator_athrow",
	      V(PyAsyncGenAThrow, agt_gen, "agt_gen"),
	      V(PyAsyncGenAThrow, agt_args, "agt_args"),
	      V(PyAsyncGenAThrow, agt_typ, "agt_typ"),
	      V(PyAsyncGenAThrow, agt_tb, "agt_tb"),
	      V(PyAsyncGenAThrow, agt_val, "agt_val")),
	SHAPE("async_generator_wrapped_value",
	      V(_PyAsyncGenWrappedValue, agw_val, "agw_val")),
	SHAPE("anext_awaitable", W(0, "wrapped"), W(8, "default_value")),
	SHAPE("traceback",
	      V(_traceback, tb_next, "tb_next"),
	      V(_traceback, tb_frame, "tb_frame")),
	SHAPE("classmethod",
	      V(classmethod, cm_callable, "__func__"),
	      V(classmethod, cm_dict, "__dict__")),
	SHAPE("staticmethod",
	      V(staticmethod, sm_callable, "__func__"),
	      V(staticmethod, sm_dict, "__dict__")),
	SHAPE("property",
	      V(propertyobject, prop_get, "fget"),
	      V(propertyobject, prop_set, "fset"),
	      V(propertyobject, prop_del, "fdel"),
	      V(propertyobject, prop_doc, "__doc__"),
	      V(propertyobject, prop_name, "__name__")),
	SHAPE("wrapper_descriptor|method_descriptor|classmethod_descriptor|"
	      "member_descriptor|getset_descriptor",
	      V(PyDescrObject, d_type, "__objclass__"),
	      O(PyDescrObject, d_name, "__name__"),
	      O(PyDescrObject, d_qualname, "__qualname__")),
	SHAPE("method-wrapper",
	      V(wrapperobject, descr, "descr"),
	      V(wrapperobject, self, "__self__")),
	SHAPE("super",
	      V(superobject, type, "__thisclass__"),
	      V(superobject, obj, "__self__"),
	      V(superobject, obj_type, "__self_class__")),
	SPECIAL("module", RS_PY_MODULE,
		V(PyModuleObject, md_dict, "__dict__"),
		O(PyModuleObject, md_name, "md_name")),
	SPECIAL("weakref|weakref.ReferenceType|weakproxy|weakcallableproxy|"
		"weakref.ProxyType|weakref.CallableProxyType", RS_PY_WEAKREF,
		V(_PyWeakReference, wr_callback, "__callback__")),
	SHAPE("ast.AST|_ast.AST", W(0, "__dict__")),
	SHAPE("types.SimpleNamespace|namespace", W(0, "__dict__")),
	SHAPE("mappingproxy", V(mappingproxyobject, mapping, "mapping")),
	SHAPE("dictproxy", V(proxyobject, dict, "dict")),
	SHAPE("instance",
	      V(PyInstanceObject, in_class, "__class__"),
	      V(PyInstanceObject, in_dict, "__dict__")),
	SHAPE("classobj",
	      V(PyClassObject, cl_bases, "__bases__"),
	      V(PyClassObject, cl_dict, "__dict__"),
	      V(PyClassObject, cl_name, "__name__"),
	      V(PyClassObject, cl_getattr, "__getattr__"),
	      V(PyClassObject, cl_setattr, "__setattr__"),
	      V(PyClassObject, cl_delattr, "__delattr__")),

	// Views and iterators.
	SHAPE("slice",
	      V(PySliceObject, start, "start"),
	      V(PySliceObject, stop, "stop"),
	      V(PySliceObject, step, "step")),
	SHAPE("range",
	      V(rangeobject, start, "start"),
	      V(rangeobject, stop, "stop"),
	      V(rangeobject, step, "step"),
	      V(rangeobject, length, "length")),
	SHAPE_IN("longrange_iterator", 0, 11,
	      W(0, "index"), W(8, "start"), W(16, "step"), W(24, "len")),
	SHAPE_IN("longrange_iterator", 12, 99,
	      W(0, "start"), W(8, "step"), W(16, "len")),
	SHAPE("dict_keys|dict_values|dict_items|odict_keys|odict_values|"
	      "odict_items", V(_PyDictViewObject, dv_dict, "mapping"),
	      V(dictviewobject, dv_dict, "mapping")),
	SHAPE("dict_keyiterator|dict_valueiterator|dict_itemiterator|"
	      "dict_reversekeyiterator|dict_reversevalueiterator|"
	      "dict_reverseitemiterator|dictionary-keyiterator|"
	      "dictionary-valueiterator|dictionary-itemiterator",
	      V(dictiterobject, di_dict, "di_dict"),
	      V(dictiterobject, di_result, "di_result")),
	SHAPE("odict_iterator",
	      V(odictiterobject, di_odict, "di_odict"),
	      V(odictiterobject, di_current, "di_current"),
	      VV(odictiterobject, di_result, "di_result", 0, 8)),
	SHAPE("list_iterator|listiterator|list_reverseiterator|"
	      "listreverseiterator",
	      VV(listiterobject, it_seq, "it_seq", 0, 11),
	      VV(_PyListIterObject, it_seq, "it_seq", 12, 99)),
	SHAPE("tuple_iterator|tupleiterator",
	      VV(tupleiterobject, it_seq, "it_seq", 0, 11),
	      VV(_PyTupleIterObject, it_seq, "it_seq", 12, 99)),
	SHAPE("set_iterator|setiterator", V(setiterobject, si_set, "si_set")),
	SHAPE("iterator", V(seqiterobject, it_seq, "it_seq")),
	SHAPE("str_iterator|str_ascii_iterator|bytes_iterator|"
	      "bytearray_iterator|memory_iterator|array.arrayiterator|"
	      "arrayiterator", W(8, "it_seq")),
	SHAPE("callable_iterator|callable-iterator",
	      V(calliterobject, it_callable, "it_callable"),
	      V(calliterobject, it_sentinel, "it_sentinel")),
	SHAPE("enumerate",
	      V(enumobject, en_sit, "en_sit"),
	      V(enumobject, en_result, "en_result"),
	      V(enumobject, en_longindex, "en_longindex")),
	SHAPE("reversed", V(reversedobject, seq, "seq")),
	SHAPE("zip|itertools.izip",
	      V(zipobject, ittuple, "ittuple"),
	      V(zipobject, result, "result"),
	      V(izipobject, ittuple, "ittuple"),
	      V(izipobject, result, "result")),
	SHAPE("map|itertools.imap",
	      V(mapobject, iters, "iters"), V(mapobject, func, "func"),
	      V(imapobject, iters, "iters"), V(imapobject, func, "func")),
	SHAPE("filter|itertools.ifilter",
	      V(filterobject, func, "func"), V(filterobject, it, "it"),
	      V(ifilterobject, func, "func"), V(ifilterobject, it, "it")),
	SHAPE("collections._deque_iterator|"
	      "collections._deque_reverse_iterator|"
	      "_collections._deque_iterator|_collections._deque_reverse_iterator|"
	      "deque_iterator|deque_reverse_iterator",
	      V(dequeiterobject, deque, "deque")),
	SHAPE("collections._tuplegetter|_collections._tuplegetter",
	      W(8, "__doc__")),
	SHAPE("memoryview",
	      V(PyMemoryViewObject, mbuf, "mbuf"),
	      VV(PyMemoryViewObject, base, "base", 0, 0),
	      VV(PyMemoryViewObject, view__obj, "obj", 0, 0)),
	SHAPE("managedbuffer",
	      V(_PyManagedBufferObject, master__obj, "obj")),
	SHAPE("PickleBuffer|pickle.PickleBuffer",
	      V(PyPickleBufferObject, view__obj, "obj")),

	// itertools.
	SHAPE("itertools.count",
	      V(countobject, long_cnt, "long_cnt"),
	      V(countobject, long_step, "long_step")),
	SHAPE("itertools.cycle",
	      V(cycleobject, it, "it"), V(cycleobject, saved, "saved")),
	SHAPE("itertools.chain",
	      V(chainobject, source, "source"),
	      V(chainobject, active, "active")),
	SHAPE("itertools.repeat", V(repeatobject, element, "element")),
	SHAPE("itertools.tee|itertools._tee",
	      V(teeobject, dataobj, "dataobj")),
	SPECIAL("itertools._tee_dataobject|itertools.tee_dataobject",
		RS_PY_TEE_DATA, V(teedataobject, it, "it"),
		V(teedataobject, nextlink, "nextlink")),
	SHAPE("itertools.islice", V(isliceobject, it, "it")),
	SHAPE("itertools.starmap",
	      V(starmapobject, func, "func"), V(starmapobject, it, "it")),
	SHAPE("itertools.groupby",
	      V(groupbyobject, it, "it"),
	      V(groupbyobject, keyfunc, "keyfunc"),
	      V(groupbyobject, tgtkey, "tgtkey"),
	      V(groupbyobject, currkey, "currkey"),
	      V(groupbyobject, currvalue, "currvalue")),
	SHAPE("itertools._grouper",
	      V(_grouperobject, parent, "parent"),
	      V(_grouperobject, tgtkey, "tgtkey")),
	SHAPE("itertools.product",
	      V(productobject, pools, "pools"),
	      V(productobject, result, "result")),
	SHAPE("itertools.combinations",
	      V(combinationsobject, pool, "pool"),
	      V(combinationsobject, result, "result")),
	SHAPE("itertools.combinations_with_replacement",
	      V(cwrobject, pool, "pool"), V(cwrobject, result, "result")),
	SHAPE("itertools.permutations",
	      V(permutationsobject, pool, "pool"),
	      V(permutationsobject, result, "result")),
	SHAPE("itertools.accumulate",
	      V(accumulateobject, binop, "binop"),
	      V(accumulateobject, it, "it"),
	      V(accumulateobject, total, "total"),
	      V(accumulateobject, initial, "initial")),
	SHAPE("itertools.takewhile",
	      V(takewhileobject, func, "func"), V(takewhileobject, it, "it")),
	SHAPE("itertools.dropwhile",
	      V(dropwhileobject, func, "func"), V(dropwhileobject, it, "it")),
	SHAPE("itertools.filterfalse|itertools.ifilterfalse",
	      W(0, "func"), W(8, "it")),
	SHAPE("itertools.compress",
	      V(compressobject, data, "data"),
	      V(compressobject, selectors, "selectors")),
	SHAPE_IN("itertools.zip_longest|itertools.izip_longest", 1, 99,
	      V(ziplongestobject, ittuple, "ittuple"),
	      V(ziplongestobject, result, "result"),
	      V(ziplongestobject, fillvalue, "fillvalue")),
	SHAPE_IN("itertools.izip_longest", 0, 0,
	      W(16, "ittuple"), W(24, "result"), W(32, "fillvalue")),
	SHAPE("itertools.pairwise",
	      V(pairwiseobject, it, "it"), V(pairwiseobject, old, "old"),
	      V(pairwiseobject, result, "result")),
	SHAPE("itertools.batched", V(batchedobject, it, "it")),

	// functools, operator, collections.abc, re, contextvars, asyncio.
	SHAPE("functools.partial",
	      V(partialobject, fn, "func"), V(partialobject, args, "args"),
	      V(partialobject, kw, "keywords"),
	      V(partialobject, dict, "__dict__")),
	SHAPE("functools.KeyWrapper",
	      V(keyobject, cmp, "cmp"), V(keyobject, object, "obj")),
	SPECIAL("functools._lru_cache_wrapper", RS_PY_LRU_CACHE,
		V(lru_cache_object, func, "__wrapped__"),
		V(lru_cache_object, cache, "cache"),
		V(lru_cache_object, cache_info_type, "cache_info_type"),
		V(lru_cache_object, kwd_mark, "kwd_mark"),
		V(lru_cache_object, lru_list_elem_type, "lru_list_elem_type"),
		V(lru_cache_object, maxsize_O, "maxsize"),
		V(lru_cache_object, dict, "__dict__")),
	SHAPE_IN("functools._lru_list_elem", 0, 6,
		V(lru_list_elem, key, "key"),
		V(lru_list_elem, result, "result")),
	// From 3.7 on the wrapper tells what its links hold.
	{ "functools._lru_list_elem", RS_PY_LRU_LINK, RS_PY_FIRST(7),
	  UINT16_MAX, NULL, NULL },
	SHAPE("operator.itemgetter", W(8, "item")),
	SHAPE("operator.attrgetter", W(8, "attr")),
	SHAPE("operator.methodcaller",
	      WO(0, "name", 0, 9), WV(0, "name", 10, 99), W(8, "args"),
	      W(16, "kwds"), WV(24, "vectorcall_args", 14, 99),
	      WV(32, "vectorcall_kwnames", 14, 99)),
	SHAPE("_abc._abc_data|_abc_data", W(0, "_abc_registry"),
	      W(8, "_abc_cache"), W(16, "_abc_negative_cache")),
	SHAPE("re.Pattern|_sre.SRE_Pattern", W(16, "groupindex"),
	      W(24, "indexgroup"), W(32, "pattern")),
	SHAPE("re.Match|_sre.SRE_Match", W(8, "string"), W(16, "regs"),
	      W(24, "re")),
	SHAPE("Context|_contextvars.Context",
	      V(_pycontextobject, ctx_prev, "ctx_prev"),
	      V(_pycontextobject, ctx_vars, "ctx_vars")),
	SHAPE("ContextVar|_contextvars.ContextVar",
	      V(_pycontextvarobject, var_name, "name"),
	      V(_pycontextvarobject, var_default, "default")),
	SHAPE("Token|_contextvars.Token",
	      V(_pycontexttokenobject, tok_ctx, "ctx"),
	      V(_pycontexttokenobject, tok_var, "var"),
	      V(_pycontexttokenobject, tok_oldval, "old_value")),
	SHAPE("hamt", V(PyHamtObject, h_root, "h_root")),
	BARE("hamt_bitmap_node", RS_PY_HAMT_BITMAP),
	BARE("hamt_array_node", RS_PY_HAMT_ARRAY),
	BARE("hamt_collision_node", RS_PY_HAMT_COLLISION),
	SHAPE("_asyncio.Future",
	      V(FutureObj, fut_loop, "_loop"),
	      V(FutureObj, fut_callback0, "fut_callback0"),
	      V(FutureObj, fut_context0, "fut_context0"),
	      V(FutureObj, fut_callbacks, "_callbacks"),
	      V(FutureObj, fut_exception, "_exception"),
	      V(FutureObj, fut_exception_tb, "fut_exception_tb"),
	      V(FutureObj, fut_result, "_result"),
	      V(FutureObj, fut_source_tb, "_source_traceback"),
	      V(FutureObj, fut_cancel_msg, "_cancel_message"),
	      V(FutureObj, fut_cancelled_exc, "fut_cancelled_exc"),
	      V(FutureObj, fut_cancelled_exc_state__exc_type, "exc_type"),
	      V(FutureObj, fut_cancelled_exc_state__exc_value, "exc_value"),
	      V(FutureObj, fut_cancelled_exc_state__exc_traceback, "exc_tb"),
	      V(FutureObj, fut_awaited_by, "fut_awaited_by"),
	      V(FutureObj, dict, "__dict__")),
	SHAPE("_asyncio.Task",
	      V(TaskObj, task_loop, "_loop"),
	      V(TaskObj, task_callback0, "task_callback0"),
	      V(TaskObj, task_context0, "task_context0"),
	      V(TaskObj, task_callbacks, "_callbacks"),
	      V(TaskObj, task_exception, "_exception"),
	      V(TaskObj, task_exception_tb, "task_exception_tb"),
	      V(TaskObj, task_result, "_result"),
	      V(TaskObj, task_source_tb, "_source_traceback"),
	      V(TaskObj, task_cancel_msg, "_cancel_message"),
	      V(TaskObj, task_cancelled_exc, "task_cancelled_exc"),
	      V(TaskObj, task_cancelled_exc_state__exc_type, "exc_type"),
	      V(TaskObj, task_cancelled_exc_state__exc_value, "exc_value"),
	      V(TaskObj, task_cancelled_exc_state__exc_traceback, "exc_tb"),
	      V(TaskObj, task_awaited_by, "task_awaited_by"),
	      V(TaskObj, task_fut_waiter, "_fut_waiter"),
	      V(TaskObj, task_coro, "_coro"),
	      V(TaskObj, task_name, "_name"),
	      V(TaskObj, task_context, "_context"),
	      V(TaskObj, dict, "__dict__")),
	SHAPE("TaskStepMethWrapper|_asyncio.TaskStepMethWrapper",
	      V(TaskStepMethWrapper, sw_task, "sw_task"),
	      V(TaskStepMethWrapper, sw_arg, "sw_arg")),
	SHAPE("TaskWakeupMethWrapper|_asyncio.TaskWakeupMethWrapper",
	      W(0, "ww_task")),
	SHAPE("_asyncio.FutureIter", V(futureiterobject, future, "future")),
	SHAPE("_thread._local|thread._local",
	      V(localobject, args, "args"), V(localobject, kw, "kw"),
	      V(localobject, dummies, "dummies"),
	      V(localobject, localdicts, "localdicts"),
	      V(localobject, thread_watchdogs, "thread_watchdogs"),
	      O(localobject, key, "key"),
	      O(localobject, wr_callback, "wr_callback")),
	SHAPE_IN("_queue.SimpleQueue", 7, 12, W(16, "lst")),
	{ "_queue.SimpleQueue", RS_PY_RING, RS_PY_FIRST(13), UINT16_MAX,
	  NULL, NULL },

	// typing and annotations.
	SHAPE("types.GenericAlias",
	      V(gaobject, origin, "__origin__"), V(gaobject, args, "__args__"),
	      V(gaobject, parameters, "__parameters__")),
	SHAPE("types.UnionType|typing.Union|types.Union",
	      V(unionobject, args, "__args__"),
	      V(unionobject, hashable_args, "hashable_args"),
	      V(unionobject, unhashable_args, "unhashable_args"),
	      V(unionobject, parameters, "__parameters__")),
	SHAPE_IN("typing.TypeVar", 12, 12,
	      TYPE_NAME, W(8, "__bound__"),
	      W(16, "evaluate_bound"), W(24, "__constraints__"),
	      W(32, "evaluate_constraints")),
	SHAPE_IN("typing.TypeVar", 13, 99,
	      TYPE_NAME, W(8, "__bound__"),
	      W(16, "evaluate_bound"), W(24, "__constraints__"),
	      W(32, "evaluate_constraints"), W(40, "__default__"),
	      W(48, "evaluate_default")),
	SHAPE("typing.ParamSpec",
	      TYPE_NAME, W(8, "__bound__"),
	      WV(16, "__default__", 13, 99),
	      WV(24, "evaluate_default", 13, 99)),
	SHAPE("typing.TypeVarTuple",
	      TYPE_NAME, WV(8, "__default__", 13, 99),
	      WV(16, "evaluate_default", 13, 99)),
	SHAPE("typing.ParamSpecArgs|typing.ParamSpecKwargs",
	      W(0, "__origin__")),
	SHAPE("typing.TypeAliasType",
	      TYPE_NAME, W(8, "__type_params__"),
	      W(16, "compute_value"), W(24, "__value__"),
	      W(32, "__module__")),

	// Template strings.
	SHAPE("string.templatelib.Interpolation", W(0, "value"),
	      W(8, "expression"), W(16, "conversion"), W(24, "format_spec")),
	SHAPE("string.templatelib.Template", W(0, "strings"),
	      W(8, "interpolations")),
	SHAPE("string.templatelib.TemplateIter", W(0, "strings"),
	      W(8, "interpolations")),

	// io.
	SHAPE("_io._IOBase|_io._RawIOBase|_io._BufferedIOBase|_io._TextIOBase",
	      W(0, "__dict__")),
	SHAPE_IN("_io.FileIO", 0, 0, W(16, "__dict__")),
	SHAPE_IN("_io.FileIO", 1, 99, W(24, "__dict__")),
	SHAPE_IN("_io.BytesIO", 0, 0, W(32, "__dict__")),
	SHAPE_IN("_io.BytesIO", 1, 99,
	      W(24, "__dict__"), WO(0, "buf", 0, 11), WV(0, "buf", 12, 99)),
	SHAPE("_io._BytesIOBuffer", W(0, "source")),
	SHAPE("_io.BufferedReader|_io.BufferedWriter|_io.BufferedRandom",
	      W(0, "raw"), W(120, "__dict__")),
	SHAPE("_io.BufferedRWPair",
	      WO(0, "reader", 0, 11), WV(0, "reader", 12, 99),
	      WO(8, "writer", 0, 11), WV(8, "writer", 12, 99),
	      W(16, "__dict__")),
	SHAPE_IN("_io.StringIO", 0, 0,
	      WO(40, "decoder", 0, 0), WO(48, "readnl", 0, 0),
	      WO(56, "writenl", 0, 0), W(64, "__dict__")),
	SHAPE_IN("_io.StringIO", 1, 11,
	      WO(64, "decoder", 0, 99), WO(72, "readnl", 0, 99),
	      WO(80, "writenl", 0, 99), W(88, "__dict__")),
	SHAPE_IN("_io.StringIO", 12, 13,
	      W(104, "decoder"), W(112, "readnl"), W(120, "writenl"),
	      W(128, "__dict__")),
	SHAPE_IN("_io.StringIO", 14, 99,
	      W(56, "decoder"), W(64, "readnl"), W(72, "writenl"),
	      W(80, "__dict__")),
	SHAPE("_io.IncrementalNewlineDecoder", W(0, "decoder"),
	      W(8, "errors")),
	SHAPE_IN("_io.TextIOWrapper", 0, 0,
	      W(16, "buffer"), W(24, "encoding"), W(32, "encoder"),
	      W(40, "decoder"), W(48, "readnl"), W(56, "errors"),
	      W(96, "decoded_chars"), W(112, "pending_bytes"),
	      W(128, "snapshot"), W(136, "raw"), W(152, "__dict__")),
	SHAPE_IN("_io.TextIOWrapper", 1, 99,
	      W(16, "buffer"), W(24, "encoding"), W(32, "encoder"),
	      W(40, "decoder"), W(48, "readnl"), W(56, "errors"),
	      W(104, "decoded_chars"), W(120, "pending_bytes"),
	      W(136, "snapshot"), W(152, "raw"), W(168, "__dict__")),

	// Without traversal in most versions.
	SPECIAL("datetime.datetime|datetime.time", RS_PY_DATETIME,
		WO(0, "", 100, 100)),
	SHAPE("datetime.timezone", W(0, "offset"), W(8, "name")),
	SHAPE("_struct.Struct|Struct", WO(24, "format", 0, 9), WV(24, "format", 10, 99)),
	SHAPE("decimal.Context", W(48, "traps"), W(56, "flags")),
	SHAPE_IN("_csv.Dialect", 10, 99, W(24, "lineterminator")),
	SHAPE_IN("_json.Scanner", 0, 0,
	      W(0, "encoding"), W(8, "strict"), W(16, "object_hook"),
	      W(24, "object_pairs_hook"), W(32, "parse_float"),
	      W(40, "parse_int"), W(48, "parse_constant")),
	SHAPE_IN("_json.Scanner", 15, 99,
	      W(8, "object_hook"), W(16, "object_pairs_hook"),
	      W(24, "array_hook"), W(32, "parse_float"), W(40, "parse_int"),
	      W(48, "parse_constant")),
	SHAPE("_json.Scanner",
	      WV(0, "strict", 1, 6),
	      W(8, "object_hook"), W(16, "object_pairs_hook"),
	      W(24, "parse_float"), W(32, "parse_int"),
	      W(40, "parse_constant"), WO(48, "memo", 0, 8),
	      WV(48, "memo", 9, 12)),
	SHAPE("_ctypes._CData|_ctypes._SimpleCData|_ctypes.Structure|"
	      "_ctypes.Union|_ctypes.Array|_ctypes._Pointer",
	      W(16, "_b_base_"), W(48, "_objects")),
	SHAPE("_ctypes.PyCFuncPtr|_ctypes.CFuncPtr",
	      W(16, "_b_base_"), W(48, "_objects"), W(80, "thunk"),
	      W(88, "callable"), W(96, "converters"), W(104, "argtypes"),
	      W(112, "restype"), W(120, "checker"), W(128, "errcheck"),
	      W(136, "paramflags")),
	// Behind a type object of 928 bytes (3.13) or, rounded up, 944 (3.14,
	// 3.15).
	{ CTYPES_METATYPES, RS_PY_TYPE, RS_PY_FIRST(13), RS_PY_LAST(13),
	  LIST(W(968, "proto"), W(1000, "argtypes"), W(1008, "converters"),
	       W(1016, "restype"), W(1024, "checker"), W(1032, "module")),
	  NULL },
	{ CTYPES_METATYPES, RS_PY_TYPE, RS_PY_FIRST(14), RS_PY_LAST(15),
	  LIST(W(984, "proto"), W(1016, "argtypes"), W(1024, "converters"),
	       W(1032, "restype"), W(1040, "checker"),
	       W(1048, "pointer_type"), W(1056, "module")),
	  NULL },
	SPECIAL("xml.etree.ElementTree.Element|Element", RS_PY_ELEMENT,
		V(ElementObject, tag, "tag")),

	// Exceptions. Those not named here have the shape of their base.
	{ "BaseException|exceptions.BaseException", RS_PY_PLAIN, ALWAYS,
	  NULL, exception },
	ERROR("SyntaxError|exceptions.SyntaxError",
	      V(PySyntaxErrorObject, msg, "msg"),
	      V(PySyntaxErrorObject, filename, "filename"),
	      V(PySyntaxErrorObject, lineno, "lineno"),
	      V(PySyntaxErrorObject, offset, "offset"),
	      V(PySyntaxErrorObject, end_lineno, "end_lineno"),
	      V(PySyntaxErrorObject, end_offset, "end_offset"),
	      V(PySyntaxErrorObject, text, "text"),
	      V(PySyntaxErrorObject, print_file_and_line,
		"print_file_and_line"),
	      V(PySyntaxErrorObject, metadata, "metadata")),
	ERROR("OSError",
	      V(PyOSErrorObject, myerrno, "errno"),
	      V(PyOSErrorObject, strerror, "strerror"),
	      V(PyOSErrorObject, filename, "filename"),
	      V(PyOSErrorObject, filename2, "filename2")),
	ERROR_IN("exceptions.EnvironmentError", 0, 0,
	      V(PyEnvironmentErrorObject, myerrno, "errno"),
	      V(PyEnvironmentErrorObject, strerror, "strerror"),
	      V(PyEnvironmentErrorObject, filename, "filename")),
	ERROR("UnicodeDecodeError|UnicodeEncodeError|UnicodeTranslateError|"
	      "exceptions.UnicodeDecodeError|exceptions.UnicodeEncodeError|"
	      "exceptions.UnicodeTranslateError",
	      V(PyUnicodeErrorObject, encoding, "encoding"),
	      V(PyUnicodeErrorObject, object, "object"),
	      V(PyUnicodeErrorObject, reason, "reason")),
	ERROR("SystemExit|exceptions.SystemExit",
	      V(PySystemExitObject, code, "code")),
	ERROR_IN("StopIteration", 1, 99,
	      V(PyStopIterationObject, value, "value")),
	ERROR_IN("ImportError", 1, 99,
	      V(PyImportErrorObject, msg, "msg"),
	      V(PyImportErrorObject, name, "name"),
	      V(PyImportErrorObject, path, "path"),
	      V(PyImportErrorObject, name_from, "name_from")),
	ERROR_IN("NameError", 10, 99, V(PyNameErrorObject, name, "name")),
	ERROR_IN("AttributeError", 10, 99,
	      V(PyAttributeErrorObject, obj, "obj"),
	      V(PyAttributeErrorObject, name, "name")),
	ERROR("BaseExceptionGroup",
	      V(PyBaseExceptionGroupObject, msg, "message"),
	      V(PyBaseExceptionGroupObject, excs, "exceptions"),
	      V(PyBaseExceptionGroupObject, excs_str, "excs_str")),
};
// clang-format on

// Whether `name` is one of `names`, which are separated by '
// '.
static bool among(const char *names, const char *name)
{
	const size_t n = strlen(name);

	for (const char *p = names; *p; p++) {
		const char *end = strchr(p, '|');
		const size_t length = end ? (size_t)(end - p) : strlen(p);

		if (length == n && memcmp(p, name, n) == 0)
			return true;
		if (!end)
			return false;
		p = end;
	}
	return false;
}

// Minor and micro; 2.7 is 0.
static unsigned version_of(const struct rs_cpython *py)
{
	return rs_py_minor(py) ? py->version >> 8 & 0xffff : 0;
}

const struct rs_py_shape *
rs_py_shape_find(const struct rs_cpython *py, const char *name)
{
	const unsigned version = version_of(py);

	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		if (shapes[i].from <= version && version <= shapes[i].to &&
		    among(shapes[i].names, name))
			return &shapes[i];
	return NULL;
}

int32_t rs_py_shape_offset(const struct rs_cpython *py,
			   const struct rs_py_shape_member *member)
{
	const unsigned version = version_of(py);

	if (version < member->from || version > member->to)
		return -1;
	if (member->field < 0)
		return (int32_t)py->header_size + member->word;
	return rs_py_off(py, (enum rs_field)member->field);
}
