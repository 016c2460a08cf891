// SPDX-License-Identifier: MIT
// Cores written byte by byte: right ones, torn ones, lying ones.
#include "elf_writer.h"
#include "rs_check.h"

#include "memory/memory.h"
#include "memory/places.h"

#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define RS_PAGE UINT64_C(4096)
#define RS_BASE UINT64_C(0x10000)

static char directory[] = "/tmp/rs-core-XXXXXX";
static char core_path[64];
static char file_path[64];
static struct elf_writer w;
static struct rs_memory *memory;
static uint8_t bytes[4 * RS_PAGE];

static void setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(directory));
	(void)snprintf(core_path, sizeof(core_path), "%s/c", directory);
	(void)snprintf(file_path, sizeof(file_path), "%s/lib.so", directory);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7 + i / RS_PAGE);
	elf_writer_init(&w, ET_CORE, EM_X86_64);
	memory = NULL;
}

static void teardown(void)
{
	rs_memory_close(memory);
	elf_writer_fini(&w);
	unlink(core_path);
	unlink(file_path);
	rmdir(directory);
}

static struct rs_error *open_with(const struct rs_memory_options *options)
{
	if (!w.out)
		elf_writer_finish(&w);
	elf_writer_save(&w, core_path);
	return rs_memory_open_core(core_path, options, &memory);
}

static struct rs_error *open_it(void)
{
	return open_with(NULL);
}

static bool has_problem(const char *text)
{
	for (size_t i = 0; i < memory->problems; i++)
		if (strstr(memory->problem[i], text))
			return true;
	return false;
}

START_TEST(missing_file_is_io_error)
{
	rs_ck_error(rs_memory_open_core("/nonexistent", NULL, &memory), RS_EIO,
		    "/nonexistent: No such file");
	ck_assert_ptr_null(memory);
}
END_TEST

START_TEST(what_is_no_elf_is_bad_data)
{
	rs_ck_error(rs_memory_open_core("/etc/passwd", NULL, &memory), RS_EBAD,
		    "not an ELF");
	rs_ck_error(rs_memory_open_core("/tmp", NULL, &memory), RS_EBAD,
		    "not a regular file");
	rs_ck_error(rs_memory_open_core("/dev/null", NULL, &memory), RS_EBAD,
		    "not a regular file");
	rs_ck_error(rs_memory_open_core("/proc/self/exe", NULL, &memory),
		    RS_EBAD, "not a core");
	w.size = 0;
	elf_writer_finish(&w);
	w.size = 0;
	rs_ck_error(open_it(), RS_EBAD, "empty");
	w.size = 40;
	rs_ck_error(open_it(), RS_EBAD, "ELF header is truncated");
}
END_TEST

START_TEST(other_machines_are_unsupported)
{
	w.ehdr.e_machine = EM_PPC64;
	rs_ck_error(open_it(), RS_EUNSUPPORTED, "ELF machine 21");
	w.ehdr.e_machine = EM_X86_64;
	w.ehdr.e_ident[EI_CLASS] = ELFCLASS32;
	rs_ck_error(open_it(), RS_EUNSUPPORTED, "32-bit");
	w.ehdr.e_ident[EI_CLASS] = ELFCLASS64;
	w.ehdr.e_ident[EI_DATA] = ELFDATA2MSB;
	rs_ck_error(open_it(), RS_EUNSUPPORTED, "big-endian");
}
END_TEST

START_TEST(core_without_memory_is_bad_data)
{
	rs_ck_error(open_it(), RS_EBAD, "the core has no memory");
}
END_TEST

START_TEST(segments_are_read_in_place)
{
	uint64_t word = 0;

	elf_writer_load(&w, RS_BASE + 8 * RS_PAGE, bytes + RS_PAGE, RS_PAGE,
			RS_PAGE, PF_R);
	elf_writer_load(&w, RS_BASE, bytes, RS_PAGE, RS_PAGE, PF_R | PF_W);
	rs_ck_ok(open_it());
	ck_assert(memory->is_core);
	ck_assert_uint_eq(memory->segments, 2);
	ck_assert_uint_eq(memory->segment[0].start, RS_BASE);
	ck_assert_int_eq(memory->segment[0].prot, PROT_READ | PROT_WRITE);
	ck_assert_mem_eq(rs_memory_at(memory, RS_BASE, RS_PAGE), bytes,
			 RS_PAGE);
	ck_assert_mem_eq(rs_memory_at(memory, RS_BASE + 8 * RS_PAGE + 5, 9),
			 bytes + RS_PAGE + 5, 9);
	ck_assert(rs_memory_u64(memory, RS_BASE + 16, &word));
	ck_assert_mem_eq(&word, bytes + 16, 8);
	ck_assert_ptr_null(rs_memory_at(memory, RS_BASE - 1, 1));
	ck_assert_ptr_null(rs_memory_at(memory, RS_BASE + RS_PAGE, 1));
	ck_assert_ptr_null(rs_memory_at(memory, RS_BASE + RS_PAGE - 4, 8));
	ck_assert_ptr_null(rs_memory_at(memory, RS_BASE, UINT64_MAX));
	ck_assert_ptr_null(rs_memory_at(memory, UINT64_MAX - 3, 8));
	ck_assert_ptr_null(rs_memory_at(memory, 0, 8));
}
END_TEST

START_TEST(contiguous_neighbours_are_one_segment)
{
	elf_writer_load(&w, RS_BASE, bytes, RS_PAGE, RS_PAGE, PF_R | PF_W);
	elf_writer_load(&w, RS_BASE + RS_PAGE, bytes + RS_PAGE, RS_PAGE,
			RS_PAGE, PF_R | PF_W);
	rs_ck_ok(open_it());
	ck_assert_uint_eq(memory->segments, 1);
	ck_assert_mem_eq(rs_memory_at(memory, RS_BASE, 2 * RS_PAGE), bytes,
			 2 * RS_PAGE);
}
END_TEST

START_TEST(range_over_protections_is_one_pointer)
{
	elf_writer_load(&w, RS_BASE, bytes, RS_PAGE, RS_PAGE, PF_R);
	elf_writer_load(&w, RS_BASE + RS_PAGE, bytes + RS_PAGE, RS_PAGE,
			RS_PAGE, PF_R | PF_W);
	rs_ck_ok(open_it());
	ck_assert_uint_eq(memory->segments, 2);
	const uint8_t *p = rs_memory_at(memory, RS_BASE + RS_PAGE - 8, 16);
	ck_assert_ptr_eq(p, memory->segment[0].data + RS_PAGE - 8);
	ck_assert_mem_eq(p, bytes + RS_PAGE - 8, 16);
}
END_TEST

START_TEST(range_over_bytes_that_are_apart_is_joined_once)
{
	// gcore does not align offsets to pages.
	w.align = 8;
	elf_writer_load(&w, RS_BASE + RS_PAGE, bytes + RS_PAGE, RS_PAGE,
			RS_PAGE, PF_R);
	elf_writer_load(&w, RS_BASE, bytes, RS_PAGE, RS_PAGE, PF_R);
	rs_ck_ok(open_it());
	ck_assert_uint_eq(memory->segments, 2);
	const uint8_t *p = rs_memory_at(memory, RS_BASE + RS_PAGE - 8, 16);
	ck_assert_mem_eq(p, bytes + RS_PAGE - 8, 16);
	ck_assert_ptr_eq(rs_memory_at(memory, RS_BASE + RS_PAGE - 8, 16), p);

	uint8_t copy[3 * RS_PAGE];
	ck_assert(rs_memory_read(memory, RS_BASE + 1, copy, 2 * RS_PAGE - 1));
	ck_assert_mem_eq(copy, bytes + 1, 2 * RS_PAGE - 1);
	ck_assert(!rs_memory_read(memory, RS_BASE + 1, copy, 2 * RS_PAGE));
}
END_TEST

START_TEST(text_ends_at_its_nul)
{
	memset(bytes, 'x', 2 * RS_PAGE);
	bytes[RS_PAGE + 10] = 0;
	elf_writer_load(&w, RS_BASE, bytes, RS_PAGE, RS_PAGE, PF_R);
	elf_writer_load(&w, RS_BASE + RS_PAGE, bytes + RS_PAGE, RS_PAGE,
			RS_PAGE, PF_R | PF_W);
	rs_ck_ok(open_it());
	const char *text = rs_memory_text(memory, RS_BASE + RS_PAGE - 5, 100);
	ck_assert_ptr_nonnull(text);
	ck_assert_uint_eq(strlen(text), 15);
	ck_assert_ptr_nonnull(
		rs_memory_text(memory, RS_BASE + RS_PAGE - 5, 15));
	ck_assert_ptr_null(rs_memory_text(memory, RS_BASE + RS_PAGE - 5, 14));
	ck_assert_ptr_null(
		rs_memory_text(memory, RS_BASE + RS_PAGE + 11, 100000));
	ck_assert_ptr_null(rs_memory_text(memory, RS_BASE - 1, 10));
}
END_TEST

START_TEST(undumped_memory_is_unreadable_not_zero)
{
	elf_writer_load(&w, RS_BASE, bytes, RS_PAGE, 3 * RS_PAGE, PF_R | PF_W);
	elf_writer_load(&w, RS_BASE + 8 * RS_PAGE, NULL, 0, RS_PAGE,
			PF_R | PF_W);
	rs_ck_ok(open_it());
	ck_assert_ptr_nonnull(rs_memory_at(memory, RS_BASE, RS_PAGE));
	ck_assert_ptr_null(rs_memory_at(memory, RS_BASE + RS_PAGE, 1));
	ck_assert_ptr_null(rs_memory_at(memory, RS_BASE + 8 * RS_PAGE, 1));
}
END_TEST

START_TEST(threads_of_both_machines_are_told)
{
	for (int i = 0; i < 2; i++) {
		elf_writer_fini(&w);
		elf_writer_init(&w, ET_CORE, i ? EM_AARCH64 : EM_X86_64);
		elf_writer_thread(&w, 12, 0x400123, RS_BASE + 8, 0x7f00);
		elf_writer_thread(&w, 13, 0x400124, RS_BASE + 16, 0x7f01);
		elf_writer_load(&w, RS_BASE, bytes, RS_PAGE, RS_PAGE, PF_R);
		rs_memory_close(memory);
		memory = NULL;
		rs_ck_ok(open_it());
		ck_assert_uint_eq(memory->threads, 2);
		ck_assert_int_eq(memory->thread[0].tid, 12);
		ck_assert_uint_eq(memory->thread[0].pc, 0x400123);
		ck_assert_uint_eq(memory->thread[0].sp, RS_BASE + 8);
		ck_assert_uint_eq(memory->thread[0].fs_base, 0x7f00);
		ck_assert_uint_eq(memory->thread[1].fs_base, 0x7f01);
	}
}
END_TEST

START_TEST(truncated_core_goes_as_far_as_it_goes)
{
	elf_writer_load(&w, RS_BASE, bytes, 4 * RS_PAGE, 4 * RS_PAGE,
			PF_R | PF_W);
	elf_writer_finish(&w);
	w.size -= RS_PAGE + 100;
	rs_ck_ok(open_it());
	ck_assert(has_problem("is truncated"));
	ck_assert_uint_eq(memory->segment[0].end, RS_BASE + 3 * RS_PAGE - 100);
	ck_assert_ptr_null(
		rs_memory_at(memory, RS_BASE + 3 * RS_PAGE - 100, 1));
}
END_TEST

START_TEST(truncation_anywhere_ends_well)
{
	size_t opened = 0;

	elf_writer_thread(&w, 12, 1, RS_BASE + 8, 2);
	elf_writer_files(&w,
			 (struct elf_writer_file[]){{RS_BASE, RS_BASE + RS_PAGE,
						     0, "/nonexistent"}},
			 1);
	elf_writer_load(&w, RS_BASE, bytes, RS_PAGE, RS_PAGE, PF_R);
	elf_writer_finish(&w);
	const size_t size = w.size;
	for (size_t n = 0; n < size; n += n < 1200 ? 3 : 97) {
		w.size = n;
		struct rs_error *err = open_it();
		if (err) {
			ck_assert_int_eq(rs_error_code(err), RS_EBAD);
			ck_assert_ptr_null(strchr(rs_error_message(err), '\n'));
			rs_error_free(err);
			continue;
		}
		opened++;
		ck_assert(has_problem("truncated"));
		rs_memory_close(memory);
		memory = NULL;
	}
	ck_assert_uint_gt(opened, 20);
}
END_TEST

START_TEST(overflowing_headers_are_refused_one_by_one)
{
	elf_writer_load(&w, RS_BASE, bytes, RS_PAGE, RS_PAGE, PF_R);
	elf_writer_load(&w, UINT64_MAX - 100, bytes, RS_PAGE, RS_PAGE, PF_R);
	elf_writer_load(&w, RS_BASE * 2, bytes, RS_PAGE, RS_PAGE, PF_R);
	elf_writer_load(&w, RS_BASE * 3, bytes, RS_PAGE, RS_PAGE, PF_R);
	elf_writer_finish(&w);
	w.phdr[3].p_filesz = UINT64_MAX - 5;
	w.phdr[4].p_offset = UINT64_MAX - 5;
	rs_ck_ok(open_it());
	ck_assert_uint_eq(memory->segments, 1);
	ck_assert_mem_eq(rs_memory_at(memory, RS_BASE, RS_PAGE), bytes,
			 RS_PAGE);
	ck_assert(has_problem("beyond the end of the address space"));
	ck_assert(has_problem("truncated"));
}
END_TEST

START_TEST(overlapping_segments_are_clipped)
{
	elf_writer_load(&w, RS_BASE, bytes, 2 * RS_PAGE, 2 * RS_PAGE, PF_R);
	elf_writer_load(&w, RS_BASE + RS_PAGE, bytes + RS_PAGE, 2 * RS_PAGE,
			2 * RS_PAGE, PF_R);
	elf_writer_load(&w, RS_BASE + RS_PAGE, bytes, RS_PAGE, RS_PAGE, PF_R);
	rs_ck_ok(open_it());
	ck_assert(has_problem("overlapping"));
	uint8_t copy[3 * RS_PAGE];
	ck_assert(rs_memory_read(memory, RS_BASE, copy, sizeof(copy)));
	ck_assert_mem_eq(copy, bytes, sizeof(copy));
}
END_TEST

START_TEST(lying_notes_are_told)
{
	uint64_t desc[5] = {UINT64_MAX / 8, RS_PAGE, RS_BASE, RS_BASE + RS_PAGE,
			    0};

	elf_writer_note(&w, "CORE", NT_FILE, desc, sizeof(desc));
	desc[0] = 1;
	elf_writer_note(&w, "CORE", NT_FILE, desc, sizeof(desc)); // no name
	desc[1] = 3; // no page size
	elf_writer_note(&w, "CORE", NT_FILE, desc, sizeof(desc));
	elf_writer_note(&w, "CORE", NT_FILE, desc, 3);
	elf_writer_note(&w, "CORE", NT_PRSTATUS, desc, sizeof(desc));
	elf_writer_note(&w, "CORE", NT_AUXV, desc, 7);
	elf_writer_load(&w, RS_BASE, bytes, RS_PAGE, RS_PAGE, PF_R);
	rs_ck_ok(open_it());
	ck_assert(has_problem("list of mapped files (NT_FILE) is damaged"));
	ck_assert(has_problem("(NT_FILE) ends before the last name"));
	ck_assert_uint_eq(memory->threads, 0);
}
END_TEST

START_TEST(lost_count_of_headers_is_worked_out)
{
	// As the kernel counts more than 65534, with section header 0 cut off.
	elf_writer_load(&w, RS_BASE, bytes, RS_PAGE, RS_PAGE, PF_R);
	elf_writer_load(&w, RS_BASE + 2 * RS_PAGE, bytes, RS_PAGE, RS_PAGE,
			PF_R);
	elf_writer_finish(&w);
	elf_writer_save(&w, core_path);
	Elf64_Ehdr ehdr = w.ehdr;
	ehdr.e_phnum = PN_XNUM;
	ehdr.e_shoff = (uint64_t)1 << 40;
	const int fd = open(core_path, O_WRONLY | O_CLOEXEC);
	ck_assert_int_eq(pwrite(fd, &ehdr, sizeof(ehdr), 0), sizeof(ehdr));
	ck_assert_int_eq(ftruncate(fd, 4 << 20), 0); // room for 65535 headers
	close(fd);
	rs_ck_ok(rs_memory_open_core(core_path, NULL, &memory));
	ck_assert_uint_eq(memory->segments, 2);
}
END_TEST

/** A shared object: a page of headers, a page of code, a page of data. */
static void write_object(uint8_t id, size_t id_size)
{
	static struct elf_writer so;
	uint8_t build_id[64];

	memset(build_id, id, sizeof(build_id));
	elf_writer_init(&so, ET_DYN, EM_X86_64);
	so.phdr[0].p_align = 4;
	if (id_size)
		elf_writer_note(&so, "GNU", NT_GNU_BUILD_ID, build_id, id_size);
	elf_writer_load(&so, RS_PAGE, bytes, RS_PAGE, RS_PAGE, PF_R | PF_X);
	elf_writer_load(&so, 2 * RS_PAGE, bytes + RS_PAGE, RS_PAGE, RS_PAGE,
			PF_R | PF_W);
	Elf64_Phdr *head = elf_writer_load(&so, 0, NULL, 0, RS_PAGE, PF_R);
	elf_writer_finish(&so);
	head->p_offset = 0;
	head->p_filesz = RS_PAGE;
	so.phdr[0].p_vaddr = so.phdr[0].p_offset;
	so.phdr[0].p_memsz = so.phdr[0].p_filesz;
	// Ascending, as the gABI has it.
	const Elf64_Phdr last = so.phdr[3];
	so.phdr[3] = so.phdr[2];
	so.phdr[2] = so.phdr[1];
	so.phdr[1] = last;
	elf_writer_save(&so, file_path);
	elf_writer_fini(&so);
}

#define RS_SO UINT64_C(0x7f0000)

static uint8_t head_page[RS_PAGE];

/** A core with that object mapped; its first page is dumped if @p headers. */
static void write_core_of_object(bool headers)
{
	const int fd = open(file_path, O_RDONLY | O_CLOEXEC);

	ck_assert_int_eq(read(fd, head_page, RS_PAGE), RS_PAGE);
	close(fd);
	elf_writer_thread(&w, 1, RS_SO + RS_PAGE, RS_BASE + 8, 0);
	elf_writer_files(
		&w,
		(struct elf_writer_file[]){
			{RS_SO, RS_SO + RS_PAGE, 0, file_path},
			{RS_SO + RS_PAGE, RS_SO + 2 * RS_PAGE, 1, file_path},
			{RS_SO + 2 * RS_PAGE, RS_SO + 3 * RS_PAGE, 2,
			 file_path}},
		3);
	elf_writer_load(&w, RS_BASE, bytes, RS_PAGE, RS_PAGE, PF_R | PF_W);
	elf_writer_load(&w, RS_SO, head_page, headers ? RS_PAGE : 0, RS_PAGE,
			PF_R);
	elf_writer_load(&w, RS_SO + RS_PAGE, NULL, 0, RS_PAGE, PF_R | PF_X);
	elf_writer_load(&w, RS_SO + 2 * RS_PAGE, NULL, 0, RS_PAGE, PF_R | PF_W);
}

START_TEST(missing_pages_come_from_the_file)
{
	write_object(0x11, 20);
	write_core_of_object(true);
	rs_ck_ok(open_it());
	ck_assert_uint_eq(memory->problems, 0);
	ck_assert_uint_eq(memory->modules, 1);
	ck_assert_str_eq(memory->module[0].path, file_path);
	ck_assert_str_eq(memory->module[0].file, file_path);
	ck_assert(memory->module[0].checked);
	ck_assert_uint_eq(memory->module[0].bias, RS_SO);
	ck_assert_uint_eq(memory->module[0].start, RS_SO);
	ck_assert_uint_eq(memory->module[0].end, RS_SO + 3 * RS_PAGE);
	ck_assert_ptr_eq(rs_memory_module(memory, RS_SO + RS_PAGE),
			 &memory->module[0]);
	ck_assert_ptr_null(rs_memory_module(memory, RS_SO - 1));
	ck_assert_ptr_null(rs_memory_module(memory, RS_SO + 3 * RS_PAGE));
	ck_assert_mem_eq(rs_memory_at(memory, RS_SO + RS_PAGE, RS_PAGE), bytes,
			 RS_PAGE);
	ck_assert_mem_eq(rs_memory_at(memory, RS_SO + 2 * RS_PAGE, RS_PAGE),
			 bytes + RS_PAGE, RS_PAGE);
	// Across the end of the core's own bytes.
	uint8_t want[32];
	memcpy(want, head_page + RS_PAGE - 16, 16);
	memcpy(want + 16, bytes, 16);
	ck_assert_mem_eq(rs_memory_at(memory, RS_SO + RS_PAGE - 16, 32), want,
			 32);
}
END_TEST

START_TEST(data_is_not_filled_when_anonymous_memory_was_left_out)
{
	write_object(0x11, 20);
	write_core_of_object(true);
	elf_writer_finish(&w);
	w.phdr[1].p_filesz = 0; // the stack
	rs_ck_ok(open_it());
	ck_assert_ptr_nonnull(rs_memory_at(memory, RS_SO + RS_PAGE, RS_PAGE));
	ck_assert_ptr_null(rs_memory_at(memory, RS_SO + 2 * RS_PAGE, 1));
}
END_TEST

START_TEST(text_left_out_without_a_trace_is_filled)
{
	// gcore omits the program headers of what it does not dump.
	write_object(0x11, 20);
	write_core_of_object(true);
	elf_writer_finish(&w);
	w.phdr[3].p_type = PT_NULL;
	rs_ck_ok(open_it());
	ck_assert_mem_eq(rs_memory_at(memory, RS_SO + RS_PAGE, RS_PAGE), bytes,
			 RS_PAGE);
}
END_TEST

START_TEST(another_build_is_not_used)
{
	write_object(0x11, 20);
	write_core_of_object(true);
	elf_writer_finish(&w);
	write_object(0x22, 20);
	rs_ck_ok(open_it());
	ck_assert_uint_eq(memory->modules, 1);
	ck_assert_ptr_null(memory->module[0].file);
	ck_assert_ptr_null(rs_memory_at(memory, RS_SO + RS_PAGE, 1));
	ck_assert(has_problem(file_path));
	ck_assert(has_problem(
		"build-id is 2222222222222222222222222222222222222222"));
	ck_assert(has_problem(
		"target's is 1111111111111111111111111111111111111111"));
}
END_TEST

START_TEST(missing_file_is_told_with_its_id)
{
	write_object(0x11, 20);
	write_core_of_object(true);
	elf_writer_finish(&w);
	unlink(file_path);
	rs_ck_ok(open_it());
	ck_assert_uint_eq(memory->modules, 1);
	ck_assert_ptr_null(memory->module[0].file);
	ck_assert(has_problem("not found on this machine (build-id 1111"));
	ck_assert_ptr_null(rs_memory_at(memory, RS_SO + RS_PAGE, 1));
}
END_TEST

START_TEST(unchecked_file_is_used_and_told)
{
	write_object(0x11, 20);
	write_core_of_object(false);
	rs_ck_ok(open_it());
	ck_assert_uint_eq(memory->modules, 1);
	ck_assert(!memory->module[0].checked);
	ck_assert(has_problem("there is no build-id to compare"));
	ck_assert_mem_eq(rs_memory_at(memory, RS_SO + RS_PAGE, RS_PAGE), bytes,
			 RS_PAGE);
}
END_TEST

START_TEST(unchecked_file_laid_out_otherwise_is_not_used)
{
	write_object(0x11, 20);
	write_core_of_object(false);
	elf_writer_finish(&w);
	ck_assert_int_eq(truncate(file_path, RS_PAGE + RS_PAGE / 2), 0);
	rs_ck_ok(open_it());
	ck_assert_ptr_null(rs_memory_at(memory, RS_SO + RS_PAGE, 1));
}
END_TEST

START_TEST(object_without_id_is_checked_by_its_headers)
{
	write_object(0, 0);
	write_core_of_object(true);
	rs_ck_ok(open_it());
	ck_assert(has_problem("its program headers match"));
	ck_assert_mem_eq(rs_memory_at(memory, RS_SO + RS_PAGE, RS_PAGE), bytes,
			 RS_PAGE);
	rs_memory_close(memory);
	memory = NULL;
	// The dumped headers now tell another layout.
	Elf64_Phdr *phdr = (void *)(w.out + w.phdr[2].p_offset +
				    sizeof(Elf64_Ehdr) + 2 * sizeof(*phdr));
	phdr->p_memsz += 16;
	rs_ck_ok(open_it());
	ck_assert_ptr_null(rs_memory_at(memory, RS_SO + RS_PAGE, 1));
	ck_assert(has_problem("another build"));
}
END_TEST

static const char *find_moved(void *context, const char *path,
			      const uint8_t *build_id, size_t build_id_size)
{
	ck_assert_str_eq(path, file_path);
	ck_assert_uint_eq(build_id_size, 20);
	ck_assert_int_eq(build_id[0], 0x11);
	return context;
}

START_TEST(moved_file_is_found_by_the_caller_or_sysroot)
{
	char moved[80];
	char root[80];

	write_object(0x11, 20);
	write_core_of_object(true);
	elf_writer_finish(&w);
	(void)snprintf(moved, sizeof(moved), "%s/moved", directory);
	ck_assert_int_eq(rename(file_path, moved), 0);
	rs_ck_ok(open_with(&(struct rs_memory_options){.find_file = find_moved,
						       .context = moved}));
	ck_assert_str_eq(memory->module[0].file, moved);
	ck_assert_uint_eq(memory->problems, 0);
	rs_memory_close(memory);
	memory = NULL;

	(void)snprintf(root, sizeof(root), "%s/%s", directory, "moved");
	rs_ck_ok(open_with(&(struct rs_memory_options){.exec = moved}));
	ck_assert_str_eq(memory->module[0].file, moved);
	ck_assert_uint_eq(memory->problems, 0);
	rs_memory_close(memory);
	memory = NULL;

	ck_assert_int_eq(rename(moved, file_path), 0);
	rs_ck_ok(open_with(
		&(struct rs_memory_options){.sysroot = "/proc/self/root"}));
	(void)snprintf(root, sizeof(root), "/proc/self/root%s", file_path);
	ck_assert_str_eq(memory->module[0].file, root);
}
END_TEST

START_TEST(wrong_executable_is_told_and_not_used)
{
	write_object(0x11, 20);
	write_core_of_object(true);
	rs_ck_ok(open_with(
		&(struct rs_memory_options){.exec = "/proc/self/exe"}));
	ck_assert(has_problem("/proc/self/exe (build-id"));
	ck_assert(has_problem("is not used: the target ran"));
	ck_assert_str_eq(memory->module[0].file, file_path);
	rs_memory_close(memory);
	memory = NULL;
	rs_ck_ok(open_with(&(struct rs_memory_options){.exec = "/etc/passwd"}));
	ck_assert(has_problem("/etc/passwd: not used: it is not a readable "
			      "ELF executable"));
}
END_TEST

// What answers lack is told however much else is wrong.
START_TEST(many_problems_hide_no_gap)
{
	elf_writer_load(&w, RS_BASE, bytes, RS_PAGE, RS_PAGE, PF_R);
	rs_ck_ok(open_it());
	rs_memory_gap(memory, "a limit was reached");
	for (int i = 0; i < 500; i++)
		rs_memory_problem(memory, "file %d is missing", i);
	for (int i = 0; i < 2; i++)
		rs_memory_gap(memory, "a list is broken");
	ck_assert_uint_eq(memory->gaps, 2);
	ck_assert_str_eq(memory->gap[0], "a limit was reached");
	ck_assert_str_eq(memory->gap[1], "a list is broken");
	ck_assert(has_problem("a list is broken"));
	ck_assert(has_problem("more problems were found"));
	for (int i = 0; i < 500; i++)
		rs_memory_gap(memory, "list %d is broken", i);
	ck_assert_str_eq(memory->gap[memory->gaps - 1],
			 "more is missing; it is not listed");
}
END_TEST

// A segment of 64 MiB, with data in its first page and in its middle.
START_TEST(holes_are_gone_over)
{
	enum { RS_MIB = 1 << 20 };
	const uint64_t end = RS_BASE + 64 * RS_MIB;
	const uint64_t middle = RS_BASE + 32 * RS_MIB;
	Elf64_Phdr *load = elf_writer_load(&w, RS_BASE, bytes, RS_PAGE, RS_PAGE,
					   PF_R | PF_W);

	elf_writer_finish(&w);
	load->p_filesz = load->p_memsz = 64 * RS_MIB;
	elf_writer_save(&w, core_path);
	const off_t at = (off_t)load->p_offset;
	const int fd = open(core_path, O_RDWR | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, at + 64 * RS_MIB), 0);
	ck_assert_int_eq(pwrite(fd, bytes, RS_PAGE, at + 32 * RS_MIB), RS_PAGE);
	const bool known = lseek(fd, at + RS_MIB, SEEK_DATA) != at + RS_MIB;
	close(fd);
	rs_ck_ok(rs_memory_open_core(core_path, NULL, &memory));
	ck_assert_uint_eq(rs_memory_skip_hole(memory, RS_BASE, end), RS_BASE);
	ck_assert_uint_eq(rs_memory_skip_hole(memory, middle + 8, end),
			  middle + 8);
	ck_assert_uint_eq(rs_memory_skip_hole(memory, 8, end), 8);
	if (!known) // not by the file system of /tmp
		return;
	// Where blocks of the file system begin, the page may lie within one.
	const uint64_t found =
		rs_memory_skip_hole(memory, RS_BASE + RS_MIB, end);
	ck_assert_uint_le(found, middle);
	ck_assert_uint_gt(found, middle - RS_MIB);
	ck_assert_uint_eq(rs_memory_skip_hole(memory, middle + RS_MIB, end),
			  end);
	ck_assert_uint_eq(rs_memory_skip_hole(memory, RS_BASE + RS_MIB,
					      RS_BASE + 2 * RS_MIB),
			  RS_BASE + 2 * RS_MIB);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("memory_core");
	TCase *tc = tcase_create("core");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, missing_file_is_io_error);
	tcase_add_test(tc, what_is_no_elf_is_bad_data);
	tcase_add_test(tc, other_machines_are_unsupported);
	tcase_add_test(tc, core_without_memory_is_bad_data);
	tcase_add_test(tc, segments_are_read_in_place);
	tcase_add_test(tc, contiguous_neighbours_are_one_segment);
	tcase_add_test(tc, range_over_protections_is_one_pointer);
	tcase_add_test(tc, range_over_bytes_that_are_apart_is_joined_once);
	tcase_add_test(tc, text_ends_at_its_nul);
	tcase_add_test(tc, undumped_memory_is_unreadable_not_zero);
	tcase_add_test(tc, threads_of_both_machines_are_told);
	tcase_add_test(tc, truncated_core_goes_as_far_as_it_goes);
	tcase_add_test(tc, truncation_anywhere_ends_well);
	tcase_add_test(tc, overflowing_headers_are_refused_one_by_one);
	tcase_add_test(tc, overlapping_segments_are_clipped);
	tcase_add_test(tc, lying_notes_are_told);
	tcase_add_test(tc, lost_count_of_headers_is_worked_out);
	tcase_add_test(tc, missing_pages_come_from_the_file);
	tcase_add_test(tc,
		       data_is_not_filled_when_anonymous_memory_was_left_out);
	tcase_add_test(tc, text_left_out_without_a_trace_is_filled);
	tcase_add_test(tc, another_build_is_not_used);
	tcase_add_test(tc, missing_file_is_told_with_its_id);
	tcase_add_test(tc, unchecked_file_is_used_and_told);
	tcase_add_test(tc, unchecked_file_laid_out_otherwise_is_not_used);
	tcase_add_test(tc, object_without_id_is_checked_by_its_headers);
	tcase_add_test(tc, moved_file_is_found_by_the_caller_or_sysroot);
	tcase_add_test(tc, wrong_executable_is_told_and_not_used);
	tcase_add_test(tc, many_problems_hide_no_gap);
	tcase_add_test(tc, holes_are_gone_over);
	tcase_set_timeout(tc, 60); // the machine may be busy
	suite_add_tcase(suite, tc);
	return rs_ck_run(suite);
}
