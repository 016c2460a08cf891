// SPDX-License-Identifier: MIT
#include "sandbox/guest/guard.h"

#include "sandbox/guest/demand_pages.h"
#include "sandbox/guest/raw.h"

#include <signal.h>
#include <sys/time.h>
#include <ucontext.h>

#define SA_RESTORER_FLAG 0x04000000U

// As the kernel has it. Source: Linux arch/x86/include/uapi/asm/signal.h.
struct rs_kernel_sigaction {
	void (*handler)(int signal, siginfo_t *info, void *context);
	uint64_t flags;
	void (*restorer)(void);
	uint64_t mask;
};

void rs_guard_restorer(void);

// rs_guard_call keeps what a function must preserve on its stack and the
// stack's address in *stack; rs_guard_back goes on after the call.
__asm__(".text\n"
	".globl rs_guard_call, rs_guard_back, rs_guard_restorer\n"
	".hidden rs_guard_call, rs_guard_back, rs_guard_restorer\n"
	".type rs_guard_call, @function\n"
	"rs_guard_call:\n"
	"	push %rbx\n"
	"	push %rbp\n"
	"	push %r12\n"
	"	push %r13\n"
	"	push %r14\n"
	"	push %r15\n"
	"	push %rdx\n"
	"	mov %rsp, (%rdx)\n"
	"	mov %rdi, %rax\n"
	"	mov %rsi, %rdi\n"
	"	call *%rax\n"
	"	xor %eax, %eax\n"
	"1:	pop %rdx\n"
	"	movq $0, (%rdx)\n"
	"	pop %r15\n"
	"	pop %r14\n"
	"	pop %r13\n"
	"	pop %r12\n"
	"	pop %rbp\n"
	"	pop %rbx\n"
	"	ret\n"
	".type rs_guard_back, @function\n"
	"rs_guard_back:\n"
	"	mov %rdi, %rsp\n"
	"	mov %rsi, %rax\n"
	"	cld\n"
	"	jmp 1b\n"
	".type rs_guard_restorer, @function\n"
	"rs_guard_restorer:\n"
	"	mov $15, %eax\n" // rt_sigreturn
	"	syscall\n");

enum {
	RS_CODE_32 = 0x23, // code selector of 32-bit code: Linux __USER32_CS
	RS_KERNEL_FAULT = 0x80, // si_code SI_KERNEL: of no address
	RS_LENGTH = 2, // bytes of int 0x80 and of syscall
	RS_X32_BIT = 0x40000000,
	RS_ARCH_I386 = 0x40000003, // Source: Linux uapi/linux/audit.h
};

// Whether the two bytes at @p address, which the processor has just read, are
// these.
static int is_code(uint64_t address, uint8_t first, uint8_t second)
{
	const volatile uint8_t *code = (const volatile uint8_t *)address;

	return code[0] == first && code[1] == second;
}

static uint32_t
entry_of(int signal, const siginfo_t *info, const ucontext_t *context)
{
	const greg_t *r = context->uc_mcontext.gregs;
	const uint64_t pc = (uint64_t)r[REG_RIP];
	const int compat = (r[REG_CSGSFS] & 0xffff) == RS_CODE_32;

	if (signal == SIGSYS && info->si_arch == RS_ARCH_I386)
		return RS_ENTRY_I386;
	if (signal == SIGSYS)
		return info->si_syscall & RS_X32_BIT ? RS_ENTRY_X32
						     : RS_ENTRY_64;
	if (compat)
		return RS_ENTRY_COMPAT;
	if (signal == SIGSEGV && info->si_code == RS_KERNEL_FAULT &&
	    is_code(pc, 0xcd, 0x80))
		return RS_ENTRY_INT80;
	if (signal == SIGILL && info->si_code == RS_KERNEL_FAULT &&
	    is_code(pc - RS_LENGTH, 0x0f, 0x05))
		return RS_ENTRY_UPROBE;
	return RS_ENTRY_64;
}

static void record(struct rs_guest_args *args, int signal,
		   const siginfo_t *info, const ucontext_t *context)
{
	struct rs_guest_fault *fault;

	if (args->current != args->rows) // on the way to an object
		return;
	if (args->faults++ >= RS_GUEST_FAULTS)
		return;
	fault = &args->fault[args->faults - 1];
	fault->object = ((const uint64_t *)args->object)[args->current];
	fault->signal = signal;
	fault->detail = signal == SIGSYS ? info->si_syscall : info->si_code;
	fault->address = signal == SIGSYS ? (uint64_t)info->si_call_addr
					  : (uint64_t)info->si_addr;
	fault->entry = entry_of(signal, info, context);
}

// Whether the signal was for pages on demand, and the code can go on.
static int is_served(struct rs_demand *demand, int signal,
		     const siginfo_t *info, void *context)
{
	if (demand->calling && signal == SIGSYS) {
		demand->calling = 0; // a call that the filter refuses anybody
		return 0;
	}
	if (demand->from) {
		// That time is not the object's.
		if (signal == SIGPROF)
			return 1;
		rs_demand_give_up(demand);
		return 0;
	}
	if (signal == SIGBUS)
		return rs_demand_touch(demand, (uint64_t)info->si_addr);
	return signal == SIGSYS && rs_demand_call(demand, context);
}

static void on_signal(int signal, siginfo_t *info, void *context)
{
	const ucontext_t *uc = context;
	struct rs_guard *guard = uc->uc_stack.ss_sp;
	struct rs_guest_args *args = guard->args;

	if (args->demand &&
	    is_served((struct rs_demand *)args->demand, signal, info, context))
		return;
	if (signal == SIGPROF) {
		if (guard->seen != args->current || !guard->stack) {
			guard->seen = args->current;
			guard->ticks = 0;
			return;
		}
		if (++guard->ticks < args->max_ticks)
			return;
		guard->ticks = 0;
	}
	if (!guard->stack) // not in what we called
		rs_raw3(SYS_exit_group, 128 + (uint64_t)signal, 0, 0);
	record(args, signal, info, uc);
	rs_guard_back(guard->stack, signal);
}

long rs_guard_open(struct rs_guest_args *args)
{
	static const uint8_t signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL,
					  SIGTRAP, SIGSYS, SIGPROF};
	struct rs_guard *guard = (struct rs_guard *)args->altstack;
	const stack_t stack = {.ss_sp = guard, .ss_size = args->altstack_size};
	void (*handler)(int, siginfo_t *, void *) = on_signal;
	void (*restorer)(void) = rs_guard_restorer;

	// Or clang would make a constant of both, which needs relocations.
	__asm__("" : "+r"(handler), "+r"(restorer));
	const struct rs_kernel_sigaction action = {
		.handler = handler,
		// A handler may never return: nothing may stay blocked.
		.flags =
			SA_SIGINFO | SA_ONSTACK | SA_NODEFER | SA_RESTORER_FLAG,
		.restorer = restorer,
	};
	const struct itimerval tick = {
		.it_interval.tv_usec = RS_GUEST_TICK_MS * 1000,
		.it_value.tv_usec = RS_GUEST_TICK_MS * 1000,
	};
	long rc;

	guard->stack = 0;
	guard->args = args;
	guard->seen = UINT64_MAX;
	guard->ticks = 0;
	rc = rs_raw3(SYS_sigaltstack, (uint64_t)&stack, 0, 0);
	for (unsigned i = 0; !rc && i < sizeof(signals); i++)
		rc = rs_raw4(SYS_rt_sigaction, signals[i], (uint64_t)&action, 0,
			     sizeof(action.mask));
	if (!rc)
		rc = rs_raw3(SYS_setitimer, ITIMER_PROF, (uint64_t)&tick, 0);
	return rc;
}
