// SPDX-License-Identifier: MIT
#include "tracker/type_refused.h"
#include "refscope/registry.h"
#include "tracker/lock.h"
#include "tracker/type_check.h"

#include <string.h>

void rs_type_refused(const char *why)
{
	rs_lock(&rs_registry.lock);
	rs_registry.refused++;
	strncpy(rs_registry.refused_why, why, RS_REFUSED_SIZE - 1);
	rs_unlock(&rs_registry.lock);
}

int rs_type_check_noted(const struct rs_type *type, bool counted)
{
	char why[RS_REFUSED_SIZE] = "";
	const int rc = rs_type_check_as(type, counted, why, sizeof(why));

	if (rc == RS_EARGUMENT)
		rs_type_refused(why);
	return rc;
}
