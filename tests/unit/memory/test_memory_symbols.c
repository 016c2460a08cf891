// SPDX-License-Identifier: MIT
// Symbol tables: the index itself, and symbols without a file.
#include "rs_check.h"

#include "memory/elf/symbols.h"
#include "memory/memory.h"

#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#define RS_SYM(name, bind, type, shndx, value)                                 \
	{                                                                      \
		name, ELF64_ST_INFO(bind, type), 0, shndx, value, 8            \
	}

static const char text[] = "\0alpha\0beta\0gamma\0unended";
enum { RS_ALPHA = 1, RS_BETA = 7, RS_GAMMA = 12, RS_UNENDED = 18 };

static struct rs_symbols table;

static uint64_t value_of(const char *name)
{
	const Elf64_Sym *sym = rs_symbols_find(&table, name);

	return sym ? sym->st_value : 0;
}

START_TEST(empty_table_finds_nothing)
{
	ck_assert_ptr_null(rs_symbols_find(&table, "alpha"));
	rs_ck_ok(rs_symbols_index(&table, NULL, 0, NULL, 0));
	ck_assert_ptr_null(rs_symbols_find(&table, "alpha"));
	ck_assert_ptr_null(rs_symbols_find(&table, ""));
	rs_symbols_fini(&table);
}
END_TEST

START_TEST(global_wins_over_local_and_first_over_later)
{
	const Elf64_Sym sym[] = {
		RS_SYM(RS_ALPHA, STB_LOCAL, STT_OBJECT, 1, 10),
		RS_SYM(RS_ALPHA, STB_LOCAL, STT_OBJECT, 1, 11),
		RS_SYM(RS_BETA, STB_LOCAL, STT_OBJECT, 1, 20),
		RS_SYM(RS_BETA, STB_WEAK, STT_FUNC, 1, 21),
		RS_SYM(RS_BETA, STB_GLOBAL, STT_FUNC, 1, 22),
	};

	rs_ck_ok(rs_symbols_index(&table, sym, 5, text, sizeof(text)));
	ck_assert_uint_eq(value_of("alpha"), 10);
	ck_assert_uint_eq(value_of("beta"), 21);
	ck_assert_uint_eq(value_of("bet"), 0);
	ck_assert_uint_eq(value_of("betaa"), 0);
	rs_symbols_fini(&table);
}
END_TEST

START_TEST(what_has_no_address_is_left_out)
{
	const Elf64_Sym sym[] = {
		RS_SYM(RS_ALPHA, STB_GLOBAL, STT_OBJECT, SHN_UNDEF, 10),
		RS_SYM(RS_BETA, STB_GLOBAL, STT_TLS, 1, 20),
		RS_SYM(RS_GAMMA, STB_GLOBAL, STT_OBJECT, SHN_ABS, 30),
		RS_SYM(RS_GAMMA, STB_LOCAL, STT_FILE, 1, 31),
		RS_SYM(0, STB_GLOBAL, STT_OBJECT, 1, 40),
		RS_SYM(UINT32_MAX, STB_GLOBAL, STT_OBJECT, 1, 50),
		RS_SYM(RS_UNENDED, STB_GLOBAL, STT_OBJECT, 1, 60),
	};

	// The table ends within a name.
	rs_ck_ok(rs_symbols_index(&table, sym, 7, text, RS_UNENDED + 4));
	ck_assert_uint_eq(value_of("alpha"), 0);
	ck_assert_uint_eq(value_of("beta"), 0);
	ck_assert_uint_eq(value_of("gamma"), 0);
	ck_assert_uint_eq(value_of("unended"), 0);
	ck_assert_uint_eq(value_of("unen"), 0);
	ck_assert_uint_eq(value_of(""), 0);
	rs_symbols_fini(&table);
}
END_TEST

enum { RS_MAX_RANGES = 4096 };

static struct rs_range range[RS_MAX_RANGES];
static char moved[RS_MAX_RANGES][512];

/** Our own mappings, with paths that lead nowhere. */
static size_t read_maps(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[1024];
	size_t n = 0;

	ck_assert_ptr_nonnull(maps);
	while (n < RS_MAX_RANGES && fgets(line, sizeof(line), maps)) {
		unsigned long long start;
		unsigned long long end;
		unsigned long long offset;
		char perm[5];
		char path[480] = "";
		// NOLINTNEXTLINE(cert-err34-c): the kernel writes numbers
		if (sscanf(line, "%llx-%llx %4s %llx %*s %*s %479s", &start,
			   &end, perm, &offset, path) < 4 ||
		    perm[0] != 'r' || end - start > 1ULL << 30)
			continue;
		range[n].start = start;
		range[n].end = end;
		range[n].file_offset = offset;
		range[n].prot = PROT_READ | (perm[1] == 'w' ? PROT_WRITE : 0U) |
				(perm[2] == 'x' ? PROT_EXEC : 0U);
		if (path[0] == '/') {
			(void)snprintf(moved[n], sizeof(moved[n]), "/nowhere%s",
				       path);
			range[n].path = moved[n];
		}
		n++;
	}
	(void)fclose(maps);
	return n;
}

static uint64_t
read_self(void *context, uint64_t address, void *buf, uint64_t size)
{
	struct iovec local = {buf, size};
	// NOLINTNEXTLINE(performance-no-int-to-ptr)
	struct iovec remote = {(void *)(uintptr_t)address, size};
	const ssize_t n =
		process_vm_readv(*(pid_t *)context, &local, 1, &remote, 1, 0);

	return n > 0 ? (uint64_t)n : 0;
}

START_TEST(without_a_file_the_target_tells_its_dynamic_symbols)
{
	static const char *const name[] = {"getppid", "malloc", "environ",
					   "elf_begin"};
	struct rs_memory *memory = NULL;
	uint64_t address = 0;
	pid_t self = getpid();

	rs_ck_ok(rs_memory_open_callback(read_self, &self, range, read_maps(),
					 NULL, &memory));
	ck_assert_uint_ge(memory->modules, 3);
	for (size_t i = 0; i < memory->modules; i++)
		ck_assert_ptr_null(memory->module[i].file);
	for (size_t i = 0; i < sizeof(name) / sizeof(*name); i++) {
		Dl_info info;
		const struct rs_module *in = NULL;
		void *p = dlsym(RTLD_DEFAULT, name[i]);
		ck_assert_ptr_nonnull(p);
		// Sanitizers and copy relocations have names defined twice.
		if (!dladdr(p, &info))
			continue;
		in = rs_memory_module(memory, (uint64_t)(uintptr_t)p);
		ck_assert_ptr_nonnull(in);
		ck_assert_uint_eq(in->start,
				  (uint64_t)(uintptr_t)info.dli_fbase);
		rs_ck_ok(rs_memory_symbol(memory, in, name[i], &address, NULL));
		ck_assert_uint_eq(address, (uint64_t)(uintptr_t)p);
	}
	rs_ck_error(
		rs_memory_symbol(memory, NULL, "no_such_name", &address, NULL),
		RS_ENOTFOUND, "no_such_name");
	rs_memory_close(memory);
}
END_TEST

enum { RS_ENTRIES = 1024, RS_MANY = 1 << 20, RS_NAMES_MAX = 64 << 20 };

// Another dynamic section of libelf's, which this process seems to have.
static Elf64_Dyn dynamic[RS_ENTRIES + 1];
static size_t entries;
static Elf64_Addr dynamic_at; // what its program header says
static const Elf64_Addr *dynamic_slot; // where that says it

static int find_dynamic(struct dl_phdr_info *info, size_t size, void *context)
{
	(void)size;
	(void)context;
	if (!strstr(info->dlpi_name, "libelf"))
		return 0;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const Elf64_Phdr *phdr = &info->dlpi_phdr[i];

		if (phdr->p_type != PT_DYNAMIC)
			continue;
		// NOLINTNEXTLINE(performance-no-int-to-ptr)
		const Elf64_Dyn *dyn =
			(const Elf64_Dyn *)(info->dlpi_addr + phdr->p_vaddr);
		for (entries = 0; dyn->d_tag != DT_NULL; dyn++)
			dynamic[entries++] = *dyn;
		dynamic_at = (Elf64_Addr)(uintptr_t)dynamic - info->dlpi_addr;
		dynamic_slot = &phdr->p_vaddr;
	}
	return 1;
}

static uint64_t
read_with_dynamic(void *context, uint64_t address, void *buf, uint64_t size)
{
	const uint64_t n = read_self(context, address, buf, size);
	const uint64_t at = (uint64_t)(uintptr_t)dynamic_slot - address;

	if (at < n && n - at >= sizeof(dynamic_at))
		memcpy((char *)buf + at, &dynamic_at, sizeof(dynamic_at));
	return n;
}

static Elf64_Dyn *entry_of(Elf64_Sxword tag)
{
	for (size_t i = 0; i < entries; i++)
		if (dynamic[i].d_tag == tag)
			return &dynamic[i];
	ck_abort_msg("no such entry");
}

// What the gaps say once a symbol of libelf's was looked for; "" is nothing.
static void check_gap(bool found, const char *gap)
{
	struct rs_memory *memory = NULL;
	pid_t self = getpid();
	uint64_t address = 0;

	rs_ck_ok(rs_memory_open_callback(read_with_dynamic, &self, range,
					 read_maps(), NULL, &memory));
	const struct rs_module *in =
		rs_memory_module(memory, (uint64_t)(uintptr_t)dynamic_slot);
	ck_assert_ptr_nonnull(in);
	struct rs_error *err =
		rs_memory_symbol(memory, in, "elf_begin", &address, NULL);
	if (found)
		rs_ck_ok(err);
	else
		rs_ck_error(err, RS_ENOTFOUND, "elf_begin");
	ck_assert_uint_eq(memory->gaps, *gap != 0);
	if (*gap)
		ck_assert_msg(strstr(memory->gap[0], gap), "%s",
			      memory->gap[0]);
	rs_memory_close(memory);
}

START_TEST(more_dynamic_entries_than_are_read_are_told)
{
	(void)dl_iterate_phdr(find_dynamic, NULL);
	ck_assert_uint_ge(entries, 10);
	check_gap(true, "");
	for (; entries < RS_ENTRIES; entries++)
		dynamic[entries] = (Elf64_Dyn){.d_tag = DT_DEBUG};
	dynamic[RS_ENTRIES - 1].d_tag = DT_NULL;
	check_gap(true, "");
	dynamic[RS_ENTRIES - 1].d_tag = DT_DEBUG;
	check_gap(true, "has more than 1024 dynamic entries in memory");
}
END_TEST

START_TEST(more_symbols_and_names_than_are_read_are_told)
{
	static uint32_t hash[4] = {1, RS_MANY + 1};
	static uint32_t gnu[4] = {RS_MANY + 1};

	(void)dl_iterate_phdr(find_dynamic, NULL);
	Elf64_Dyn *const size = entry_of(DT_STRSZ);
	const uint64_t whole = size->d_un.d_val;
	size->d_un.d_val = RS_NAMES_MAX + 1;
	check_gap(false, "has more than 67108864 bytes of symbol names");
	size->d_un.d_val = whole;
	entry_of(DT_GNU_HASH)->d_un.d_ptr = (uintptr_t)gnu;
	check_gap(false, "damaged, not readable or larger than 1048576 "
			 "symbols");
	entry_of(DT_GNU_HASH)->d_un.d_ptr = (uintptr_t)hash;
	entry_of(DT_GNU_HASH)->d_tag = DT_HASH;
	check_gap(false, "damaged, not readable or larger than 1048576 "
			 "symbols");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("memory_symbols");
	TCase *tc = tcase_create("symbols");

	tcase_add_test(tc, empty_table_finds_nothing);
	tcase_add_test(tc, global_wins_over_local_and_first_over_later);
	tcase_add_test(tc, what_has_no_address_is_left_out);
	tcase_add_test(tc, without_a_file_the_target_tells_its_dynamic_symbols);
	tcase_add_test(tc, more_dynamic_entries_than_are_read_are_told);
	tcase_add_test(tc, more_symbols_and_names_than_are_read_are_told);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(suite, tc);
	return rs_ck_run(suite);
}
