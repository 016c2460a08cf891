# SPDX-License-Identifier: MIT
"""The engine (include/refscope/engine.h) through ctypes.

Errors become EngineError; answers remain the JSON text of the engine. For one
thread only. A session must be closed by close(): deleting it does not.
"""
from __future__ import annotations

import ctypes
from ctypes import POINTER, byref, c_bool, c_char_p, c_int, c_int64, c_size_t
from ctypes import c_uint32, c_uint64, c_void_p
from typing import Any, Callable, NamedTuple, Optional, Sequence

# RS_ENGINE_ABI of the engine.h that this module is written for.
ABI = 1

# The engine's value for "no limit".
EVERYTHING = 0

ENOMEM, EIO, EBAD, ENOTFOUND = 1, 2, 3, 4
EINTERRUPTED, EUNSUPPORTED, EARGUMENT = 5, 6, 7

ProgressCallback = ctypes.CFUNCTYPE(
    c_bool, c_void_p, c_char_p, c_uint64, c_uint64
)
ReadCallback = ctypes.CFUNCTYPE(
    c_uint64, c_void_p, c_uint64, c_void_p, c_uint64
)
FindFileCallback = ctypes.CFUNCTYPE(
    c_void_p, c_void_p, c_char_p, c_void_p, c_size_t
)



class _DebugQuery(ctypes.Structure):
    _fields_ = [
        ("path", c_char_p),
        ("build_id", c_void_p),
        ("build_id_size", c_size_t),
        ("type", c_char_p),
        ("field", c_char_p),
    ]


class _DebugField(ctypes.Structure):
    _fields_ = [
        ("offset", c_int64),
        ("size", c_int64),
        ("count", c_int64),
        ("bit", c_int64),
        ("width", c_int64),
        ("pointer", c_bool),
    ]


FindFieldCallback = ctypes.CFUNCTYPE(
    c_int, c_void_p, POINTER(_DebugQuery), POINTER(_DebugField)
)

Progress = Callable[[str, int, int], bool]
Read = Callable[[int, int], bytes]
FindFile = Callable[[Optional[str], Optional[bytes]], Optional[str]]
# Path, build-id, type and field, to the members of struct rs_debug_field in
# order, or None. Raises Stop.
FindField = Callable[
    [Optional[str], Optional[bytes], str, Optional[str]],
    Optional[Sequence[int]],
]


class EngineError(Exception):
    """An error of the engine; .code is one of enum rs_code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Misfit(Exception):
    """The library is another release's: the text says which and what to do."""


class Stop(Exception):
    """Raised by a FindField when the user has interrupted."""


class Range(NamedTuple):
    """A mapped range of a target; prot is that of mprotect()."""

    start: int
    end: int
    offset: int
    path: Optional[str]
    prot: int


class _Range(ctypes.Structure):
    _fields_ = [
        ("start", c_uint64),
        ("end", c_uint64),
        ("file_offset", c_uint64),
        ("path", c_char_p),
        ("prot", c_uint32),
    ]


_EXACT = {None: 0, True: 1, False: 2}


class _OpenOptions(ctypes.Structure):
    _fields_ = [
        ("size", c_size_t),
        ("exec", c_char_p),
        ("sysroot", c_char_p),
        ("find_file", FindFileCallback),
        ("find_file_context", c_void_p),
        ("progress", ProgressCallback),
        ("progress_context", c_void_p),
        ("fetch_file", FindFileCallback),
        ("fetch_file_context", c_void_p),
        ("exact", c_int),
        ("find_field", FindFieldCallback),
        ("find_field_context", c_void_p),
        ("run_memory", c_uint64),
        ("run", c_bool),
        ("threads", c_uint64),
    ]


class ObjectsOptions(ctypes.Structure):
    """struct rs_objects_options."""

    _fields_ = [
        ("size", c_size_t),
        ("type", c_char_p),
        ("module", c_char_p),
        ("generations", c_uint32),
        ("size_least", c_uint64),
        ("size_most", c_uint64),
        ("sort", c_char_p),
        ("limit", c_uint64),
        ("finding", c_uint32),
        ("unexplained", c_bool),
        ("over", c_bool),
    ]


class ActRequest(ctypes.Structure):
    """struct rs_act_request."""

    _fields_ = [
        ("size", c_size_t),
        ("pid", c_int),
        ("way", c_int),
        ("tid", c_int64),
        ("method", c_char_p),
        ("arg", c_int64 * 3),
        ("args", c_uint32),
        ("alone_ms", c_uint32),
        ("cycle", c_uint32),
        ("edge", c_uint32),
        ("call", c_int),
        ("registry", c_uint32),
        ("object", c_uint64),
    ]


class ActResult(ctypes.Structure):
    """struct rs_act_result."""

    _fields_ = [
        ("size", c_size_t),
        ("state", c_uint32),
        ("returned", c_int64),
        ("garbage_before", c_int64),
        ("garbage_after", c_int64),
        ("error", c_uint64),
        ("refused", c_bool),
        ("ran", c_bool),
        ("left", c_bool),
        ("back", c_bool),
        ("dropped", c_bool),
        ("listed", c_uint64),
        ("moved", c_bool),
    ]


# enum rs_act_way, enum rs_act_call and enum rs_act_state.
BLOCKED, PENDING, LATER, STOPPED = 1, 2, 3, 4
COLLECT, FIND_GARBAGE, WALK, REFERRERS = 1, 2, 3, 4
NEW, BEGUN, DONE, RAISED, CANCELLED, REPLACED = range(6)

# The functions of the engine that return an answer, with the types of their
# parameters between the session and the result.
_ADDRESS, _LIMIT, _DEPTH, _TEXT = c_uint64, c_uint64, c_uint32, c_char_p
_MS = c_uint32
_ANSWERS: dict[str, tuple[Any, ...]] = {
    "rs_answer_info": (),
    "rs_answer_count": (_ADDRESS, _LIMIT),
    "rs_answer_show": (_ADDRESS, _LIMIT),
    "rs_answer_reachable": (_ADDRESS, _DEPTH, c_bool, _LIMIT),
    "rs_answer_referrers": (_ADDRESS, _DEPTH, _LIMIT),
    "rs_answer_why": (_ADDRESS, _LIMIT),
    "rs_answer_collect": (c_int, _TEXT, _LIMIT),
    "rs_answer_cycles": (c_bool, _LIMIT),
    "rs_answer_cycles_of": (c_uint32, _LIMIT),
    "rs_answer_leaks": (c_bool, _LIMIT),
    "rs_answer_garbage": (_LIMIT,),
    "rs_answer_types": (_TEXT, _LIMIT),
    "rs_answer_ledger": (),
    "rs_answer_objects": (POINTER(ObjectsOptions),),
    "rs_answer_gc": (),
    "rs_answer_resolve": (_TEXT,),
    "rs_answer_names": (_TEXT, _LIMIT),
    "rs_answer_verify": (_LIMIT,),
    "rs_answer_repr": (_ADDRESS, _MS, _LIMIT),
    "rs_answer_eval": (_TEXT, _ADDRESS, c_int64, _MS, _LIMIT),
    "rs_answer_rehearse_collect": (c_int, c_int64, _MS, _LIMIT),
    "rs_answer_rehearse_cut": (c_uint32, c_uint32, c_int64, _MS, _LIMIT),
    "rs_answer_rehearse_drop": (_ADDRESS, _TEXT, c_int64, _MS, _LIMIT),
    "rs_answer_call_facts": (),
    "rs_answer_tracker_facts": (),
    "rs_answer_held_locks": (c_int,),
    "rs_answer_break": (c_uint32, c_uint32, _LIMIT),
    "rs_export_jsonl": (_TEXT, c_bool),
    "rs_export_dot": (_TEXT, _ADDRESS, _DEPTH, _LIMIT),
}
_NUMBERS = (
    "rs_number_count",
    "rs_number_unexplained",
    "rs_number_reachable",
    "rs_number_garbage",
    "rs_now_count",
)
_NAMES = ("rs_number_address", "rs_now_find")


class Engine:
    """The loaded library."""

    def __init__(self, path: str) -> None:
        """Raises OSError, or AttributeError when it is another library;
        Misfit when it is the engine of another release."""
        self.path = path
        self.lib = lib = ctypes.CDLL(path)
        lib.rs_engine_version.restype = c_char_p
        self._check_abi()
        lib.rs_error_code.argtypes = [c_void_p]
        lib.rs_error_message.argtypes = [c_void_p]
        lib.rs_error_message.restype = c_char_p
        lib.rs_error_free.argtypes = [c_void_p]
        lib.rs_error_free.restype = None
        lib.rs_text_free.argtypes = [c_void_p]
        lib.rs_text_free.restype = None
        lib.rs_session_close.argtypes = [c_void_p]
        lib.rs_session_close.restype = None
        opened = [POINTER(_OpenOptions), POINTER(c_void_p)]
        self._declare("rs_session_open_core", c_char_p, *opened)
        self._declare("rs_session_open_live", c_int, *opened)
        self._declare(
            "rs_session_open_callback",
            ReadCallback,
            c_void_p,
            POINTER(_Range),
            c_size_t,
            *opened,
        )
        for name, kinds in _ANSWERS.items():
            self._declare(name, c_void_p, *kinds, POINTER(c_void_p))
        for name in _NUMBERS:
            self._declare(name, c_void_p, c_uint64, POINTER(c_int64))
        for name in _NAMES:
            self._declare(name, c_void_p, c_char_p, POINTER(c_int64))
        self._declare("rs_session_renew", c_void_p)
        self._declare("rs_act_begin", c_void_p, POINTER(ActRequest),
                      POINTER(c_void_p))
        self._declare("rs_act_look", c_void_p, POINTER(ActResult))
        self._declare("rs_answer_act", c_void_p, c_void_p, c_uint64,
                      POINTER(c_void_p))
        self._declare("rs_act_cancel", c_void_p, POINTER(c_bool))
        self._declare("rs_act_end", c_void_p, c_int64, POINTER(c_bool))

    def _check_abi(self) -> None:
        # Engines before the first number do not have the function.
        has = getattr(self.lib, "rs_engine_abi", None)
        abi = has() if has else 0
        if abi != ABI:
            raise Misfit(
                f"the commands and the engine are of different releases: "
                f"{self.path} is refscope {self.version} (interface {abi}), "
                f"the commands need interface {ABI}; install both from one "
                f"release"
            )

    def _declare(self, name: str, *argtypes: Any) -> None:
        function = getattr(self.lib, name)
        function.argtypes = list(argtypes)
        function.restype = c_void_p

    @property
    def version(self) -> str:
        return _text(self.lib.rs_engine_version())

    def check(self, error: int | None) -> None:
        """Turn a `struct rs_error *` into an EngineError, and free it."""
        if not error:
            return
        code = self.lib.rs_error_code(error)
        message = _text(self.lib.rs_error_message(error))
        self.lib.rs_error_free(error)
        raise EngineError(code, message)


class OpenOptions:
    """struct rs_open_options, with the callbacks, which it keeps alive."""

    def __init__(
        self,
        executable: str | None = None,
        sysroot: str | None = None,
        find_file: FindFile | None = None,
        progress: Progress | None = None,
        fetch_file: FindFile | None = None,
        exact: bool | None = None,
        find_field: FindField | None = None,
        run: bool = False,
        run_memory: int = 0,
        threads: int = 0,
    ) -> None:
        """exact: True, False or None (auto), as GDB represents it.

        run: consent to run any code of a core; run_memory: bytes, 0: auto;
        threads: 0: as many as there are processors."""
        self.found: list[Any] = []
        self.raw = _OpenOptions(size=ctypes.sizeof(_OpenOptions))
        self.raw.exec = _bytes(executable)
        self.raw.sysroot = _bytes(sysroot)
        self.raw.exact = _EXACT[exact]
        self.raw.run = run
        self.raw.run_memory = run_memory
        self.raw.threads = threads
        if find_file:
            self.raw.find_file = FindFileCallback(self._finder(find_file))
        if fetch_file:
            self.raw.fetch_file = FindFileCallback(self._finder(fetch_file))
        if progress:
            self.raw.progress = ProgressCallback(_reporter(progress))
        if find_field:
            self.raw.find_field = FindFieldCallback(_seeker(find_field))

    def _finder(self, find_file: FindFile) -> Callable[..., Any]:
        def find(_context: Any, path: Any, build_id: Any, size: int) -> Any:
            wanted = ctypes.string_at(build_id, size) if build_id else None
            place = find_file(_text(path) if path else None, wanted)
            if place is None:
                return None
            # The engine keeps a pointer to it until the session is closed.
            kept = ctypes.create_string_buffer(place.encode("utf-8", _RAW))
            self.found.append(kept)
            return ctypes.addressof(kept)

        return find


class Session:
    """An open target. Each method is the engine's function of that name."""

    def __init__(self, engine: Engine, options: OpenOptions) -> None:
        self.engine = engine
        self.options = options
        self.handle: int | None = None
        self.renewed = False
        self._read: Any = None
        self._names: list[Any] = []

    def open_core(self, path: str) -> "Session":
        open_core = self.engine.lib.rs_session_open_core
        self._open(lambda ret: open_core(_bytes(path), *ret))
        return self

    def open_live(self, pid: int) -> "Session":
        open_live = self.engine.lib.rs_session_open_live
        self._open(lambda ret: open_live(pid, *ret))
        return self

    def open_callback(self, read: Read, ranges: Sequence[Range]) -> "Session":
        self._read = ReadCallback(_reader(read))
        raw = (_Range * len(ranges))()
        for slot, item in zip(raw, ranges):
            slot.start, slot.end = item.start, item.end
            slot.file_offset, slot.prot = item.offset, item.prot
            slot.path = _bytes(item.path)
        self._names.append(raw)
        open_callback = self.engine.lib.rs_session_open_callback
        self._open(
            lambda ret: open_callback(self._read, None, raw, len(raw), *ret)
        )
        return self

    def _open(self, call: Callable[[Any], int | None]) -> None:
        handle = c_void_p()
        self.engine.check(call((byref(self.options.raw), byref(handle))))
        self.handle = handle.value

    def close(self) -> None:
        if self.handle:
            self.engine.lib.rs_session_close(self.handle)
        self.handle = None

    def compared(self, act: "Act", limit: int) -> str:
        """rs_answer_act()."""
        return self.answer("rs_answer_act", act.handle, limit)

    def answer(self, name: str, *arguments: Any) -> str:
        """The JSON that the function returns.

        Raises EngineError, also when the session is closed."""
        text = c_void_p()
        function = getattr(self.engine.lib, name)
        raw = [_bytes(a) if isinstance(a, str) else a for a in arguments]
        self.engine.check(function(self.handle, *raw, byref(text)))
        try:
            return _text(ctypes.string_at(text.value or 0))
        finally:
            self.engine.lib.rs_text_free(text)

    def objects(self, **wanted: Any) -> str:
        """rs_answer_objects(); wanted: members of ObjectsOptions."""
        options = ObjectsOptions(size=ctypes.sizeof(ObjectsOptions))
        for name, value in wanted.items():
            raw = _bytes(value) if isinstance(value, str) else value
            setattr(options, name, raw)
        return self.answer("rs_answer_objects", byref(options))

    def number(self, name: str, of: int | str) -> int:
        """The result of rs_number_<name>() of an address, or of a name for
        "address". Raises EngineError."""
        return self._number("rs_number_" + name, of)

    def renew(self) -> None:
        """The target has run; only now() is answered after this. Raises
        EngineError."""
        self.renewed = True
        self.engine.check(self.engine.lib.rs_session_renew(self.handle))

    def now(self, name: str, of: int | str) -> int:
        """The result of rs_now_<name>(): "count" of an address, or "find" of
        a name. Raises EngineError."""
        return self._number("rs_now_" + name, of)

    def act(self, **wanted: Any) -> "Act":
        """rs_act_begin(); wanted: members of ActRequest, with the arguments
        as a list. Raises EngineError."""
        request = ActRequest(size=ctypes.sizeof(ActRequest))
        arguments = wanted.pop("arguments", [])
        for name, value in wanted.items():
            raw = _bytes(value) if isinstance(value, str) else value
            setattr(request, name, raw)
        request.args = len(arguments)
        request.arg[: len(arguments)] = arguments
        handle = c_void_p()
        begin = self.engine.lib.rs_act_begin
        self.engine.check(begin(self.handle, byref(request), byref(handle)))
        return Act(self.engine, handle.value)

    def _number(self, function: str, of: int | str) -> int:
        number = c_int64()
        raw = _bytes(of) if isinstance(of, str) else of
        call = getattr(self.engine.lib, function)
        self.engine.check(call(self.handle, raw, byref(number)))
        return number.value


class Act:
    """A call into a live process. Each method is the engine's function of
    that name; they raise EngineError."""

    def __init__(self, engine: Engine, handle: int | None) -> None:
        self.engine = engine
        self.handle = handle

    def look(self) -> ActResult:
        """How far it is. Of any thread, also while the process runs."""
        result = ActResult(size=ctypes.sizeof(ActResult))
        self.engine.check(
            self.engine.lib.rs_act_look(self.handle, byref(result))
        )
        return result

    def cancel(self) -> bool:
        """Whether it had not begun, and never will."""
        return self._flag("rs_act_cancel")

    def end(self, tid: int) -> bool:
        """Whether nothing of it is left in the process."""
        ended = self._flag("rs_act_end", tid)
        if ended or not tid:
            self.handle = None
        return ended

    def _flag(self, name: str, *arguments: Any) -> bool:
        flag = c_bool()
        function = getattr(self.engine.lib, name)
        self.engine.check(function(self.handle, *arguments, byref(flag)))
        return flag.value


# Paths and names of a target need not be UTF-8; this preserves their bytes.
_RAW = "surrogateescape"


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else text.encode("utf-8", _RAW)


def _text(raw: bytes | None) -> str:
    return (raw or b"").decode("utf-8", _RAW)


def _reporter(progress: Progress) -> Callable[..., bool]:
    def report(_context: Any, phase: bytes, done: int, total: int) -> bool:
        return progress(_text(phase), done, total)

    return report


_ABSENT, _FOUND, _STOP = 0, 1, -1  # enum rs_debug_found


def _seeker(find_field: FindField) -> Callable[..., int]:
    def seek(_context: Any, query: Any, ret: Any) -> int:
        q = query.contents
        wanted = q.build_id and ctypes.string_at(q.build_id, q.build_id_size)
        path = None if q.path is None else _text(q.path)
        field = None if q.field is None else _text(q.field)
        try:
            found = find_field(path, wanted, _text(q.type), field)
        except Stop:
            return _STOP
        if found is None:
            return _ABSENT
        ret[0] = _DebugField(*found)
        return _FOUND

    return seek


def _reader(read: Read) -> Callable[..., int]:
    def fetch(_context: Any, address: int, buffer: int, size: int) -> int:
        data = read(address, size)[:size]
        ctypes.memmove(buffer, data, len(data))
        return len(data)

    return fetch
