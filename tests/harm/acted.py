# SPDX-License-Identifier: MIT
"""A program that is stopped and acted on: acted.py STATE STOP.

It is in STATE (busy, threads, joined, read, sleep, select, futex, epoll, wait)
until the file STOP is there, or a line on its standard input, and checks its
own heap at its end: what it kept is as it was, and of the rings that it made
none is left. For every interpreter from 2.7 on.
"""
import gc
import os
import select
import subprocess
import sys
import threading
import time
import weakref

KEPT = 500
ROUND = 200


class Ring(object):
    def __init__(self, number):
        self.number = number
        self.me = self
        self.text = "text %d" % number


class Worker(object):
    """Keeps objects, changes them in turn, and leaves rings behind."""

    def __init__(self, seed):
        self.seed = seed
        self.kept = {}
        self.rings = []
        self.rounds = 0
        for i in range(KEPT):
            self.put(i)

    def put(self, i):
        self.kept[i] = [i, "value %d" % (i * self.seed), {i: (i, self.seed)}]

    def work(self):
        for i in range(ROUND):
            ring = Ring(i)
            if i % 50 == 0:
                self.rings.append(weakref.ref(ring))
            self.put((i * 7 + self.rounds) % KEPT)
        self.rounds += 1
        self.rings = [r for r in self.rings if r() is not None]

    def check(self):
        assert len(self.kept) == KEPT, len(self.kept)
        for i in range(KEPT):
            assert self.kept[i] == [
                i, "value %d" % (i * self.seed), {i: (i, self.seed)}], i
        assert not [r for r in self.rings if r() is not None]


WORKERS = [Worker(n) for n in range(1, 4)]
OVER = []


def is_over():
    return bool(OVER) or os.path.exists(sys.argv[2])


def work(worker):
    while not is_over():
        worker.work()


def read_line():
    assert sys.stdin.readline() == "go\n"


def ready():
    sys.stdout.write("READY %d\n" % os.getpid())
    sys.stdout.flush()


def threads(worked):
    started = [threading.Thread(target=work, args=(w,)) for w in worked]
    for thread in started:
        thread.start()
    return started


def busy():
    work(WORKERS[0])


def busy_threads():
    started = threads(WORKERS[1:])
    work(WORKERS[0])
    for thread in started:
        thread.join()


def joined():
    for thread in threads(WORKERS):
        thread.join()


def sleep():
    while not is_over():
        time.sleep(0.5)


def waits(wait):
    """Wait for standard input, whatever signals come between."""
    while True:
        try:
            if wait():
                break
        except (OSError, IOError, select.error) as error:
            if error.args[0] != 4:  # EINTR
                raise
    read_line()


def futex():
    lock = threading.Lock()
    lock.acquire()

    def let_go():
        read_line()
        lock.release()

    thread = threading.Thread(target=let_go)
    thread.start()
    lock.acquire()
    thread.join()


def epoll():
    polled = select.epoll()
    polled.register(0, select.EPOLLIN)
    waits(polled.poll)
    polled.close()


def wait():
    child = subprocess.Popen(["/bin/sh", "-c", "read line; exit 7"])
    assert child.wait() == 7


STATES = {
    "busy": busy, "threads": busy_threads, "joined": joined,
    "read": read_line, "sleep": sleep, "futex": futex, "epoll": epoll,
    "select": lambda: waits(lambda: select.select([0], [], [])[0]),
    "wait": wait,
}


def main():
    for worker in WORKERS:
        worker.work()
    ready()
    STATES[sys.argv[1]]()
    gc.enable()
    gc.collect()
    for worker in WORKERS:
        worker.check()
    assert not gc.garbage
    sys.stdout.write("HEAP OK\n")


main()
