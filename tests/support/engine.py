# SPDX-License-Identifier: MIT
"""The engine's C interface, as a program without GDB uses it."""
import ctypes
import json
import os

import schemas


class EngineError(Exception):
    pass


class _Options(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("exec", ctypes.c_char_p), ("sysroot", ctypes.c_char_p),
                ("find_file", ctypes.c_void_p),
                ("find_file_context", ctypes.c_void_p),
                ("progress", ctypes.c_void_p),
                ("progress_context", ctypes.c_void_p),
                ("fetch_file", ctypes.c_void_p),
                ("fetch_file_context", ctypes.c_void_p),
                ("exact", ctypes.c_int),
                ("find_field", ctypes.c_void_p),
                ("find_field_context", ctypes.c_void_p),
                ("run_memory", ctypes.c_uint64),
                ("run", ctypes.c_bool),
                ("threads", ctypes.c_uint64)]


class ObjectsOptions(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("type", ctypes.c_char_p),
                ("module", ctypes.c_char_p),
                ("generations", ctypes.c_uint32),
                ("size_least", ctypes.c_uint64),
                ("size_most", ctypes.c_uint64), ("sort", ctypes.c_char_p),
                ("limit", ctypes.c_uint64), ("finding", ctypes.c_uint32),
                ("unexplained", ctypes.c_bool), ("over", ctypes.c_bool)]


_Progress = ctypes.CFUNCTYPE(ctypes.c_bool, ctypes.c_void_p, ctypes.c_char_p,
                             ctypes.c_uint64, ctypes.c_uint64)
VALIDATE = True  # answers by their schemas; benchmarks do not
EXACT = {"auto": 0, "on": 1, "off": 2}


def _load():
    library = ctypes.CDLL(os.environ["REFSCOPE_ENGINE"])
    for name in ("rs_session_open_core", "rs_session_open_live"):
        getattr(library, name).restype = ctypes.c_void_p
    library.rs_error_message.restype = ctypes.c_char_p
    library.rs_error_message.argtypes = [ctypes.c_void_p]
    library.rs_error_free.argtypes = [ctypes.c_void_p]
    library.rs_text_free.argtypes = [ctypes.c_void_p]
    library.rs_session_close.argtypes = [ctypes.c_void_p]
    return library


class Session:
    """A core (a path) or a stopped process (a number)."""

    def __init__(self, target, executable=None, exact="auto", progress=None,
                 run=False, run_memory=0, threads=0):
        """progress(phase, done, total) says whether to go on."""
        self.library = _load()
        self.handle = ctypes.c_void_p()
        self.progress = _Progress(
            lambda _, phase, done, total: progress(phase.decode(), done,
                                                   total))
        options = _Options(size=ctypes.sizeof(_Options),
                           exec=executable and os.fsencode(executable),
                           exact=EXACT[exact], run=run,
                           run_memory=run_memory, threads=threads)
        if progress:
            options.progress = ctypes.cast(self.progress, ctypes.c_void_p)
        if isinstance(target, int):
            self._check(self.library.rs_session_open_live(
                target, ctypes.byref(options), ctypes.byref(self.handle)))
        else:
            self._check(self.library.rs_session_open_core(
                os.fsencode(target), ctypes.byref(options),
                ctypes.byref(self.handle)))

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.library.rs_session_close(self.handle)

    def _check(self, error):
        if error:
            text = self.library.rs_error_message(error).decode()
            self.library.rs_error_free(error)
            raise EngineError(text)

    def _answer(self, name, *args):
        function = getattr(self.library, name)
        function.restype = ctypes.c_void_p  # an int would cut the error off
        text = ctypes.c_void_p()
        self._check(function(self.handle, *args, ctypes.byref(text)))
        try:
            answer = json.loads(ctypes.string_at(text).decode())
        finally:
            self.library.rs_text_free(text)
        if VALIDATE:
            schemas.check(name.replace("rs_answer_", "").replace("rs_", ""),
                          answer)
        return answer

    def info(self):
        return self._answer("rs_answer_info")

    def ledger(self):
        return self._answer("rs_answer_ledger")

    def gc(self):
        return self._answer("rs_answer_gc")

    def collect(self, generation=-1, rules=None, limit=1 << 40):
        return self._answer("rs_answer_collect", generation,
                            rules and rules.encode(), ctypes.c_uint64(limit))

    def types(self, sort="count", limit=1 << 40):
        return self._answer("rs_answer_types", sort.encode(),
                            ctypes.c_uint64(limit))

    def objects(self, **wanted):
        """wanted: members of ObjectsOptions."""
        options = ObjectsOptions(size=ctypes.sizeof(ObjectsOptions))
        for name, value in wanted.items():
            setattr(options, name, value.encode()
                    if isinstance(value, str) else value)
        return self._answer("rs_answer_objects", ctypes.byref(options))

    def leaks(self, all=True, limit=1 << 40):
        return self._answer("rs_answer_leaks", ctypes.c_bool(all),
                            ctypes.c_uint64(limit))

    def cycles(self, alive=False, limit=0):
        return self._answer("rs_answer_cycles", ctypes.c_bool(alive),
                            ctypes.c_uint64(limit))

    def garbage(self, limit=1 << 40):
        return self._answer("rs_answer_garbage", ctypes.c_uint64(limit))

    def why(self, address, limit=10):
        return self._answer("rs_answer_why", ctypes.c_uint64(address),
                            ctypes.c_uint64(limit))

    def count(self, address, limit=1 << 40):
        return self._answer("rs_answer_count", ctypes.c_uint64(address),
                            ctypes.c_uint64(limit))

    def show(self, address, limit=1 << 40):
        return self._answer("rs_answer_show", ctypes.c_uint64(address),
                            ctypes.c_uint64(limit))

    def reachable(self, address, depth=0, listed=True, limit=1 << 40):
        return self._answer("rs_answer_reachable", ctypes.c_uint64(address),
                            ctypes.c_uint32(depth), ctypes.c_bool(listed),
                            ctypes.c_uint64(limit))

    def referrers(self, address, depth, limit=1 << 40):
        return self._answer("rs_answer_referrers", ctypes.c_uint64(address),
                            ctypes.c_uint32(depth), ctypes.c_uint64(limit))

    def repr(self, address, timeout_ms=0, limit=0):
        return self._answer("rs_answer_repr", ctypes.c_uint64(address),
                            ctypes.c_uint32(timeout_ms),
                            ctypes.c_uint64(limit))

    def eval(self, code, address=0, timeout_ms=0, limit=0, interpreter=-1):
        return self._answer("rs_answer_eval", code.encode(),
                            ctypes.c_uint64(address),
                            ctypes.c_int64(interpreter),
                            ctypes.c_uint32(timeout_ms),
                            ctypes.c_uint64(limit))

    def rehearse(self, generation=-1, interpreter=-1, timeout_ms=0, limit=0):
        return self._answer("rs_answer_rehearse_collect", generation,
                            ctypes.c_int64(interpreter),
                            ctypes.c_uint32(timeout_ms),
                            ctypes.c_uint64(limit))

    def rehearse_cut(self, cycle, edge=1, interpreter=-1, timeout_ms=0,
                     limit=0):
        return self._answer("rs_answer_rehearse_cut", ctypes.c_uint32(cycle),
                            ctypes.c_uint32(edge),
                            ctypes.c_int64(interpreter),
                            ctypes.c_uint32(timeout_ms),
                            ctypes.c_uint64(limit))

    def rehearse_drop(self, address, label, interpreter=-1, timeout_ms=0,
                      limit=0):
        return self._answer("rs_answer_rehearse_drop",
                            ctypes.c_uint64(address), label.encode(),
                            ctypes.c_int64(interpreter),
                            ctypes.c_uint32(timeout_ms),
                            ctypes.c_uint64(limit))

    def verify(self, limit=1 << 40):
        return self._answer("rs_answer_verify", ctypes.c_uint64(limit))

    def resolve(self, name):
        """The address of what has this name."""
        found = self._answer("rs_answer_resolve", name.encode())
        return int(found["object"]["id"], 16)

    def names(self, text, limit=0):
        """What begins with this text."""
        return self._answer("rs_answer_names", text.encode(),
                            ctypes.c_uint64(limit))["names"]

    def export(self, path, labels=True):
        return self._answer("rs_export_jsonl", os.fsencode(path),
                            ctypes.c_bool(labels))

    def export_dot(self, path, address=0, depth=0, limit=1 << 40):
        """address: 0 for the garbage."""
        return self._answer("rs_export_dot", os.fsencode(path),
                            ctypes.c_uint64(address), ctypes.c_uint32(depth),
                            ctypes.c_uint64(limit))
