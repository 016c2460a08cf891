# SPDX-License-Identifier: MIT
"""The engine's session for GDB's current inferior.

A session is valid for one stop. It is kept until the target runs, is written
to, or another one is selected, so that further commands need not read the
target again.
"""
from __future__ import annotations

import os
import re
from typing import Any, Callable, NamedTuple, Optional, Sequence

import gdb

from .consent import consent
from .core import debuginfod, locate, mappings
from .core import engine as rs
from .fields import Finder
from .progress import StatusLine

NO_TARGET = (
    "no process or core to look at; start or attach to one "
    "(attach PID), or open a core (core FILE)"
)

# Bytes to read from GDB at once, and the least size to which failed reads are
# reduced.
LARGEST = 1 << 20
PAGE = 4096


class Unavailable(Exception):
    """There is no usable target. The text says why and what to do."""


class Key(NamedTuple):
    """What a session depends on: if it changes, a new session is opened."""

    connection: int
    inferior: int
    pid: int
    core: Optional[str]
    executable: Optional[str]
    sysroot: Optional[str]
    libraries: str
    exact: Optional[bool]
    objfiles: int
    run: bool
    run_memory: int
    threads: int


class Holder:
    """The loaded engine and the open session."""

    def __init__(self) -> None:
        self.engine: rs.Engine | None = None
        self.status = StatusLine()
        self._session: rs.Session | None = None
        self._key: Key | None = None
        self._maps: bytes | None = None
        self._cores: dict[int, str] = {}
        self._fields = Finder()

    def session(self, interactive: bool = True) -> rs.Session:
        """The session for the selected inferior.

        interactive: called by a command. Otherwise possibly by the condition
        of a breakpoint, during which GDB marks the stopped threads as running.
        Raises Unavailable, rs.EngineError, gdb.error."""
        self.loaded()
        key = self._present(interactive)
        if (
            self._session is None
            or self._session.renewed
            or key != self._key
        ):
            self.drop()
            self._maps = _maps(key)
            self._session = self._open(key)
            self._key = key
        return self._session

    def renewed(self) -> rs.Session | None:
        """The session for one look at a target that has run since.

        None: there is none, or it has to be opened again."""
        inferior, key = gdb.selected_inferior(), self._key
        if (
            self._session is None
            or key is None
            or key.core is not None
            or key.pid != inferior.pid
            or key.inferior != inferior.num
        ):
            return None
        try:
            self._session.renew()
        except rs.EngineError:
            self.drop()
            return None
        return self._session

    def has_new_mappings(self) -> bool:
        """Whether the target may have memory that the session does not know."""
        key = self._key
        return key is None or self._maps is None or self._maps != _maps(key)

    def drop(self) -> None:
        """Close the session: what it has read may be out of date."""
        if self._session is not None:
            self._session.close()
        self._session = self._key = None

    def ran(self, *_event: Any) -> None:
        """The target ran or was changed; a core never does."""
        if self._key is not None and self._key.core is None:
            self.drop()

    def _present(self, interactive: bool) -> Key:
        inferior = gdb.selected_inferior()
        connection = inferior.connection
        if connection is None or not inferior.pid or not inferior.threads():
            raise Unavailable(NO_TARGET)
        core = self._core(connection) if connection.type == "core" else None
        thread = gdb.selected_thread()
        if interactive and thread is not None and thread.is_running():
            raise Unavailable("the process is running; interrupt it first")
        return Key(
            connection.num,
            inferior.num,
            inferior.pid,
            core,
            _executable(),
            _sysroot(),
            gdb.parameter("solib-search-path") or "",
            gdb.parameter("refs exact"),
            len(gdb.objfiles()),
            # Of a process nothing is run: no reason for another session.
            core is not None and consent.run,
            consent.memory if core is not None else 0,
            gdb.parameter("refs threads") if core is not None else 0,
        )

    def _core(self, connection: Any) -> str:
        known = self._cores.get(connection.num)
        if known is None:
            # Up to GDB 16 there is no other way to get the name.
            shown = gdb.execute("info files", to_string=True)
            found = re.search(
                r"^Local core dump file:\n\s*`(.*)', file type ", shown, re.M
            )
            if not found:
                raise Unavailable(
                    "cannot find the name of the core file in GDB's "
                    "\"info files\"; open it again (core FILE)"
                )
            known = self._cores[connection.num] = found.group(1)
        return known

    def _open(self, key: Key) -> rs.Session:
        options = rs.OpenOptions(
            executable=key.executable,
            sysroot=key.sysroot,
            find_file=_find_file,
            progress=self.status.report,
            fetch_file=self._fetcher(),
            exact=key.exact,
            find_field=self._find_field,
            run=key.run,
            run_memory=key.run_memory,
            threads=key.threads,
        )
        session = rs.Session(self.loaded(), options)
        if key.core is not None:
            return session.open_core(key.core)
        if gdb.selected_inferior().connection.type == "native":
            return session.open_live(key.pid)
        read = _reader(gdb.selected_inferior(), self.status)
        return session.open_callback(read, _ranges())

    def _fetcher(self) -> rs.FindFile | None:
        """A fetcher for the debuginfod servers that the user has enabled."""
        try:
            enabled = gdb.parameter("debuginfod enabled") == "on"
            urls = gdb.parameter("debuginfod urls")
        except RuntimeError:
            return None  # a GDB without debuginfod
        if not enabled or not urls:
            return None
        return debuginfod.fetcher(str(urls), self.status.report)

    def _find_field(
        self,
        path: str | None,
        build_id: bytes | None,
        type_name: str,
        field: str | None,
    ) -> Sequence[int] | None:
        found = None
        try:
            found = self._fields.find(path, build_id, type_name, field)
        except gdb.error:
            pass
        except KeyboardInterrupt:
            self.status.interrupt.hit = True
        if not self.status.report("reading debug information", 0, 0):
            raise rs.Stop
        return found

    def loaded(self) -> rs.Engine:
        """The engine; loads it if necessary. Raises Unavailable."""
        if self.engine is None:
            try:
                path = locate.find()
                self.engine = rs.Engine(path)
            except (locate.Missing, rs.Misfit) as error:
                raise Unavailable(str(error)) from error
            except (OSError, AttributeError) as error:
                raise Unavailable(
                    f"cannot load the engine: {error}; build it again "
                    f"or set {locate.ENVIRONMENT} to another library"
                ) from error
        return self.engine


def in_passing() -> bool:
    """Whether GDB evaluates this in the middle of an event.

    During the condition of a breakpoint, a dprintf, or a stop() in Python the
    target is stopped, but its threads are still marked as running: GDB may let
    it go on without telling anybody. Raises Unavailable if it really runs."""
    thread = gdb.selected_thread()
    if thread is None or not thread.is_running():
        return False
    try:
        # It has registers only while it is stopped. What gdb.selected_frame()
        # would do besides costs more than a whole look at a count.
        gdb.parse_and_eval("$pc")
    except gdb.error:
        raise Unavailable(
            "the process is running; interrupt it first"
        ) from None
    return True


def _maps(key: Key) -> bytes | None:
    """What the kernel says of the mappings of a process of this machine."""
    if key.core is not None:
        return None
    try:
        with open(f"/proc/{key.pid}/maps", "rb") as file:
            return file.read()
    except OSError:
        return None


holder = Holder()


def connect() -> None:
    """Let GDB's events end the session.

    Changes of the target are noticed by the Key instead: while an event
    handler runs, GDB gives Ctrl-C to Python, so there should be few."""
    for name in ("cont", "exited", "memory_changed", "inferior_call"):
        getattr(gdb.events, name).connect(holder.ran)


def _sysroot() -> str | None:
    root = gdb.parameter("sysroot") or ""
    # "target:" alone is GDB's default: files are read over the connection.
    root = re.sub(r"^(target|remote):", "", root)
    return root or None


def _find_file(path: str | None, build_id: bytes | None) -> str | None:
    """A file of the target where GDB has it, or would look for it."""
    try:
        return _of_objfile(path, build_id) or _searched(path)
    except (gdb.error, OSError):
        return None


def _executable() -> str | None:
    """The executable that the user gave or GDB found; None when GDB reads it
    over the connection ("target:..."), from a container for example."""
    name = gdb.current_progspace().filename
    return None if name and name.startswith("target:") else name


def _of_objfile(path: str | None, build_id: bytes | None) -> str | None:
    wanted = build_id.hex() if build_id else None
    for objfile in gdb.objfiles():
        name = objfile.filename
        if objfile.owner is not None or not name or not os.path.isfile(name):
            continue
        same = objfile.build_id == wanted if wanted else name == path
        if same:
            return os.path.abspath(name)
    executable = _executable()
    if executable and path and os.path.isfile(executable):
        if os.path.basename(executable) == os.path.basename(path):
            return os.path.abspath(executable)
    return None


def _searched(path: str | None) -> str | None:
    if not path:
        return None
    places = [(_sysroot() or "") + path]
    for folder in (gdb.parameter("solib-search-path") or "").split(os.pathsep):
        if folder:
            places.append(os.path.join(folder, os.path.basename(path)))
    for place in places:
        if os.path.isfile(place):
            return os.path.abspath(place)
    return None


def _reader(inferior: Any, status: StatusLine) -> Callable[[int, int], bytes]:
    def piece(address: int, size: int) -> bytes | None:
        try:
            return bytes(inferior.read_memory(address, size))
        except (gdb.error, OverflowError):
            return None
        except KeyboardInterrupt:
            # GDB noticed Ctrl-C; the engine stops at its next report.
            status.interrupt.hit = True
            return None

    def read(address: int, size: int) -> bytes:
        """The bytes at address, up to the first that cannot be read."""
        got = bytearray()
        step = LARGEST
        while len(got) < size and not status.interrupt.hit:
            part = min(step, size - len(got))
            data = piece(address + len(got), part)
            if data is not None:
                got += data
            elif step > PAGE:
                step = max(PAGE, step // 16)
            else:
                break
        return bytes(got)

    return read


def _ranges() -> list[rs.Range]:
    """The mappings of a target that only GDB can access."""
    try:
        shown = gdb.execute("info proc mappings", to_string=True)
    except gdb.error as error:
        raise Unavailable(
            f"GDB cannot list the mappings of this target ({error}); "
            "take a core there and open that (core FILE)"
        ) from error
    ranges = mappings.parse(shown)
    if not ranges:
        raise Unavailable(
            "GDB lists no mappings of this target (info proc mappings); "
            "take a core there and open that (core FILE)"
        )
    return ranges
