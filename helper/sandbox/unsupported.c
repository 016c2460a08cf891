// SPDX-License-Identifier: MIT
// In place of everything else here, on machines that have no probe.
#include "sandbox/image_call.h"

struct rs_error *rs_image_from_core(struct rs_memory *memory,
				    const struct rs_image_options *options,
				    struct rs_process_image **ret)
{
	(void)memory, (void)options, (void)ret;
	return rs_error_new(RS_EUNSUPPORTED,
			    "a core's own code can be asked on x86-64 only");
}

void rs_image_close(struct rs_process_image *image)
{
	(void)image; // there is none
}

struct rs_error *rs_image_walk(struct rs_process_image *image,
			       const struct rs_image_question *question,
			       struct rs_image_answer *ret)
{
	(void)image, (void)question, (void)ret;
	return rs_image_from_core(NULL, NULL, NULL);
}

void rs_image_answer_fini(struct rs_image_answer *answer)
{
	(void)answer;
}

struct rs_error *rs_image_call_data(struct rs_image_call *call,
				    const void *bytes, size_t size,
				    uint64_t *ret)
{
	(void)call, (void)bytes, (void)size, (void)ret;
	return rs_image_from_core(NULL, NULL, NULL);
}

void rs_image_call_fini(struct rs_image_call *call)
{
	(void)call;
}

struct rs_error *rs_image_do_call(struct rs_process_image *image,
				  const struct rs_image_call *call,
				  struct rs_image_called *ret)
{
	(void)image, (void)call, (void)ret;
	return rs_image_from_core(NULL, NULL, NULL);
}

void rs_image_called_fini(struct rs_image_called *called)
{
	(void)called;
}
