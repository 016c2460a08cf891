// SPDX-License-Identifier: MIT
#include "memory/vanish.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

// Every module that a target may have, and its core.
enum { RS_WATCHED_MAX = 4200 };

// The handler reads these at any moment, in any thread: a place whose start is
// not 0 is in use.
static struct {
	atomic_uintptr_t start;
	atomic_size_t size;
	atomic_bool gone;
} watched[RS_WATCHED_MAX];

static atomic_bool any_gone;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned watching; // under the lock
static struct sigaction before; // the handler that was there; same
static uintptr_t page; // bytes of one; set before there is a handler

static int find(uintptr_t address)
{
	for (int i = 0; i < RS_WATCHED_MAX; i++) {
		const uintptr_t start = atomic_load(&watched[i].start);

		if (start && address - start < atomic_load(&watched[i].size))
			return i;
	}
	return -1;
}

// @return false when there is nothing that could be put there.
static bool put_zeros(int i, uintptr_t address)
{
	const uintptr_t from = address & ~(page - 1);
	const uintptr_t end =
		atomic_load(&watched[i].start) + atomic_load(&watched[i].size);

	atomic_store(&watched[i].gone, true);
	atomic_store(&any_gone, true);
	return mmap((void *)from, end - from, PROT_READ,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
		    0) != MAP_FAILED;
}

static void pass_on(int number, siginfo_t *info, void *context)
{
	if (before.sa_flags & SA_SIGINFO)
		before.sa_sigaction(number, info, context);
	else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN)
		before.sa_handler(number);
	else // what was touched is touched again, and this time it ends us
		(void)sigaction(number, &before, NULL);
}

static void on_bus(int number, siginfo_t *info, void *context)
{
	const int error = errno;
	const uintptr_t address = (uintptr_t)info->si_addr;
	const int i = info->si_code == BUS_ADRERR ? find(address) : -1;

	if (i < 0 || !put_zeros(i, address))
		pass_on(number, info, context);
	errno = error;
}

static void take_signal(void)
{
	struct sigaction action = {.sa_sigaction = on_bus,
				   .sa_flags = SA_SIGINFO | SA_ONSTACK};

	page = (uintptr_t)sysconf(_SC_PAGESIZE);
	sigemptyset(&action.sa_mask);
	(void)sigaction(SIGBUS, &action, &before);
}

// Somebody may have taken it from us meanwhile: then it stays theirs.
static void give_back_signal(void)
{
	struct sigaction now;

	if (sigaction(SIGBUS, NULL, &now) == 0 && (now.sa_flags & SA_SIGINFO) &&
	    now.sa_sigaction == on_bus)
		(void)sigaction(SIGBUS, &before, NULL);
}

void rs_vanish_watch(void *data, size_t size)
{
	pthread_mutex_lock(&lock);
	for (int i = 0; i < RS_WATCHED_MAX; i++) {
		if (atomic_load(&watched[i].start))
			continue;
		atomic_store(&watched[i].size, size);
		atomic_store(&watched[i].gone, false);
		atomic_store(&watched[i].start, (uintptr_t)data);
		if (watching++ == 0)
			take_signal();
		break;
	}
	pthread_mutex_unlock(&lock);
}

void rs_vanish_forget(const void *data)
{
	pthread_mutex_lock(&lock);
	for (int i = 0; data && i < RS_WATCHED_MAX; i++) {
		if (atomic_load(&watched[i].start) != (uintptr_t)data)
			continue;
		atomic_store(&watched[i].start, 0);
		if (--watching == 0)
			give_back_signal();
		break;
	}
	pthread_mutex_unlock(&lock);
}

bool rs_vanish_any(void)
{
	return atomic_load(&any_gone);
}

bool rs_vanish_seen(const void *data)
{
	const int i = find((uintptr_t)data);

	return i >= 0 && atomic_load(&watched[i].gone);
}
