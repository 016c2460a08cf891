// SPDX-License-Identifier: MIT
// The probe, put at addresses it was not linked for, in this process.
#include "fake_types.h"
#include "rs_check.h"

#include <fcntl.h>
#include <gelf.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	RS_OBJECTS = 10,
	RS_EDGES = 64,
	RS_ALTSTACK = 1 << 16,
};

static struct fake_object object[RS_OBJECTS];
static struct fake_head head;
static uint64_t address[RS_OBJECTS + 1], first[RS_OBJECTS + 2], edge[RS_EDGES];
static uint64_t list[1];
static struct rs_guest_args args;
static volatile int zero;
static volatile int *volatile nothing = (volatile int *)16;

static rs_guest_entry place(uint64_t where)
{
	const size_t size = rs_guest_size();
	void *code =
		mmap((void *)where, size, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	ck_assert_ptr_eq(code, (void *)where);
	memcpy(code, rs_guest_code, size);
	ck_assert_int_eq(mprotect(code, size, PROT_READ | PROT_EXEC), 0);
	return (rs_guest_entry)where;
}

static void prepare(void)
{
	fake_chain(&head, object, RS_OBJECTS);
	list[0] = (uint64_t)&head;
	args = (struct rs_guest_args){
		RS_FAKE_OFFSETS,
		.list = (uint64_t)list,
		.lists = 1,
		.object = (uint64_t)address,
		.max_objects = RS_OBJECTS,
		.first = (uint64_t)first,
		.edge = (uint64_t)edge,
		.max_edges = RS_EDGES,
		.max_edges_each = RS_EDGES,
		.max_ticks = 3,
	};
}

static void guard(rs_guest_entry probe)
{
	args.altstack =
		(uint64_t)mmap(NULL, RS_ALTSTACK, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	args.altstack_size = RS_ALTSTACK;
	ck_assert_int_eq(probe(RS_GUEST_GUARD, &args), 0);
}

// Row i is what the object refers to; none for those in `without`.
static void check_rows(uint64_t objects, uint64_t without)
{
	uint64_t n = 0;

	ck_assert_uint_eq(args.rows, objects);
	ck_assert_uint_eq(args.objects, objects);
	for (uint64_t i = 0; i < objects; i++) {
		ck_assert_uint_eq(address[i],
				  (uint64_t)fake_address(&object[i]));
		ck_assert_uint_eq(first[i], n);
		if (without >> i & 1)
			continue;
		ck_assert_uint_eq(edge[n++], address[i]);
		if (i + 1 < RS_OBJECTS)
			ck_assert_uint_eq(edge[n++], (uint64_t)fake_address(
							     &object[i + 1]));
	}
	ck_assert_uint_eq(first[objects], n);
	ck_assert_uint_eq(args.edges, n);
}

static size_t relocations(const char *path, size_t *code)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t found = 0, sections = 0, names;

	elf_version(EV_CURRENT);
	Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
	ck_assert_msg(elf != NULL, "%s is not there", path);
	ck_assert_int_eq(elf_getshdrstrndx(elf, &names), 0);
	for (Elf_Scn *scn = NULL; (scn = elf_nextscn(elf, scn)); sections++) {
		GElf_Shdr shdr;

		ck_assert_ptr_nonnull(gelf_getshdr(scn, &shdr));
		if (shdr.sh_type == SHT_REL || shdr.sh_type == SHT_RELA)
			found += shdr.sh_size / shdr.sh_entsize;
		if (!strcmp(elf_strptr(elf, names, shdr.sh_name), ".flat"))
			*code = shdr.sh_size;
	}
	ck_assert_uint_gt(sections, 1);
	elf_end(elf);
	close(fd);
	return found;
}

START_TEST(flat_code_has_no_relocations_and_is_small)
{
	size_t code = 0;

	ck_assert_uint_eq(relocations(RS_FLAT_GUEST, &code), 0);
	ck_assert_uint_eq(code, rs_guest_size());
	ck_assert_uint_lt(code, 2 * 4096);
	code = 0;
	ck_assert_uint_eq(relocations(RS_FLAT_LOADER, &code), 0);
	ck_assert_uint_gt(code, 0);
}
END_TEST

START_TEST(the_relocation_check_can_fail)
{
	size_t code = 0;

	// This very program is linked to run at any address: it has some.
	ck_assert_uint_gt(relocations("/proc/self/exe", &code), 0);
}
END_TEST

START_TEST(a_list_is_walked_from_wherever_the_code_is)
{
	prepare();
	ck_assert_int_eq(place(0x200000000000)(RS_GUEST_WALK, &args), 0);
	check_rows(RS_OBJECTS, 0);
	prepare();
	ck_assert_int_eq(place(0x123456789000)(RS_GUEST_WALK, &args), 0);
	check_rows(RS_OBJECTS, 0);
	ck_assert_uint_eq(args.lists_broken, 0);
	ck_assert_uint_eq(args.full, 0);
}
END_TEST

RS_PLAIN static int no(void *self)
{
	(void)self;
	return 0;
}

START_TEST(what_takes_no_part_in_collection_is_asked_too_and_named)
{
	uint8_t apart[RS_OBJECTS];
	struct fake_type plain = {.traverse = fake_traverse};
	struct fake_type some = fake_good;

	prepare();
	args.lists = 0;
	args.objects = RS_OBJECTS;
	for (unsigned i = 0; i < RS_OBJECTS; i++)
		address[i] = (uint64_t)fake_address(&object[i]);
	some.is_gc = no;
	memset(apart, 0xaa, sizeof(apart));
	args.apart = (uint64_t)apart;
	object[2].type = &plain;
	object[5].type = &some;
	ck_assert_int_eq(place(0x200000000000)(RS_GUEST_WALK, &args), 0);
	check_rows(RS_OBJECTS, 1 << 2);
	for (unsigned i = 0; i < RS_OBJECTS; i++)
		ck_assert_uint_eq(apart[i], i == 5);
}
END_TEST

RS_PLAIN static int tell_next(void *self, fake_visit visit, void *context)
{
	struct fake_object *o =
		(void *)((char *)self - offsetof(struct fake_object, count));

	return visit(o->reference[1], context);
}

START_TEST(functions_beside_the_objects_are_asked_instead_of_types)
{
	uint64_t function[3] = {(uint64_t)tell_next, (uint64_t)fake_traverse,
				(uint64_t)tell_next};

	prepare();
	args.lists = 0;
	args.objects = 3;
	args.function = (uint64_t)function;
	for (unsigned i = 0; i < 3; i++) {
		address[i] = (uint64_t)fake_address(&object[i]);
		object[i].type = (void *)24; // there is none to be asked
	}
	ck_assert_int_eq(place(0x200000000000)(RS_GUEST_WALK, &args), 0);
	ck_assert_uint_eq(args.rows, 3);
	ck_assert_uint_eq(args.edges, 4);
	ck_assert_uint_eq(first[1], 1);
	ck_assert_uint_eq(first[2], 3);
	ck_assert_uint_eq(edge[0], address[1]);
	ck_assert_uint_eq(edge[1], address[1]);
	ck_assert_uint_eq(edge[2], address[2]);
	ck_assert_uint_eq(edge[3], (uint64_t)fake_address(&object[3]));
	ck_assert_uint_eq(args.faults, 0);
}
END_TEST

START_TEST(a_walk_goes_on_where_another_was_lost)
{
	const rs_guest_entry probe = place(0x200000000000);

	prepare();
	args.max_objects = 4;
	ck_assert_int_eq(probe(RS_GUEST_WALK, &args), 0);
	ck_assert_uint_eq(args.full, 1);
	check_rows(4, 0);
	args.full = 0;
	args.start = args.rows;
	args.max_objects = RS_OBJECTS;
	ck_assert_int_eq(probe(RS_GUEST_WALK, &args), 0);
	ck_assert_uint_eq(args.full, 0);
	check_rows(RS_OBJECTS, 0);
}
END_TEST

RS_PLAIN static int endless_visits(void *self, fake_visit visit, void *context)
{
	while (!visit(self, context))
		;
	return 0;
}

START_TEST(an_object_that_tells_too_much_tells_nothing)
{
	const struct fake_type flood = {RS_FAKE_GC, endless_visits, NULL};

	prepare();
	object[3].type = &flood;
	args.max_edges_each = 8;
	ck_assert_int_eq(place(0x200000000000)(RS_GUEST_WALK, &args), 0);
	check_rows(RS_OBJECTS, 1 << 3);
	ck_assert_uint_eq(args.faults, 1);
	ck_assert_uint_eq(args.fault[0].object, address[3]);
	ck_assert_int_eq(args.fault[0].signal, 0);
	ck_assert_uint_eq(args.full, 0);
}
END_TEST

RS_PLAIN static int touch_nothing(void *self, fake_visit visit, void *context)
{
	(void)visit(self, context); // told, and taken back
	return *nothing;
}

RS_PLAIN static int divide(void *self, fake_visit visit, void *context)
{
	(void)self, (void)visit, (void)context;
	__asm__ volatile("std"); // and leaves the processor in disorder
	return 100 / zero;
}

RS_PLAIN static int spin(void *self, fake_visit visit, void *context)
{
	(void)visit(self, context);
	for (;;)
		zero = 0;
	return 0;
}

START_TEST(faults_and_hangs_are_contained_and_named)
{
	const rs_guest_entry probe = place(0x200000000000);
	const struct fake_type bad[3] = {{RS_FAKE_GC, touch_nothing, NULL},
					 {RS_FAKE_GC, divide, NULL},
					 {RS_FAKE_GC, spin, NULL}};

	prepare();
	object[1].type = &bad[0];
	object[2].type = &bad[1];
	object[4].type = &bad[2];
	object[5].type = (void *)24; // the walk itself would fault
	object[9].type = &bad[0];
	guard(probe);
	ck_assert_int_eq(probe(RS_GUEST_WALK, &args), 0);
	check_rows(RS_OBJECTS, 1 << 1 | 1 << 2 | 1 << 4 | 1 << 5 | 1 << 9);
	ck_assert_uint_eq(args.faults, 5);
	const struct rs_guest_fault *f = args.fault;
	ck_assert_uint_eq(f[0].object, address[1]);
	ck_assert_int_eq(f[0].signal, SIGSEGV);
	ck_assert_uint_eq(f[0].address, 16);
	ck_assert_uint_eq(f[1].object, address[2]);
	ck_assert_int_eq(f[1].signal, SIGFPE);
	ck_assert_uint_eq(f[2].object, address[4]);
	ck_assert_int_eq(f[2].signal, SIGPROF);
	ck_assert_uint_eq(f[3].object, address[5]);
	ck_assert_uint_eq(f[4].object, address[9]);
}
END_TEST

START_TEST(a_function_that_fails_again_and_again_is_not_asked_any_more)
{
	enum { RS_MANY = 3 * RS_GUEST_PATIENCE, RS_ROOM = 4 * RS_MANY };
	static struct fake_object many[RS_MANY];
	static uint64_t of[RS_MANY + 1], from[RS_MANY + 2], to[RS_ROOM];
	const struct fake_type bad = {RS_FAKE_GC, touch_nothing, NULL};
	const rs_guest_entry probe = place(0x200000000000);

	prepare();
	fake_chain(&head, many, RS_MANY);
	args.object = (uint64_t)of;
	args.first = (uint64_t)from;
	args.edge = (uint64_t)to;
	args.max_objects = RS_MANY;
	args.max_edges = args.max_edges_each = RS_ROOM;
	for (unsigned i = 0; i < RS_MANY; i += 2)
		many[i].type = &bad;
	guard(probe);
	ck_assert_int_eq(probe(RS_GUEST_WALK, &args), 0);
	ck_assert_uint_eq(args.rows, RS_MANY);
	ck_assert_uint_eq(args.faults, RS_MANY / 2);
	for (unsigned i = 0; i < RS_MANY / 2; i++) {
		ck_assert_uint_eq(args.fault[i].object,
				  (uint64_t)fake_address(&many[2 * i]));
		ck_assert_int_eq(args.fault[i].signal,
				 i < RS_GUEST_PATIENCE ? SIGSEGV
						       : RS_GUEST_SKIPPED);
	}
	// The others' function is asked to the end.
	ck_assert_uint_eq(args.edges, RS_MANY - 1);
}
END_TEST

START_TEST(a_list_that_leads_nowhere_is_left)
{
	const rs_guest_entry probe = place(0x200000000000);

	prepare();
	object[6].head.next = 4096 * 3;
	guard(probe);
	ck_assert_int_eq(probe(RS_GUEST_WALK, &args), 0);
	ck_assert_uint_eq(args.lists_broken, 1);
	ck_assert_uint_eq(args.rows, 8); // the last of them is none
	ck_assert_uint_eq(args.faults, 1);
	list[0] = 4096 * 5;
	args.rows = args.edges = args.faults = 0;
	ck_assert_int_eq(probe(RS_GUEST_WALK, &args), 0);
	ck_assert_uint_eq(args.lists_broken, 2);
	ck_assert_uint_eq(args.rows, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("probe");
	TCase *tc = tcase_create("probe");

	tcase_add_test(tc, flat_code_has_no_relocations_and_is_small);
	tcase_add_test(tc, the_relocation_check_can_fail);
	tcase_add_test(tc, a_list_is_walked_from_wherever_the_code_is);
	tcase_add_test(tc,
		       what_takes_no_part_in_collection_is_asked_too_and_named);
	tcase_add_test(tc,
		       functions_beside_the_objects_are_asked_instead_of_types);
	tcase_add_test(tc, a_walk_goes_on_where_another_was_lost);
	tcase_add_test(tc, an_object_that_tells_too_much_tells_nothing);
	tcase_add_test(tc, faults_and_hangs_are_contained_and_named);
	tcase_add_test(
		tc,
		a_function_that_fails_again_and_again_is_not_asked_any_more);
	tcase_add_test(tc, a_list_that_leads_nowhere_is_left);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(suite, tc);
	return rs_ck_run(suite);
}
