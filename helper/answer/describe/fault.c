// SPDX-License-Identifier: MIT
#include "answer/describe/fault.h"
#include "answer/describe/report.h"
#include "answer/describe/system_call.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

enum {
	RS_CALL_NUMBER = 0x3fffffff, // less the bit of the x32 table
	RS_FAULTS_NAMED = 8,
};

// The table that the number of a system call is from, if not the usual one.
static const char *entry_text(uint32_t entry)
{
	switch (entry) {
	case RS_ENTRY_I386:
		return " of the 32-bit table, by int 0x80 or 32-bit code";
	case RS_ENTRY_X32:
		return " of the x32 table";
	default:
		return "";
	}
}

void rs_fault_text(const struct rs_guest_fault *fault, char *buf, size_t size)
{
	const char *call =
		fault->signal == SIGSYS && fault->entry == RS_ENTRY_64
			? rs_system_call_name(fault->detail)
			: NULL;

	if (call)
		(void)snprintf(buf, size, "made system call %d (%s)",
			       fault->detail, call);
	else if (fault->signal == SIGSYS)
		(void)snprintf(buf, size, "made system call %d%s",
			       fault->detail & RS_CALL_NUMBER,
			       entry_text(fault->entry));
	else if (fault->entry == RS_ENTRY_UPROBE)
		(void)snprintf(buf, size,
			       "made system call 335 (uretprobe), which the "
			       "kernel refuses with SIGILL");
	else if (fault->entry == RS_ENTRY_INT80)
		(void)snprintf(buf, size,
			       "tried int 0x80, which this kernel does not "
			       "have");
	else if (fault->entry == RS_ENTRY_COMPAT)
		(void)snprintf(buf, size,
			       "jumped to 32-bit code, which ended with signal "
			       "%d at %#llx",
			       fault->signal,
			       (unsigned long long)fault->address);
	else if (fault->signal == SIGPROF)
		(void)snprintf(buf, size, "took too long");
	else if (fault->signal == RS_GUEST_SKIPPED)
		(void)snprintf(buf, size,
			       "not traversed: its function had failed too "
			       "often");
	else if (fault->signal)
		(void)snprintf(buf, size, "ended with signal %d at %#llx",
			       fault->signal,
			       (unsigned long long)fault->address);
	else
		(void)snprintf(buf, size,
			       "reported too many references, or ended its "
			       "process");
}

void rs_report_faults(struct rs_json *json, const struct rs_session *session,
		      const struct rs_graph *graph)
{
	char line[RS_NAME_SIZE + RS_FAULT_SIZE + 128];
	char name[RS_NAME_SIZE], why[RS_FAULT_SIZE];
	uint64_t named = 0, total = 0;

	for (size_t r = 0; r < session->runtimes; r++) {
		const struct rs_image_answer *a = &session->exact[r].answer;

		total += a->faults_total;
		for (uint64_t i = 0; i < a->faults && named < RS_FAULTS_NAMED;
		     i++) {
			const uint32_t n =
				rs_graph_find(graph, a->fault[i].object);

			if (n == RS_NONE)
				continue;
			rs_report_name_in(graph, n, name, sizeof(name));
			rs_fault_text(&a->fault[i], why, sizeof(why));
			(void)snprintf(line, sizeof(line),
				       "traversing %s was stopped: its "
				       "function %s; its references are those "
				       "read from memory",
				       name, why);
			rs_json_string(json, line);
			named++;
		}
	}
	if (total == named)
		return;
	(void)snprintf(line, sizeof(line),
		       "traversing %" PRIu64 " more objects was stopped",
		       total - named);
	rs_json_string(json, line);
}
