// SPDX-License-Identifier: MIT
#include "memory/elf/sigbus_guard.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { RS_BLOCK = 1024 }; // entries

// Atomic because the handler may run at any moment, in any thread. An entry
// whose start is 0 is free.
struct entry {
	atomic_uintptr_t start;
	atomic_size_t size;
	atomic_bool lost;
};

// Entries, in a list that grows and never shrinks: the handler, which may be
// walking it, can neither wait nor be waited for.
struct block {
	struct entry entry[RS_BLOCK];
	_Atomic(struct block *) next;
};

static struct block first;

static atomic_bool any_lost;
static atomic_bool forwarding; // the previous handler is running
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned guards; // entries in use; protected by the lock
// The handler before ours; set under the lock, before ours is installed.
static struct sigaction previous;
static uintptr_t page; // bytes; set before our handler is installed

// The part of a guarded mapping from an address to its end.
struct rest {
	struct entry *entry; // NULL: the address is not guarded
	uintptr_t start, end;
};

static struct rest find_in(struct block *block, uintptr_t address)
{
	for (int i = 0; i < RS_BLOCK; i++) {
		struct entry *e = &block->entry[i];
		const uintptr_t start = atomic_load(&e->start);
		const size_t size = atomic_load(&e->size);

		if (!start || address - start >= size)
			continue;
		// Another thread may have reused the entry in between.
		if (atomic_load(&e->start) == start)
			return (struct rest){e, address, start + size};
	}
	return (struct rest){0};
}

static struct rest find(uintptr_t address)
{
	struct rest rest = {0};

	for (struct block *b = &first; b && !rest.entry;
	     b = atomic_load(&b->next))
		rest = find_in(b, address);
	return rest;
}

// The entry that starts at @p start (0: a free one), or NULL.
static struct entry *find_start(uintptr_t start)
{
	for (struct block *b = &first; b; b = atomic_load(&b->next))
		for (int i = 0; i < RS_BLOCK; i++)
			if (atomic_load(&b->entry[i].start) == start)
				return &b->entry[i];
	return NULL;
}

// Under the lock. @return A free entry, or NULL when out of memory.
static struct entry *take_free(void)
{
	struct entry *free_one = find_start(0);
	struct block *last = &first;

	if (free_one)
		return free_one;
	struct block *more = calloc(1, sizeof(*more));
	if (!more)
		return NULL;
	while (atomic_load(&last->next))
		last = atomic_load(&last->next);
	atomic_store(&last->next, more);
	return &more->entry[0];
}

// Replace the pages by zeros. @return false when out of memory.
static bool put_zeros(const struct rest *rest)
{
	const uintptr_t from = rest->start & ~(page - 1);

	atomic_store(&rest->entry->lost, true);
	atomic_store(&any_lost, true);
	return mmap((void *)from, rest->end - from, PROT_READ,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
		    0) != MAP_FAILED;
}

static void use_default(int number)
{
	const struct sigaction action = {.sa_handler = SIG_DFL};

	(void)sigaction(number, &action, NULL);
}

// Forward to the previous handler. Returning repeats the access, so with the
// default disposition the process terminates. So it does if the previous
// handler calls ours in turn, which happens when each was installed after the
// other once.
static void forward(int number, siginfo_t *info, void *context)
{
	const bool sent = info->si_code <= 0; // by kill() or the like
	const bool ignored = !(previous.sa_flags & SA_SIGINFO) &&
			     previous.sa_handler == SIG_IGN;
	const bool is_default = !(previous.sa_flags & SA_SIGINFO) &&
				previous.sa_handler == SIG_DFL;

	if (ignored && sent)
		return;
	if (ignored || is_default || atomic_exchange(&forwarding, true)) {
		use_default(number);
		if (sent)
			(void)raise(number); // delivered once this returns
		return;
	}
	if (previous.sa_flags & SA_SIGINFO)
		previous.sa_sigaction(number, info, context);
	else
		previous.sa_handler(number);
	atomic_store(&forwarding, false);
}

static void on_bus(int number, siginfo_t *info, void *context)
{
	const int error = errno;
	const struct rest rest = info->si_code == BUS_ADRERR
					 ? find((uintptr_t)info->si_addr)
					 : (struct rest){0};

	if (!rest.entry || !put_zeros(&rest))
		forward(number, info, context);
	errno = error;
}

static bool is_ours(const struct sigaction *action)
{
	return (action->sa_flags & SA_SIGINFO) &&
	       action->sa_sigaction == on_bus;
}

static void install_handler(void)
{
	struct sigaction action = {.sa_sigaction = on_bus,
				   .sa_flags = SA_SIGINFO | SA_ONSTACK};
	struct sigaction now;

	page = (uintptr_t)sysconf(_SC_PAGESIZE);
	if (sigaction(SIGBUS, NULL, &now) || is_ours(&now))
		return;
	previous = now;
	sigemptyset(&action.sa_mask);
	(void)sigaction(SIGBUS, &action, NULL);
}

// Restore the previous handler, unless ours has been replaced by now.
static void restore_handler(void)
{
	struct sigaction now;

	if (sigaction(SIGBUS, NULL, &now) == 0 && is_ours(&now))
		(void)sigaction(SIGBUS, &previous, NULL);
}

bool rs_sigbus_guard_add(void *data, size_t size)
{
	const size_t unit = (size_t)sysconf(_SC_PAGESIZE);

	pthread_mutex_lock(&lock);
	struct entry *e = take_free();
	if (e) {
		// Whole pages: the last one extends beyond the file's end.
		atomic_store(&e->size, (size + unit - 1) / unit * unit);
		atomic_store(&e->lost, false);
		atomic_store(&e->start, (uintptr_t)data);
		if (guards++ == 0)
			install_handler();
	}
	pthread_mutex_unlock(&lock);
	return e != NULL;
}

void rs_sigbus_guard_remove(const void *data)
{
	if (!data)
		return;
	pthread_mutex_lock(&lock);
	struct entry *e = find_start((uintptr_t)data);
	if (e) {
		atomic_store(&e->start, 0);
		if (--guards == 0)
			restore_handler();
	}
	pthread_mutex_unlock(&lock);
}

bool rs_sigbus_guard_any_lost(void)
{
	return atomic_load(&any_lost);
}

bool rs_sigbus_guard_lost(const void *data)
{
	const struct rest rest = find((uintptr_t)data);

	return rest.entry && atomic_load(&rest.entry->lost);
}
