// SPDX-License-Identifier: MIT
//
// sys.monitoring, from 3.12 on: for each tool a callback for each event, and
// then the names of the tools. Source: Include/internal/pycore_interp.h,
// monitoring_callables and monitoring_tool_names; pycore_instruments.h.
#include "runtime/cpython/roots/roots.h"

enum {
	RS_TOOLS = 8, // PY_MONITORING_TOOL_IDS
	RS_EVENTS_312 = 17, // _PY_MONITORING_EVENTS
	RS_EVENTS_314 = 19,
};

struct rs_error *rs_py_monitoring_roots(struct rs_py_roots *r,
					uint64_t interpreter,
					const char *callback, const char *tool)
{
	const int32_t at = rs_py_off(r->py, RS_F__is__monitoring_callables);
	const uint64_t callbacks =
		RS_TOOLS *
		(r->py->version < RS_PY(3, 14) ? RS_EVENTS_312 : RS_EVENTS_314);
	struct rs_error *err = NULL;

	if (at < 0)
		return NULL;
	for (uint64_t i = 0; i < callbacks + RS_TOOLS && !err; i++)
		err = rs_py_root_add(r, interpreter + (uint64_t)at + 8 * i,
				     RS_ROOT_INTERPRETER,
				     i < callbacks ? callback : tool);
	return err;
}
