// SPDX-License-Identifier: MIT
//
// Loaded by a Python through ctypes: keeps addresses where C code keeps
// references, each in another way. See fixtures/python/planted.py.
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

struct node {
	long tag;
	void *thing;
};

struct outer {
	long tag;
	struct node *volatile inner;
};

static void *volatile kept_static;
static void *volatile kept_array[8];
static __thread void *volatile kept_tls
	__attribute__((tls_model("initial-exec")));
static struct node *volatile kept_block;
static struct outer *volatile kept_outer;
// As a C++ vector is.
static struct {
	void **volatile begin, **volatile end, **volatile room;
} kept_vector;

void rs_keep_static(void *thing);
void rs_keep_array(void *thing);
void rs_keep_tls(void *thing);
int rs_keep_block(void *thing);
int rs_keep_nested(void *thing);
int rs_keep_vector(void *thing);
void rs_keep_on_stack(void *thing);
void rs_keep_in_register(void *thing);

void rs_keep_static(void *thing)
{
	kept_static = thing;
}

void rs_keep_array(void *thing)
{
	kept_array[5] = thing;
}

void rs_keep_tls(void *thing)
{
	kept_tls = thing;
}

int rs_keep_block(void *thing)
{
	kept_block = calloc(1, sizeof(*kept_block));
	if (kept_block)
		kept_block->thing = thing;
	return kept_block != NULL;
}

int rs_keep_nested(void *thing)
{
	kept_outer = calloc(1, sizeof(*kept_outer));
	if (!kept_outer)
		return 0;
	kept_outer->inner = calloc(1, sizeof(*kept_outer->inner));
	if (kept_outer->inner)
		kept_outer->inner->thing = thing;
	return kept_outer->inner != NULL;
}

int rs_keep_vector(void *thing)
{
	void **const room = calloc(16, sizeof(*room));

	if (!room)
		return 0;
	room[3] = thing;
	kept_vector.begin = room;
	kept_vector.end = room + 4;
	kept_vector.room = room + 16;
	return 1;
}

// Three calls above what waits.
static __attribute__((noinline)) int wait_here(int depth)
{
	volatile int left = depth;

	if (left > 0)
		return wait_here(left - 1) + left;
	return pause();
}

void rs_keep_on_stack(void *thing)
{
	void *volatile kept = thing;

	while (kept)
		(void)wait_here(2);
}

void rs_keep_in_register(void *thing)
{
#ifdef __x86_64__
	register void *kept __asm__("r12") = thing;
	long result = SYS_pause;

	__asm__ volatile("syscall"
			 : "+a"(result), "+r"(kept)
			 :
			 : "rcx", "r11", "memory");
#else
	rs_keep_on_stack(thing);
#endif
}
