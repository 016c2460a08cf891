// SPDX-License-Identifier: MIT
/**
 * @file
 * numpy's arrays and descriptions of their items. Internal to runtime/cpython.
 *
 * Source: numpy/core/include/numpy/ndarraytypes.h, releases 1.7 to 2.2; those
 * of 1.24 and 2.2 are held against running ones
 * (PyArrayObject_fields, PyArray_Descr, _PyArray_LegacyDescr). A type whose
 * tp_basicsize is of no release known here is read as any other C type.
 */
#ifndef RS_CPYTHON_NUMPY_H
#define RS_CPYTHON_NUMPY_H

#include "runtime/cpython/decode/types.h"

/** Whether objects of the C type at @p base, called numpy.ndarray or
 * numpy.dtype, are laid out as this file knows. */
bool rs_py_numpy_fits(struct rs_cpython *py, uint64_t base);

/** The objects in an array that owns its items. */
void rs_py_ndarray_refs(struct rs_cpython *py, uint64_t array,
			struct rs_refs *refs);

/** What a numpy.dtype refers to. */
void rs_py_dtype_refs(struct rs_cpython *py, uint64_t dtype,
		      struct rs_refs *refs);

/** Bytes of dimensions, strides and items that @p array owns. */
uint64_t rs_py_ndarray_size(struct rs_cpython *py, uint64_t array);

/** Bytes of one item of the dtype at @p dtype; 0 when it cannot be read. */
uint64_t rs_py_dtype_itemsize(struct rs_cpython *py, uint64_t dtype);

/**
 * @param[out] of What owns the items that @p array shows; 0: nobody knows.
 * @return Whether the items are not the array's own.
 */
bool rs_py_ndarray_view(struct rs_cpython *py, uint64_t array, uint64_t *bytes,
			uint64_t *of);

#endif /* RS_CPYTHON_NUMPY_H */
