// SPDX-License-Identifier: MIT
#include "sandbox/guest/guest_call.h"

#include "sandbox/guest/guard.h"

struct rs_calling {
	const struct rs_guest_call *call;
	const struct rs_guest_step *step;
	uint64_t result;
};

// Call arg[0] with the six words at arg[1] on the stack that ends at arg[2].
// After a fault the guard returns on the stack that it came from, so whatever
// is left on this one does not matter.
uint64_t rs_call_on(uint64_t function, const uint64_t *word, uint64_t stack);
__asm__(".text\n"
	".globl rs_call_on\n"
	".hidden rs_call_on\n"
	".type rs_call_on, @function\n"
	"rs_call_on:\n"
	"	push %rbp\n"
	"	mov %rsp, %rbp\n"
	"	mov %rdi, %rax\n"
	"	mov %rsi, %r10\n"
	"	mov %rdx, %rsp\n"
	"	mov 0(%r10), %rdi\n"
	"	mov 8(%r10), %rsi\n"
	"	mov 16(%r10), %rdx\n"
	"	mov 24(%r10), %rcx\n"
	"	mov 32(%r10), %r8\n"
	"	mov 40(%r10), %r9\n"
	"	mov %rax, %r11\n"
	"	xor %eax, %eax\n" // no vector registers, if it takes more
	"	call *%r11\n"
	"	mov %rbp, %rsp\n"
	"	pop %rbp\n"
	"	ret\n");

static uint64_t word_of(const struct rs_guest_call *call,
			const struct rs_guest_step *step, unsigned i)
{
	const uint64_t arg = step->arg[i];

	switch (step->from[i]) {
	case RS_CALL_RESULT:
		return arg < RS_CALL_STEPS ? call->result[arg] : 0;
	case RS_CALL_PLACE:
		return call->base + arg;
	case RS_CALL_WORD:
		return *(const volatile uint64_t *)(call->base + arg);
	default:
		return arg;
	}
}

// Sizes come from the code of the core: never more than there is room.
static void copy_text(struct rs_guest_call *call, const uint64_t *word)
{
	struct rs_guest_text *text =
		&call->text[word[2] < RS_CALL_TEXTS ? word[2] : 0];
	const volatile uint8_t *from = (const volatile uint8_t *)word[0];
	volatile uint8_t *to = (volatile uint8_t *)(call->base + text->place);

	for (uint64_t i = 0; i < word[1] && i < text->room; i++)
		to[i] = from[i];
	text->size = word[1];
	text->copied = 1;
}

static void store(const uint64_t *word)
{
	if (word[2] == sizeof(uint64_t))
		*(volatile uint64_t *)word[0] = word[1];
	else
		*(volatile uint32_t *)word[0] = (uint32_t)word[1];
}

static void do_step(void *context)
{
	struct rs_calling *c = context;
	const struct rs_guest_step *step = c->step;
	uint64_t word[RS_CALL_ARGS];

	for (unsigned i = 0; i < RS_CALL_ARGS; i++)
		word[i] = word_of(c->call, step, i);
	if (!step->function) {
		if (step->flags & RS_CALL_STORE)
			store(word);
		else
			copy_text((struct rs_guest_call *)c->call, word);
		c->result = 1;
		return;
	}
	c->result = rs_call_on(step->function, word, c->call->stack);
	if (step->flags & RS_CALL_INT)
		c->result = (uint32_t)c->result;
}

long rs_guest_do_call(struct rs_guest_args *args)
{
	struct rs_guest_call *call = (struct rs_guest_call *)args->call;
	struct rs_guard *guard = (struct rs_guard *)args->altstack;
	struct rs_calling c = {.call = call};
	uint64_t i = 0;

	while (i < call->steps && i < RS_CALL_STEPS) {
		c.step = &call->step[i];
		c.result = 0;
		*(volatile uint64_t *)&call->at = i;
		const long failed = rs_guard_call(do_step, &c, &guard->stack);
		const uint64_t next = c.result ? c.step->next : c.step->if_zero;

		if (failed && !(c.step->flags & RS_CALL_MAY_STOP)) {
			call->stopped = 1;
			return 0;
		}
		args->faults = 0;
		call->result[i] = c.result;
		if (next <= i) // the list was damaged
			return 0;
		i = next;
	}
	return 0;
}
