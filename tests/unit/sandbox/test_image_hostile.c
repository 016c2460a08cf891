// SPDX-License-Identifier: MIT
//
// Code inside an image against its limits: every system call there is, the
// other entries to the kernel, memory, processor time, and results that it
// writes itself. The functions are this program's own, so that they may be
// called without consent: what a matched file can be misused for.
#include "fake_types.h"
#include "kernel_core.h"
#include "rs_check.h"
#include "sandbox/image.h"
#include "unaligned_core.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

enum {
	RS_CALLS = 640, // numbers of system calls to try, with room to come
	RS_BATCH = 12, // in one image: fewer failures than it is patient for
	RS_ROUNDS = 500, // of written results
	RS_OBJECTS = RS_CALLS,
	RS_BULK = 96 << 20, // memory of the core that can be written to
	RS_PAGE_SIZE = 4096,
	RS_SMALL_STACK = 16 << 10,
	RS_URETPROBE = 335, // Linux 6.11
	RS_UPROBE = 336, // Linux 6.18
};

static struct fake_object object[RS_OBJECTS];
static char *bulk; // not zero: the core has it
#define RS_HOLE UINT64_C(0x200000000000) // address of what a file lacks
#define RS_HOLE_SIZE (UINT64_C(256) << 20)
static char directory[] = "/tmp/rs-hostile-XXXXXX";
static char core[64];

typedef int (*traverse_fn)(void *self, fake_visit visit, void *context);

#define RS_TRAVERSE(name)                                                      \
	RS_PLAIN static int name(void *self, fake_visit visit, void *context)

RS_PLAIN static long
call6(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long rc;

	__asm__ volatile("syscall"
			 : "=a"(rc)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10),
			   "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return rc;
}

// --- What the code of the core does --------------------------------------

RS_TRAVERSE(makes_its_call)
{
	// Allowed, and it goes wherever the stack happens to say: see
	// mask_all_and_go_to().
	if (*(uint64_t *)self == SYS_rt_sigreturn)
		return visit(self, context);
	call6((long)*(uint64_t *)self, 0, 0, 0, 0, 0, 0);
	return visit(self, context);
}

RS_TRAVERSE(enters_the_old_way)
{
	long rc;

	__asm__ volatile("int $0x80"
			 : "=a"(rc)
			 : "a"(20L), "b"(0L), "c"(0L)
			 : "memory");
	return visit(self, context);
}

// Machine code below 4 GiB, entered by a far return to 32-bit code.
RS_PLAIN static void jump_far(const uint8_t *code, unsigned size)
{
	const uint64_t at = 0x20000000;
	volatile uint8_t *to = (volatile uint8_t *)at;

	if (call6(SYS_mmap, (long)at, RS_PAGE_SIZE,
		  PROT_READ | PROT_WRITE | PROT_EXEC,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != (long)at)
		return;
	for (unsigned i = 0; i < size; i++)
		to[i] = code[i];
	__asm__ volatile("push $0x23\n\tpush %0\n\tlretq"
			 :
			 : "r"(at)
			 : "memory");
}

RS_TRAVERSE(jumps_far_and_calls)
{
	// mov $20, %eax; int $0x80; ud2
	static const uint8_t code[] = {0xb8, 0x14, 0,	 0,   0,
				       0xcd, 0x80, 0x0f, 0x0b};

	jump_far(code, sizeof(code));
	return visit(self, context);
}

RS_TRAVERSE(jumps_far_and_breaks)
{
	static const uint8_t code[] = {0x0f, 0x0b};

	jump_far(code, sizeof(code));
	return visit(self, context);
}

RS_PLAIN static void map_and_write(long flags, long prot)
{
	const long size = 8 << 20;

	for (;;) {
		const long at = call6(SYS_mmap, 0, size, prot, flags, -1, 0);

		if (at < 0 && at > -4096)
			return;
		for (long i = 0; i < size; i += RS_PAGE_SIZE)
			*(volatile char *)(at + i) = 1;
	}
}

RS_TRAVERSE(takes_all_memory)
{
	map_and_write(MAP_PRIVATE | MAP_ANONYMOUS, PROT_READ | PROT_WRITE);
	return visit(self, context);
}

RS_TRAVERSE(takes_huge_pages)
{
	map_and_write(MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB,
		      PROT_READ | PROT_WRITE);
	return visit(self, context);
}

RS_TRAVERSE(takes_locked_memory)
{
	map_and_write(MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED,
		      PROT_READ | PROT_WRITE);
	return visit(self, context);
}

RS_TRAVERSE(takes_shared_memory)
{
	map_and_write(MAP_SHARED | MAP_ANONYMOUS, PROT_READ | PROT_WRITE);
	return visit(self, context);
}

RS_TRAVERSE(takes_executable_memory)
{
	map_and_write(MAP_PRIVATE | MAP_ANONYMOUS,
		      PROT_READ | PROT_WRITE | PROT_EXEC);
	return visit(self, context);
}

RS_TRAVERSE(makes_memory_executable)
{
	call6(SYS_mprotect, (long)bulk, RS_PAGE_SIZE, PROT_READ | PROT_EXEC, 0,
	      0, 0);
	return visit(self, context);
}

static volatile int never;

RS_PLAIN static void spin(void)
{
	while (!never)
		;
}

RS_TRAVERSE(writes_to_all_of_the_core)
{
	for (long i = 0; i < RS_BULK; i += RS_PAGE_SIZE)
		((volatile char *)bulk)[i]++;
	spin(); // until it is looked at
	return visit(self, context);
}

RS_TRAVERSE(reads_all_of_the_core)
{
	for (long i = 0; i < RS_BULK; i += RS_PAGE_SIZE)
		(void)((volatile char *)bulk)[i];
	return visit(self, context);
}

RS_TRAVERSE(writes_to_all_of_the_hole)
{
	for (uint64_t i = 0; i < RS_HOLE_SIZE; i += RS_PAGE_SIZE)
		*(volatile char *)(RS_HOLE + i) = 1;
	spin(); // until it is looked at
	return visit(self, context);
}

RS_TRAVERSE(reads_all_of_the_hole)
{
	for (uint64_t i = 0; i < RS_HOLE_SIZE; i += RS_PAGE_SIZE)
		if (*(volatile char *)(RS_HOLE + i))
			return 0;
	return visit(self, context);
}

// The mask of signals comes from the frame that rt_sigreturn finds.
RS_PLAIN static void mask_all_and_go_to(void (*where)(void))
{
	static char stack[RS_SMALL_STACK];
	static ucontext_t frame;
	volatile uint64_t *mask = (volatile uint64_t *)&frame.uc_sigmask;

	*mask = UINT64_MAX;
	frame.uc_mcontext.gregs[REG_RIP] = (greg_t)(uintptr_t)where;
	frame.uc_mcontext.gregs[REG_RSP] =
		(greg_t)(uintptr_t)(stack + sizeof(stack) - 8);
	frame.uc_mcontext.gregs[REG_EFL] = 0x202;
	frame.uc_mcontext.gregs[REG_CSGSFS] = 0x002b000000000033;
	__asm__ volatile("mov %0, %%rsp\n\tmov $15, %%eax\n\tsyscall"
			 :
			 : "r"(&frame)
			 : "memory");
}

RS_TRAVERSE(masks_all_and_spins)
{
	(void)visit(self, context);
	mask_all_and_go_to(spin);
	return 0;
}

static struct rs_guest_args *victim;

// Looks busy: the counter that the host watches moves on.
RS_PLAIN static void spin_and_count(void)
{
	for (;;)
		*(volatile uint64_t *)&victim->rows ^= 1;
}

RS_TRAVERSE(masks_all_and_counts)
{
	victim = *(struct rs_guest_args **)context;
	(void)visit(self, context);
	mask_all_and_go_to(spin_and_count);
	return 0;
}

RS_PLAIN static uint64_t next(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + 1442695040888963407;
	return *state >> 20;
}

// Write anything anywhere in what the host reads, and end in any way.
RS_TRAVERSE(scribbles)
{
	struct rs_guest_args *a = *(struct rs_guest_args **)context;
	uint64_t state = *(uint64_t *)self;
	const uint64_t header = (uint64_t)a & ~UINT64_C(0xfff);
	const uint64_t place[] = {header,    (uint64_t)a, a->first,
				  a->object, a->edge,	  (uint64_t)a->fault};
	const uint64_t size[] = {64, sizeof(*a), 64, 64, 4096, 512};
	const uint64_t value[] = {
		0,	   1,	    2,		5,
		38,	   1 << 20, UINT64_MAX, UINT64_MAX / 2,
		a->object, a->first};

	for (uint64_t left = 1 + next(&state) % 24; left; left--) {
		const uint64_t p = next(&state) % 6, v = next(&state) % 12;
		volatile uint64_t *to =
			(volatile uint64_t *)(place[p] +
					      next(&state) % (size[p] / 8) * 8);

		*to = v < 10 ? value[v] : next(&state);
	}
	switch (next(&state) % 4) {
	case 0:
		call6(SYS_exit_group, (long)(next(&state) % 3), 0, 0, 0, 0, 0);
		break;
	case 1:
		return *(volatile int *)8;
	default:
		break;
	}
	return visit(self, context);
}

// --- A core of this program, and walks over it ----------------------------

static void make_core(void)
{
	const pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (!pid) {
		for (unsigned i = 0; i < RS_OBJECTS; i++)
			object[i] = (struct fake_object){.count = i,
							 .type = &fake_good};
		bulk = mmap((void *)0x300000000000, RS_BULK,
			    PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);
		memset(bulk, 1, RS_BULK);
		kernel_core_leave(directory);
	}
	kernel_core_wait(pid, directory, core, sizeof(core));
}

struct asked {
	struct rs_memory *memory;
	struct rs_process_image *image;
};

static void open_image(struct asked *a, const struct rs_image_options *options)
{
	*a = (struct asked){NULL, NULL};
	rs_ck_ok(rs_memory_open_core(core, NULL, &a->memory));
	rs_ck_ok(rs_image_from_core(a->memory, options, &a->image));
}

static void close_image(struct asked *a)
{
	rs_image_close(a->image);
	rs_memory_close(a->memory);
}

/** Call function[i] for object @p first + i. */
static struct rs_error *walk(const struct asked *a, unsigned first,
			     const traverse_fn *function, unsigned n,
			     struct rs_image_answer *answer)
{
	uint64_t address[RS_BATCH], f[RS_BATCH];
	const struct rs_image_question question = {
		RS_FAKE_OFFSETS,
		.object = address,
		.objects = n,
		.function = f,
	};

	for (unsigned i = 0; i < n; i++) {
		address[i] = (uint64_t)fake_address(&object[first + i]);
		f[i] = (uint64_t)(uintptr_t)function[i];
	}
	return rs_image_walk(a->image, &question, answer);
}

static const traverse_fn all_make_calls[RS_BATCH] = {
	makes_its_call, makes_its_call, makes_its_call, makes_its_call,
	makes_its_call, makes_its_call, makes_its_call, makes_its_call,
	makes_its_call, makes_its_call, makes_its_call, makes_its_call};

// All that may be made with no effect outside: see sandbox/filter.h.
static bool is_allowed(unsigned number)
{
	static const unsigned allowed[] = {SYS_munmap,
					   SYS_mremap,
					   SYS_mprotect,
					   SYS_madvise,
					   SYS_brk,
					   SYS_rt_sigprocmask,
					   SYS_clock_gettime,
					   SYS_gettimeofday,
					   SYS_getpid,
					   SYS_gettid,
					   SYS_restart_syscall,
					   SYS_rt_sigreturn};

	for (size_t i = 0; i < sizeof(allowed) / sizeof(*allowed); i++)
		if (allowed[i] == number)
			return true;
	return false;
}

static const struct rs_guest_fault *
fault_of(const struct rs_image_answer *answer, unsigned number)
{
	for (uint64_t i = 0; i < answer->faults; i++)
		if (answer->fault[i].object ==
		    (uint64_t)fake_address(&object[number]))
			return &answer->fault[i];
	return NULL;
}

static void check_call(const struct rs_image_answer *answer, unsigned number)
{
	const struct rs_guest_fault *f = fault_of(answer, number);

	if (is_allowed(number)) {
		ck_assert_msg(!f, "call %u was stopped", number);
		return;
	}
	// Let past every filter by kernels that have them, and refused to all
	// but their own trampolines: uretprobe by SIGILL, uprobe by an errno.
	if (number == RS_UPROBE && !f)
		return;
	ck_assert_msg(f != NULL, "call %u was made", number);
	if (number == SYS_exit || number == SYS_exit_group)
		ck_assert_int_eq(f->signal, 0); // its process ended
	else if ((number == RS_URETPROBE || number == RS_UPROBE) &&
		 f->signal == SIGILL)
		ck_assert_uint_eq(f->entry, RS_ENTRY_UPROBE);
	else
		ck_assert_msg(f->signal == SIGSYS && f->detail == (int)number &&
				      f->entry == RS_ENTRY_64,
			      "call %u: signal %d, detail %d", number,
			      f->signal, f->detail);
}

START_TEST(every_system_call_is_stopped_or_allowed_by_name)
{
	struct asked a;

	open_image(&a, NULL);
	for (unsigned i = 0; i < RS_CALLS; i += RS_BATCH) {
		const unsigned n =
			RS_CALLS - i < RS_BATCH ? RS_CALLS - i : RS_BATCH;
		struct rs_image_answer answer = {0};

		rs_ck_ok(walk(&a, i, all_make_calls, n, &answer));
		ck_assert_uint_eq(answer.objects, n);
		for (unsigned k = 0; k < n; k++)
			check_call(&answer, i + k);
		rs_image_answer_fini(&answer);
	}
	close_image(&a);
}
END_TEST

/** @return What came of one function; its fault, zero without one. */
static struct rs_guest_fault fault_by(traverse_fn function, bool run)
{
	const struct rs_image_options options = {.run = run,
						 .memory = 64 << 20};
	struct rs_image_answer answer = {0};
	struct rs_guest_fault fault = {.signal = -100};
	struct asked a;

	open_image(&a, &options);
	rs_ck_ok(walk(&a, 3, &function, 1, &answer));
	ck_assert_uint_eq(answer.objects, 1);
	if (answer.faults)
		fault = answer.fault[0];
	rs_image_answer_fini(&answer);
	close_image(&a);
	return fault;
}

START_TEST(other_entries_to_the_kernel_are_named_as_what_they_are)
{
	struct rs_guest_fault f = fault_by(enters_the_old_way, false);

	if (f.signal == SIGSEGV) { // a kernel without that entry
		ck_assert_uint_eq(f.entry, RS_ENTRY_INT80);
		return;
	}
	ck_assert_int_eq(f.signal, SIGSYS);
	ck_assert_int_eq(f.detail, 20);
	ck_assert_uint_eq(f.entry, RS_ENTRY_I386);
	f = fault_by(jumps_far_and_calls, true);
	ck_assert_int_eq(f.signal, SIGSYS);
	ck_assert_int_eq(f.detail, 20);
	ck_assert_uint_eq(f.entry, RS_ENTRY_I386);
	f = fault_by(jumps_far_and_breaks, true);
	ck_assert_int_eq(f.signal, SIGILL);
	ck_assert_uint_eq(f.entry, RS_ENTRY_COMPAT);
}
END_TEST

RS_TRAVERSE(makes_x32_calls)
{
	call6(0x40000000 | SYS_kill, 1, 0, 0, 0, 0, 0);
	return visit(self, context);
}

START_TEST(calls_of_the_x32_table_are_named)
{
	const struct rs_guest_fault f = fault_by(makes_x32_calls, false);

	ck_assert_int_eq(f.signal, SIGSYS);
	ck_assert_int_eq(f.detail, 0x40000000 | SYS_kill);
	ck_assert_uint_eq(f.entry, RS_ENTRY_X32);
}
END_TEST

// @p ends: it is always ended; otherwise it may be, or go on.
static void check_memory(traverse_fn function, bool ends)
{
	const struct rs_image_options options = {.memory = 32 << 20,
						 .object_ms = 20000};
	struct rs_image_answer answer = {0};
	struct asked a;

	open_image(&a, &options);
	struct rs_error *err = walk(&a, 3, &function, 1, &answer);
	if (err || ends)
		rs_ck_error(err, RS_EBAD, "set refs run memory");
	rs_image_answer_fini(&answer);
	close_image(&a);
}

START_TEST(memory_ends_at_the_budget)
{
	// What is mapped meets ENOMEM, unless what is written is counted before
	// the last of it is: both end at the budget.
	check_memory(takes_all_memory, false);
	check_memory(writes_to_all_of_the_core, true);
}
END_TEST

START_TEST(memory_that_is_not_counted_is_not_had)
{
	ck_assert_int_eq(fault_by(takes_huge_pages, false).signal, -100);
	ck_assert_int_eq(fault_by(takes_locked_memory, false).detail, SYS_mmap);
	ck_assert_int_eq(fault_by(takes_shared_memory, false).detail, SYS_mmap);
}
END_TEST

START_TEST(without_consent_no_memory_becomes_executable)
{
	ck_assert_int_eq(fault_by(takes_executable_memory, false).detail,
			 SYS_mmap);
	ck_assert_int_eq(fault_by(makes_memory_executable, false).detail,
			 SYS_mprotect);
	ck_assert_int_eq(fault_by(makes_memory_executable, true).signal, -100);
}
END_TEST

START_TEST(a_full_signal_mask_does_not_stop_the_clock)
{
	const struct rs_image_options options = {.object_ms = 300,
						 .total_ms = 3000};
	const traverse_fn f[] = {fake_traverse, masks_all_and_spins,
				 fake_traverse};
	struct rs_image_answer answer = {0};
	struct asked a;

	open_image(&a, &options);
	rs_ck_ok(walk(&a, 3, f, 3, &answer));
	ck_assert_uint_eq(answer.objects, 3);
	ck_assert_uint_eq(answer.faults_total, 1);
	ck_assert_int_eq(answer.fault[0].signal, SIGPROF);
	ck_assert_uint_eq(answer.runs, 2);
	ck_assert_uint_lt(answer.cpu_ns, UINT64_C(1500000000));
	rs_image_answer_fini(&answer);
	close_image(&a);
}
END_TEST

START_TEST(no_counter_of_the_image_prolongs_its_time)
{
	const struct rs_image_options options = {.object_ms = 100,
						 .total_ms = 1000};
	const traverse_fn f = masks_all_and_counts;
	struct rs_image_answer answer = {0};
	struct timespec begin, end;
	struct asked a;

	open_image(&a, &options);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	struct rs_error *err = walk(&a, 3, &f, 1, &answer);
	clock_gettime(CLOCK_MONOTONIC, &end);
	rs_ck_error(err, RS_EBAD, "of processor time, and may use 1.1");
	close_image(&a);
	ck_assert_int_lt(end.tv_sec - begin.tv_sec, 60);
}
END_TEST

// What holds of every answer, whatever the image wrote.
static void check_answer(const struct rs_image_answer *answer, unsigned first)
{
	const uint64_t minute = UINT64_C(60000000000);

	ck_assert_uint_le(answer->objects, 3);
	ck_assert_uint_eq(answer->first[0], 0);
	for (uint64_t i = 0; i < answer->objects; i++) {
		ck_assert_uint_eq(answer->object[i],
				  (uint64_t)fake_address(&object[first + i]));
		ck_assert_uint_le(answer->first[i], answer->first[i + 1]);
	}
	ck_assert_uint_eq(answer->first[answer->objects], answer->edges);
	for (uint64_t i = 0; i < answer->edges; i++)
		(void)*(const volatile uint64_t *)&answer->edge[i];
	ck_assert_uint_le(answer->faults, answer->faults_total);
	ck_assert_uint_le(answer->faults_total, answer->objects);
	for (uint64_t i = 0; i < answer->faults; i++) {
		const uint64_t at = (answer->fault[i].object -
				     (uint64_t)fake_address(&object[first])) /
				    sizeof(object[0]);

		ck_assert_uint_lt(at, answer->objects);
		ck_assert_uint_eq(answer->first[at], answer->first[at + 1]);
	}
	ck_assert(!answer->full);
	ck_assert_uint_eq(answer->lists_broken, 0);
	ck_assert_uint_lt(answer->ready_ns, minute);
	ck_assert_uint_lt(answer->walk_ns, minute);
	ck_assert_uint_lt(answer->cpu_ns, minute);
}

START_TEST(written_results_are_refused_or_harmless)
{
	const struct rs_image_options options = {.object_ms = 300,
						 .total_ms = 3000};
	const traverse_fn f[] = {fake_traverse, scribbles, fake_traverse};
	unsigned good = 0, refused = 0;
	struct asked a;

	open_image(&a, &options);
	for (unsigned i = 0; i < RS_ROUNDS; i++) {
		struct rs_image_answer answer = {0};
		struct rs_error *err = walk(&a, i, f, 3, &answer);

		if (err) {
			const char *text = rs_error_message(err);

			// It ran: nothing may say otherwise.
			ck_assert_msg(!strstr(text, "no code of the core") &&
					      !strstr(text, "nothing of it"),
				      "%u: %s", i, text);
			ck_assert_int_eq(rs_error_code(err), RS_EBAD);
			rs_error_free(err);
			refused++;
			continue;
		}
		check_answer(&answer, i);
		rs_image_answer_fini(&answer);
		good++;
	}
	(void)printf("%u answers refused, %u harmless\n", refused, good);
	ck_assert_uint_gt(good, 0);
	ck_assert_uint_gt(refused, 0);
	close_image(&a);
}
END_TEST

// More program headers: @p times of @p load, each @p step above the last.
static void add_loads(Elf64_Phdr load, unsigned times, uint64_t step)
{
	const int fd = open(core, O_RDWR | O_CLOEXEC);
	const off_t end = lseek(fd, 0, SEEK_END);
	Elf64_Ehdr ehdr;

	ck_assert_int_eq(pread(fd, &ehdr, sizeof(ehdr), 0), sizeof(ehdr));
	const size_t old = ehdr.e_phnum * sizeof(Elf64_Phdr);
	Elf64_Phdr *phdr = malloc(old + times * sizeof(*phdr));
	ck_assert_int_eq(pread(fd, phdr, old, (off_t)ehdr.e_phoff),
			 (ssize_t)old);
	for (unsigned i = 0; i < times; i++) {
		phdr[ehdr.e_phnum + i] = load;
		load.p_vaddr += step;
	}
	ehdr.e_phoff = (uint64_t)end;
	ehdr.e_phnum = (Elf64_Half)(ehdr.e_phnum + times);
	const size_t all = ehdr.e_phnum * sizeof(*phdr);
	ck_assert_int_eq(pwrite(fd, phdr, all, end), (ssize_t)all);
	ck_assert_int_eq(pwrite(fd, &ehdr, sizeof(ehdr), 0), sizeof(ehdr));
	free(phdr);
	close(fd);
}

static uint64_t size_of_core(void)
{
	struct stat st;

	ck_assert_int_eq(stat(core, &st), 0);
	return (uint64_t)st.st_size;
}

static Elf64_Phdr load_of(uint64_t offset, uint64_t size)
{
	return (Elf64_Phdr){
		.p_type = PT_LOAD,
		.p_flags = PF_R | PF_W,
		.p_offset = offset,
		.p_vaddr = RS_HOLE,
		.p_filesz = size,
		.p_memsz = size,
		.p_align = RS_PAGE_SIZE,
	};
}

// The same bytes of the file at many addresses.
static void alias(unsigned times)
{
	add_loads(load_of(0, size_of_core() & ~UINT64_C(0xfff)), times,
		  UINT64_C(0x10000000));
}

// @p size bytes at RS_HOLE that the file has only in name, @p skew bytes behind
// a page.
static void add_hole(uint64_t size, uint64_t skew)
{
	const uint64_t at =
		((size_of_core() + (1 << 20)) & ~UINT64_C(0xfff)) + skew;

	add_loads(load_of(at, size), 1, 0);
	ck_assert_int_eq(truncate(core, (off_t)(at + size)), 0);
}

static bool is_in_memory(void)
{
	struct statfs fs;

	return !statfs(core, &fs) && fs.f_type == TMPFS_MAGIC;
}

// The author of a core pays nothing for holes: they are no memory to have.
START_TEST(holes_of_a_core_are_within_the_budget)
{
	unaligned_core_make(core);
	add_hole(RS_HOLE_SIZE, 8);
	check_memory(writes_to_all_of_the_hole, true);
	// Reading fills the holes of a file that is in memory itself.
	if (!is_in_memory())
		ck_assert_int_eq(fault_by(reads_all_of_the_hole, false).signal,
				 -100);
}
END_TEST

// On a file system in memory what is only read is no memory of the image's.
START_TEST(a_core_in_memory_is_not_counted)
{
	const struct rs_image_options options = {.memory = 32 << 20,
						 .object_ms = 20000};
	const traverse_fn f = reads_all_of_the_core;
	struct rs_image_answer answer = {0};
	static char buf[1 << 20];
	const int from = open(core, O_RDONLY | O_CLOEXEC);
	const int to = memfd_create("core", MFD_CLOEXEC);
	struct asked a;

	for (ssize_t n; (n = read(from, buf, sizeof(buf))) > 0;)
		ck_assert_int_eq(write(to, buf, (size_t)n), n);
	close(from);
	unlink(core);
	(void)snprintf(core, sizeof(core), "/proc/self/fd/%d", to);
	open_image(&a, &options);
	rs_ck_ok(walk(&a, 3, &f, 1, &answer));
	ck_assert_uint_eq(answer.faults_total, 0);
	ck_assert_uint_eq(answer.edges, 1);
	rs_image_answer_fini(&answer);
	close_image(&a);
}
END_TEST

START_TEST(a_core_that_inflates_is_refused_before_it_runs)
{
	struct rs_memory *memory = NULL;
	struct rs_process_image *image = NULL;

	alias(500);
	rs_ck_ok(rs_memory_open_core(core, NULL, &memory));
	rs_ck_error(rs_image_from_core(memory, NULL, &image), RS_EBAD,
		    "bytes of the file at more than one address");
	rs_memory_close(memory);
}
END_TEST

static int number_in(const char *path, const char *name)
{
	char line[256];
	int value = -1;
	FILE *file = fopen(path, "re");

	while (file && fgets(line, sizeof(line), file))
		if (!name || !strncmp(line, name, strlen(name)))
			value = (int)strtol(line + (name ? strlen(name) : 0),
					    NULL, 10);
	if (file)
		(void)fclose(file);
	return value;
}

START_TEST(the_caller_stays_as_it_was)
{
	struct rs_image_answer answer = {0};
	const traverse_fn f = fake_traverse;
	const int score = number_in("/proc/self/oom_score_adj", NULL);
	const int uid = (int)getuid();
	struct asked a;

	open_image(&a, NULL);
	errno = 4711;
	rs_ck_ok(walk(&a, 3, &f, 1, &answer));
	ck_assert_int_eq(number_in("/proc/self/oom_score_adj", NULL), score);
	ck_assert_int_eq((int)getuid(), uid);
	ck_assert_int_eq(access("/proc/self/status", R_OK), 0);
	ck_assert_int_eq(number_in("/proc/self/status", "Seccomp:"), 0);
	// Whether others may look at this process: user ids changed elsewhere.
	ck_assert_int_eq(access("/proc/self/environ", R_OK), 0);
	rs_image_answer_fini(&answer);
	close_image(&a);
}
END_TEST

START_TEST(second_walls_stand_or_are_named)
{
	struct rs_image_answer answer = {0};
	const traverse_fn f = fake_traverse;
	char text[256];
	struct asked a;

	open_image(&a, NULL);
	rs_ck_ok(walk(&a, 3, &f, 1, &answer));
	rs_image_missing_text(answer.missing, text, sizeof(text));
	(void)printf("missing here: %s\n", *text ? text : "nothing");
	ck_assert_int_eq(answer.missing != 0, *text != 0);
	rs_image_answer_fini(&answer);
	close_image(&a);
	rs_image_missing_text(UINT32_MAX, text, sizeof(text));
	ck_assert_ptr_nonnull(strstr(text, "PID namespace, network namespace"));
}
END_TEST

static void set_up(void)
{
	bulk = (char *)0x300000000000;
	ck_assert_ptr_nonnull(mkdtemp(directory));
	make_core();
}

static void clean_up(void)
{
	unlink(core);
	rmdir(directory);
}

static void add_cases(Suite *suite)
{
	TCase *tc = tcase_create("hostile");

	tcase_add_checked_fixture(tc, set_up, clean_up);
	tcase_add_test(tc, every_system_call_is_stopped_or_allowed_by_name);
	tcase_add_test(tc,
		       other_entries_to_the_kernel_are_named_as_what_they_are);
	tcase_add_test(tc, calls_of_the_x32_table_are_named);
	tcase_add_test(tc, memory_ends_at_the_budget);
	tcase_add_test(tc, holes_of_a_core_are_within_the_budget);
	tcase_add_test(tc, a_core_in_memory_is_not_counted);
	tcase_add_test(tc, memory_that_is_not_counted_is_not_had);
	tcase_add_test(tc, without_consent_no_memory_becomes_executable);
	tcase_add_test(tc, a_full_signal_mask_does_not_stop_the_clock);
	tcase_add_test(tc, no_counter_of_the_image_prolongs_its_time);
	tcase_add_test(tc, written_results_are_refused_or_harmless);
	tcase_add_test(tc, a_core_that_inflates_is_refused_before_it_runs);
	tcase_add_test(tc, the_caller_stays_as_it_was);
	tcase_add_test(tc, second_walls_stand_or_are_named);
	tcase_set_timeout(tc, 120);
	suite_add_tcase(suite, tc);
}

int main(void)
{
	return kernel_core_main("image_hostile", NULL, add_cases);
}
