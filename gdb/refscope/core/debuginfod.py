# SPDX-License-Identifier: MIT
"""Downloading executables and libraries from debuginfod servers, by build-id.

Uses the client library of elfutils, which a GDB with debuginfod has loaded
anyway, and thus the same cache as GDB (~/.cache/debuginfod_client).

Source: elfutils debuginfod/debuginfod.h; debuginfod_find_debuginfo(3).
"""
from __future__ import annotations

import ctypes
import os
from ctypes import POINTER, byref, c_char_p, c_int, c_long, c_void_p
from typing import Callable, Optional

LIBRARY = "libdebuginfod.so.1"
URLS = "DEBUGINFOD_URLS"

# Returns other than 0 to give up.
_ProgressCallback = ctypes.CFUNCTYPE(c_int, c_void_p, c_long, c_long)

Progress = Callable[[str, int, int], bool]
Fetch = Callable[[Optional[str], Optional[bytes]], Optional[str]]


def fetcher(urls: str, progress: Progress) -> Fetch | None:
    """A function that gets a file from urls; None without the client library.

    progress: called with the phase, the bytes so far and the total (0: not
    known); returns False to stop."""
    try:
        lib = ctypes.CDLL(LIBRARY)
    except OSError:
        return None
    lib.debuginfod_begin.restype = c_void_p
    lib.debuginfod_end.argtypes = [c_void_p]
    lib.debuginfod_end.restype = None
    lib.debuginfod_set_progressfn.argtypes = [c_void_p, _ProgressCallback]
    lib.debuginfod_set_progressfn.restype = None
    find = lib.debuginfod_find_executable
    find.argtypes = [c_void_p, c_char_p, c_int, POINTER(c_void_p)]

    def fetch(path: str | None, build_id: bytes | None) -> str | None:
        client = lib.debuginfod_begin() if build_id else None
        if not client or not progress(f"fetching {path}", 0, 0):
            return None

        def report(_client: int, done: int, total: int) -> int:
            return int(not progress(f"fetching {path}", done, total))

        kept = _ProgressCallback(report)
        lib.debuginfod_set_progressfn(client, kept)
        os.environ[URLS] = urls
        found = c_void_p()
        fd = find(client, bytes(build_id or b""), len(build_id or b""),
                  byref(found))
        lib.debuginfod_end(client)
        if fd < 0:
            return None
        os.close(fd)
        return _taken(found)

    return fetch


def _taken(text: c_void_p) -> str:
    """The path in text, which the library allocated; frees it."""
    place = os.fsdecode(ctypes.string_at(text.value or 0))
    free = ctypes.CDLL(None).free
    free.argtypes, free.restype = [c_void_p], None
    free(text)
    return place
