// SPDX-License-Identifier: MIT
#include "answer/describe/report.h"

bool rs_report_goes_on(struct rs_report *report)
{
	enum { RS_WRITTEN_TICK = 1 << 10 };

	if (!report->interrupted && ++report->written % RS_WRITTEN_TICK == 0)
		report->interrupted = rs_progress_tick(
			&report->session->progress, "writing the answer",
			report->written, 0);
	return !report->interrupted;
}
