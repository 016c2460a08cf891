// SPDX-License-Identifier: MIT
#include "memory/elf/sigbus_guard.h"

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
static atomic_bool passing; // a signal to the handler that was there
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned watching; // under the lock
static struct sigaction before; // the handler that was there; same
static uintptr_t page; // bytes of one; set before there is a handler

// A watched mapping from an address on.
struct rest {
	int place; // -1: nothing there is watched
	uintptr_t start, end;
};

static struct rest find(uintptr_t address)
{
	for (int i = 0; i < RS_WATCHED_MAX; i++) {
		const uintptr_t start = atomic_load(&watched[i].start);
		const size_t size = atomic_load(&watched[i].size);

		if (!start || address - start >= size)
			continue;
		// Another thread may be giving the place to another mapping.
		if (atomic_load(&watched[i].start) == start)
			return (struct rest){i, address, start + size};
	}
	return (struct rest){.place = -1};
}

// @return false when there is nothing that could be put there.
static bool put_zeros(const struct rest *rest)
{
	const uintptr_t from = rest->start & ~(page - 1);

	atomic_store(&watched[rest->place].gone, true);
	atomic_store(&any_gone, true);
	return mmap((void *)from, rest->end - from, PROT_READ,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
		    0) != MAP_FAILED;
}

static void use_default(int number)
{
	const struct sigaction action = {.sa_handler = SIG_DFL};

	(void)sigaction(number, &action, NULL);
}

// For whom it is: what was touched is touched again when this returns, and by
// default that is the end. Handlers that call each other in a ring, as they do
// when each was put before the other once, end it too.
static void pass_on(int number, siginfo_t *info, void *context)
{
	const bool sent = info->si_code <= 0;
	const bool ignored =
		!(before.sa_flags & SA_SIGINFO) && before.sa_handler == SIG_IGN;
	const bool is_default =
		!(before.sa_flags & SA_SIGINFO) && before.sa_handler == SIG_DFL;

	if (ignored && sent)
		return;
	if (ignored || is_default || atomic_exchange(&passing, true)) {
		use_default(number);
		if (sent)
			(void)raise(number); // comes when this has returned
		return;
	}
	if (before.sa_flags & SA_SIGINFO)
		before.sa_sigaction(number, info, context);
	else
		before.sa_handler(number);
	atomic_store(&passing, false);
}

static void on_bus(int number, siginfo_t *info, void *context)
{
	const int error = errno;
	const struct rest rest = info->si_code == BUS_ADRERR
					 ? find((uintptr_t)info->si_addr)
					 : (struct rest){.place = -1};

	if (rest.place < 0 || !put_zeros(&rest))
		pass_on(number, info, context);
	errno = error;
}

static bool is_ours(const struct sigaction *action)
{
	return (action->sa_flags & SA_SIGINFO) &&
	       action->sa_sigaction == on_bus;
}

static void take_signal(void)
{
	struct sigaction action = {.sa_sigaction = on_bus,
				   .sa_flags = SA_SIGINFO | SA_ONSTACK};
	struct sigaction now;

	page = (uintptr_t)sysconf(_SC_PAGESIZE);
	if (sigaction(SIGBUS, NULL, &now) || is_ours(&now))
		return;
	before = now;
	sigemptyset(&action.sa_mask);
	(void)sigaction(SIGBUS, &action, NULL);
}

// Somebody may have taken it from us meanwhile: then it stays theirs.
static void give_back_signal(void)
{
	struct sigaction now;

	if (sigaction(SIGBUS, NULL, &now) == 0 && is_ours(&now))
		(void)sigaction(SIGBUS, &before, NULL);
}

void rs_vanish_watch(void *data, size_t size)
{
	const size_t unit = (size_t)sysconf(_SC_PAGESIZE);

	pthread_mutex_lock(&lock);
	for (int i = 0; i < RS_WATCHED_MAX; i++) {
		if (atomic_load(&watched[i].start))
			continue;
		// With what follows the file's end in its last page.
		atomic_store(&watched[i].size, (size + unit - 1) / unit * unit);
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
	const struct rest rest = find((uintptr_t)data);

	return rest.place >= 0 && atomic_load(&watched[rest.place].gone);
}
