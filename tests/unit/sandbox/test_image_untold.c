// SPDX-License-Identifier: MIT
//
// Without consent no byte of a core is run, seen by stepping: cores of a real
// Python are spoilt in ten ways, in each of the two forms of cores, and "refs
// info" looks at them in a process that is traced. Every instruction that its
// images run has to come from a file, or from the guest.
#ifdef __x86_64__
#include "kernel_core.h"
#include "python_core.h"
#include "refscope/engine.h"
#include "rs_check.h"
#include "unaligned_core.h"

#include <errno.h>
#include <sys/ptrace.h>
#include <sys/user.h>

enum {
	RS_PAGE = 4096,
	RS_PAGES = 4096, // with code that ran, of one core
	RS_CODE = 512, // bytes planted
	RS_TYPE_SIZE = 1024, // of a type object: more than it has
	RS_PROCESSES = 64, // images of one core
	RS_AUXV_MAX = 64,
};

/** What ran in all images of one core. */
struct seen {
	pid_t image[RS_PROCESSES];
	uint64_t at[RS_PROCESSES]; // the instruction that is being stepped over
	unsigned images;
	uint64_t steps;
	uint64_t page[RS_PAGES];
	unsigned pages;
	uint64_t foreign; // the first instruction that is no file's
};

static struct python_core python;
static struct rs_memory *whole; // the core as it was
static char kept[80]; // its file
static uint8_t code[RS_CODE]; // inc (%rsp) and int3: no use to anybody

// --- Ways to spoil a core -------------------------------------------------

static void plant(uint64_t address)
{
	python_core_write(&python, address, code, sizeof(code));
}

static void lead_to(uint64_t address)
{
	python_core_write(&python, python.traverse, &address, 8);
}

static void the_slot_leads_to_executable_memory(void)
{
	python_core_allow_execution(&python, python.room);
	plant(python.room);
	lead_to(python.room);
}

static void the_slot_leads_to_memory_that_is_none(void)
{
	plant(python.room);
	lead_to(python.room);
}

static void each_header(void (*change)(Elf64_Phdr *phdr))
{
	const int fd = open(python.core, O_RDWR | O_CLOEXEC);
	Elf64_Ehdr ehdr;

	ck_assert_int_eq(pread(fd, &ehdr, sizeof(ehdr), 0), sizeof(ehdr));
	for (unsigned i = 0; i < ehdr.e_phnum; i++) {
		Elf64_Phdr phdr;
		const off_t at = (off_t)(ehdr.e_phoff + i * sizeof(phdr));

		ck_assert_int_eq(pread(fd, &phdr, sizeof(phdr), at),
				 sizeof(phdr));
		change(&phdr);
		ck_assert_int_eq(pwrite(fd, &phdr, sizeof(phdr), at),
				 sizeof(phdr));
	}
	close(fd);
}

static void allow_it(Elf64_Phdr *phdr)
{
	phdr->p_flags |= PF_X;
}

static void all_memory_is_executable(void)
{
	each_header(allow_it);
	plant(python.room);
	lead_to(python.room);
}

static uint64_t text_offset; // in the core, of what takes the text's place

static void replace_it(Elf64_Phdr *phdr)
{
	if (phdr->p_type != PT_LOAD || !(phdr->p_flags & PF_X) ||
	    phdr->p_filesz)
		return;
	phdr->p_offset = text_offset;
	phdr->p_filesz = RS_PAGE;
}

// The first page of every text, where the core has none of its own.
static void the_core_has_text_of_its_own(void)
{
	const int fd = open(python.core, O_RDWR | O_CLOEXEC);
	uint64_t at = 0;
	const Elf64_Phdr phdr = python_core_header(fd, python.room, &at);

	close(fd);
	text_offset = (phdr.p_offset + (python.room - phdr.p_vaddr)) &
		      ~(uint64_t)(RS_PAGE - 1);
	plant(python.room);
	each_header(replace_it);
}

static void the_slot_leads_into_a_function(void)
{
	uint64_t function = 0;

	rs_ck_ok(rs_memory_symbol(whole, NULL, "PyObject_SelfIter", &function,
				  NULL));
	lead_to(function + 1);
}

static void the_object_brings_a_type(void)
{
	const uint64_t fake = python.room + 2 * RS_CODE;
	const uint64_t slot = fake + (python.traverse - python.type);
	uint8_t type[RS_TYPE_SIZE];

	memcpy(type, rs_memory_at(whole, python.type, sizeof(type)),
	       sizeof(type));
	python_core_write(&python, fake, type, sizeof(type));
	python_core_write(&python, slot, &python.room, 8);
	python_core_write(&python, python.node + 8, &fake, 8);
	python_core_allow_execution(&python, python.room);
	plant(python.room);
}

static void the_stack_is_executable(void)
{
	const uint64_t sp = whole->thread[0].sp;

	python_core_allow_execution(&python, sp);
	plant(sp);
	lead_to(sp);
}

/** Offset in the core of the descriptor of its note @p type. */
static uint64_t note(uint32_t type)
{
	const int fd = open(python.core, O_RDWR | O_CLOEXEC);
	Elf64_Ehdr ehdr;
	Elf64_Phdr phdr;
	Elf64_Nhdr nhdr = {0};

	ck_assert_int_eq(pread(fd, &ehdr, sizeof(ehdr), 0), sizeof(ehdr));
	ck_assert_int_eq(pread(fd, &phdr, sizeof(phdr), (off_t)ehdr.e_phoff),
			 sizeof(phdr));
	ck_assert_uint_eq(phdr.p_type, PT_NOTE);
	for (uint64_t at = phdr.p_offset; at < phdr.p_offset + phdr.p_filesz;) {
		ck_assert_int_eq(pread(fd, &nhdr, sizeof(nhdr), (off_t)at),
				 sizeof(nhdr));
		at += sizeof(nhdr) + ((nhdr.n_namesz + 3) & ~3U);
		if (nhdr.n_type == type) {
			close(fd);
			return at;
		}
		at += (nhdr.n_descsz + 3) & ~3U;
	}
	ck_abort_msg("no note %x", type);
}

static void write_at(uint64_t offset, const void *data, size_t size)
{
	const int fd = open(python.core, O_RDWR | O_CLOEXEC);

	ck_assert_int_eq(pwrite(fd, data, size, (off_t)offset), (ssize_t)size);
	close(fd);
}

// Source: Linux fs/binfmt_elf.c fill_files_note(): count, page size, then
// begin, end and offset of each.
static void the_list_of_files_has_the_memory(void)
{
	const uint64_t range[2] = {
		python.room & ~(uint64_t)(RS_PAGE - 1),
		(python.room & ~(uint64_t)(RS_PAGE - 1)) + 2 * RS_PAGE,
	};

	the_slot_leads_to_executable_memory();
	write_at(note(NT_FILE) + 16, range, sizeof(range));
}

static void the_registers_lead_to_it(void)
{
	the_slot_leads_to_executable_memory();
	// Source: Linux include/uapi/linux/elfcore.h: registers from byte 112
	// on, of which rip is number 16 and fs_base number 21.
	write_at(note(NT_PRSTATUS) + 112 + 16 * 8, &python.room, 8);
	write_at(note(NT_PRSTATUS) + 112 + 21 * 8, &python.room, 8);
}

static void the_vdso_is_elsewhere(void)
{
	const uint64_t page = python.room & ~(uint64_t)(RS_PAGE - 1);
	const uint64_t at = note(NT_AUXV);
	uint64_t pair[2] = {AT_NULL};
	const int fd = open(python.core, O_RDONLY | O_CLOEXEC);

	the_slot_leads_to_executable_memory();
	for (uint64_t i = 0; i < RS_AUXV_MAX; i++) {
		const uint64_t where = at + i * sizeof(pair);

		ck_assert_int_eq(pread(fd, pair, sizeof(pair), (off_t)where),
				 sizeof(pair));
		if (pair[0] == AT_SYSINFO_EHDR || pair[0] == AT_ENTRY)
			write_at(where + 8, &page, 8);
		if (pair[0] == AT_NULL)
			break;
	}
	close(fd);
}

static void (*const way[])(void) = {
	the_slot_leads_to_executable_memory,
	the_slot_leads_to_memory_that_is_none,
	all_memory_is_executable,
	the_core_has_text_of_its_own,
	the_slot_leads_into_a_function,
	the_object_brings_a_type,
	the_stack_is_executable,
	the_list_of_files_has_the_memory,
	the_registers_lead_to_it,
	the_vdso_is_elsewhere,
};

// --- Looking at what runs -------------------------------------------------

static const struct rs_segment *segment_of(uint64_t address)
{
	for (size_t i = 0; i < whole->segments; i++)
		if (address - whole->segment[i].start <
		    whole->segment[i].end - whole->segment[i].start)
			return &whole->segment[i];
	return NULL;
}

// What runs has the bytes of a file that was mapped there, or lies where the
// core has nothing: the guest.
static bool is_of_a_file(pid_t pid, uint64_t page)
{
	const struct rs_segment *segment = segment_of(page);
	uint8_t here[RS_PAGE];
	char path[64];

	if (!segment)
		return true;
	(void)snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	const ssize_t n = pread(fd, here, RS_PAGE, (off_t)page);
	close(fd);
	const void *file = rs_memory_at(whole, page, RS_PAGE);
	return n == RS_PAGE && segment->from_file && file &&
	       memcmp(here, file, RS_PAGE) == 0;
}

static void note_step(struct seen *seen, pid_t pid, uint64_t at)
{
	const uint64_t page = at & ~(uint64_t)(RS_PAGE - 1);

	seen->steps++;
	for (unsigned i = seen->pages; i--;)
		if (seen->page[i] == page)
			return;
	ck_assert_uint_lt(seen->pages, RS_PAGES);
	seen->page[seen->pages++] = page;
	if (!is_of_a_file(pid, page) && !seen->foreign)
		seen->foreign = at;
}

static int image_number(const struct seen *seen, pid_t pid)
{
	for (unsigned i = 0; i < seen->images; i++)
		if (seen->image[i] == pid)
			return (int)i;
	return -1;
}

static uint64_t instruction(pid_t pid)
{
	struct user_regs_struct regs = {0};

	ptrace(PTRACE_GETREGS, pid, NULL, &regs);
	return regs.rip;
}

// One stop. An instruction ran if it was stepped over; where it could not be
// fetched, the stop is a signal at the same place.
static void go_on(struct seen *seen, pid_t pid, int status)
{
	const int event = status >> 16, signal = WSTOPSIG(status);
	int n = image_number(seen, pid);

	if (event == PTRACE_EVENT_EXEC && n < 0) {
		ck_assert_uint_lt(seen->images, RS_PROCESSES);
		n = (int)seen->images++;
		seen->image[n] = pid;
	} else if (n >= 0 && signal == SIGTRAP) {
		note_step(seen, pid, seen->at[n]);
	}
	if (n >= 0)
		seen->at[n] = instruction(pid);
	const bool ours = event || signal == SIGTRAP || signal == SIGSTOP;
	ptrace(n >= 0 ? PTRACE_SINGLESTEP : PTRACE_CONT, pid, NULL,
	       ours ? 0L : (long)signal);
}

_Noreturn static void look_at_it(const struct rs_open_options *options)
{
	struct rs_session *session = NULL;
	char *text = NULL;

	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	(void)raise(SIGSTOP);
	struct rs_error *err =
		rs_session_open_core(python.core, options, &session);
	if (!err)
		err = rs_answer_info(session, &text);
	if (!err && options)
		err = rs_answer_verify(session, 0, &text);
	// What it says is of no matter here, and a core that is refused is
	// well looked at.
	_exit(err ? 3 : 0);
}

static void trace(const struct rs_open_options *options, struct seen *seen)
{
	const long follow = PTRACE_O_TRACECLONE | PTRACE_O_TRACEVFORK |
			    PTRACE_O_TRACEFORK | PTRACE_O_TRACEEXEC |
			    PTRACE_O_EXITKILL;
	const pid_t child = fork();
	int status = 0;

	ck_assert_int_ge(child, 0);
	if (!child)
		look_at_it(options);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFSTOPPED(status));
	ptrace(PTRACE_SETOPTIONS, child, NULL, follow);
	ptrace(PTRACE_CONT, child, NULL, NULL);
	for (;;) {
		const pid_t pid = waitpid(-1, &status, __WALL);

		if (pid < 0)
			break;
		if (WIFSTOPPED(status))
			go_on(seen, pid, status);
		else if (pid == child)
			ck_assert_msg(WIFEXITED(status), "it was ended: %#x",
				      (unsigned)status);
	}
	ck_assert_int_eq(errno, ECHILD);
}

static void copy(const char *from, const char *to)
{
	static char buf[1 << 20];
	const int in = open(from, O_RDONLY | O_CLOEXEC);
	const int out =
		open(to, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);

	for (ssize_t n; (n = read(in, buf, sizeof(buf))) > 0;)
		ck_assert_int_eq(write(out, buf, (size_t)n), n);
	close(in);
	close(out);
}

static void set_up(void)
{
	static const uint8_t some[] = {0xff, 0x04, 0x24, 0x90};

	for (size_t i = 0; i < sizeof(code); i++)
		code[i] = i + 8 < sizeof(code) ? some[i % sizeof(some)] : 0xcc;
	python_core_make(&python);
	(void)snprintf(kept, sizeof(kept), "%s/kept", python.directory);
	copy(python.core, kept);
	rs_ck_ok(rs_memory_open_core(kept, NULL, &whole));
}

static void clean_up(void)
{
	rs_memory_close(whole);
	unlink(kept);
	python_core_remove(&python);
}

static void check_all(bool unaligned)
{
	uint64_t steps = 0;

	for (size_t i = 0; i < sizeof(way) / sizeof(way[0]); i++) {
		struct seen seen = {0};

		copy(kept, python.core);
		if (unaligned)
			unaligned_core_make(python.core);
		way[i]();
		trace(NULL, &seen);
		ck_assert_msg(!seen.foreign, "way %zu: %#llx ran", i,
			      (unsigned long long)seen.foreign);
		steps += seen.steps;
	}
	ck_assert_uint_gt(steps, 0);
}

START_TEST(info_runs_no_byte_of_a_hostile_core)
{
	check_all(false);
}
END_TEST

START_TEST(nor_of_one_that_has_to_be_copied)
{
	check_all(true);
}
END_TEST

// The same, asked of every object; and with consent it is seen to run.
START_TEST(with_consent_it_is_seen_to_run)
{
	static const struct rs_open_options all[] = {
		{.size = sizeof(all[0])},
		{.size = sizeof(all[0]), .run = true},
	};

	the_slot_leads_to_executable_memory();
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct seen seen = {0};

		trace(&all[i], &seen);
		ck_assert_uint_gt(seen.steps, 0);
		ck_assert_uint_eq(seen.foreign, i ? python.room : 0);
	}
}
END_TEST

static void add_cases(Suite *suite)
{
	TCase *tc = tcase_create("untold");

	tcase_add_checked_fixture(tc, set_up, clean_up);
	tcase_add_test(tc, info_runs_no_byte_of_a_hostile_core);
	tcase_add_test(tc, nor_of_one_that_has_to_be_copied);
	tcase_add_test(tc, with_consent_it_is_seen_to_run);
	tcase_set_timeout(tc, 300);
	suite_add_tcase(suite, tc);
}

int main(void)
{
	return kernel_core_main(
		"image_untold",
		access(RS_PYTHON, X_OK) ? "there is no " RS_PYTHON : NULL,
		add_cases);
}
#else
#include "rs_check.h"

int main(void)
{
	return rs_ck_skip("no probe for this machine");
}
#endif
