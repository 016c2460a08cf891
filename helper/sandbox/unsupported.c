// SPDX-License-Identifier: MIT
// In place of everything else here, on machines that the guest is not for.
#include "sandbox/image_call.h"

struct rs_error *rs_image_from_core(struct rs_memory *memory,
				    const struct rs_image_options *options,
				    struct rs_process_image **ret)
{
	(void)memory, (void)options, (void)ret;
	return rs_error_new(RS_EUNSUPPORTED,
			    "code of a core can be run on x86-64 only");
}

uint64_t rs_image_memory(uint64_t memory)
{
	return memory;
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

struct rs_error *rs_image_expect(struct rs_process_image *image,
				 const uint64_t *function, size_t n)
{
	(void)image, (void)function, (void)n;
	return NULL;
}

bool rs_image_answer_refused(const struct rs_image_answer *answer,
			     uint64_t function)
{
	(void)answer, (void)function;
	return false;
}

void rs_image_missing_text(uint32_t missing, char *buf, size_t size)
{
	(void)missing, (void)size;
	buf[0] = 0;
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
