"""Where built engines are kept: one file per network, TensorRT version and GPU, and a readable ``.json`` beside each.

The folder is ``dense_face_ros`` under ``$XDG_CACHE_HOME`` (``~/.cache`` where that is not set). An engine is found by
what it was made from, so a changed network or another GPU or TensorRT never meets an engine that is not its own. An
engine is code: files that others could have written are not used.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from dense_face_ros.backends import NetworkUnavailable

FORMAT_VERSION = "1"
_ROOM = 64 << 20  # bytes; engines of our networks have a tenth of it


class NoEngine(Exception):
    """The cache has no engine to use; the message says why."""


@dataclass(frozen=True)
class EngineIdentity:
    """Everything an engine depends on.

    Attributes:
        network: sha256 of the ONNX file.
        tensorrt: package and full version.
        gpu, sm, multiprocessors: name, compute capability and size: an engine made for more of them may not run.
        machine: the host's architecture.
        options: what the builder was told.
    """

    network: str
    tensorrt: str
    gpu: str
    sm: str
    multiprocessors: int
    machine: str
    options: str

    @property
    def key(self) -> str:
        """Name of the engine's files."""
        return _sha256(json.dumps(asdict(self), sort_keys=True).encode())[:32]

    @property
    def timing_key(self) -> str:
        """Name of the kernel timings, which networks share."""
        gpu = f"{self.tensorrt} {self.gpu} {self.sm} {self.multiprocessors}"
        return f"timing-{_sha256(gpu.encode())[:16]}"


class EngineCache:
    """The engines of this user.

    Args:
        home: to be used as ``$XDG_CACHE_HOME``; None: the user's.
    Raises:
        NetworkUnavailable: the user has none.
    """

    def __init__(self, home: Path | None = None) -> None:
        self.home = home if home is not None else _user_home()
        self.directory = self.home / "dense_face_ros"

    def load(self, identity: EngineIdentity) -> bytes:
        """The engine, as it was stored.

        Raises:
            NoEngine: there is none, or its files are damaged or not to be trusted.
        """
        plan, record = self._files(identity)
        try:
            entry = json.loads(_read_trusted(record))
            engine = _read_trusted(plan)
        except FileNotFoundError:
            raise NoEngine("there is none yet for this network, GPU and TensorRT") from None
        except (OSError, ValueError, RecursionError) as error:
            raise NoEngine(f"'{record}' cannot be read ({error})") from error
        if not isinstance(entry, dict) or entry.get("format_version") != FORMAT_VERSION:
            raise NoEngine(f"'{record}' is of another version of this package")
        if any(entry.get(key) != value for key, value in asdict(identity).items()):
            raise NoEngine(f"'{record}' is of another network, GPU or TensorRT")
        if entry.get("sha256") != _sha256(engine):
            raise NoEngine(f"'{plan}' is damaged: its content is not what was stored")
        return engine

    def store(self, identity: EngineIdentity, engine: bytes, about: dict[str, str]) -> Path:
        """Write an engine; whoever reads meanwhile sees the old one, the new one or none. Returns its path.

        Args:
            about: what else the ``.json`` shall tell its reader.
        Raises:
            OSError: the folder cannot be written.
        """
        plan, record = self._files(identity)
        entry = {"format_version": FORMAT_VERSION, "sha256": _sha256(engine), **asdict(identity), **about}
        self._write(plan, engine)
        self._write(record, json.dumps(entry, indent=1).encode())
        return plan

    def check_writable(self, identity: EngineIdentity) -> None:
        """Raises OSError where an engine could not be stored: better before a build of minutes than after it."""
        os.close(self._open_lock(identity))
        with tempfile.TemporaryFile(dir=self.directory):
            free = shutil.disk_usage(self.directory).free
        if free < _ROOM:
            raise OSError(errno.ENOSPC, f"{free / 1e6:.0f} MB free, {_ROOM / 1e6:.0f} MB needed", str(self.directory))

    def path(self, identity: EngineIdentity) -> Path:
        """Where the engine is, or would be."""
        return self._files(identity)[0]

    def timing(self, identity: EngineIdentity) -> bytes:
        """Kernel timings of earlier builds; empty where there are none."""
        try:
            return _read_trusted(self.directory / identity.timing_key)
        except OSError:
            return b""

    def store_timing(self, identity: EngineIdentity, timing: bytes) -> None:
        """Keep kernel timings for later builds."""
        self._write(self.directory / identity.timing_key, timing)

    @contextmanager
    def building(self, identity: EngineIdentity) -> Iterator[None]:
        """Hold the right to build this engine: a second builder waits here, and finds it done.

        Raises:
            OSError: the folder cannot be written.
        """
        descriptor = self._open_lock(identity)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _open_lock(self, identity: EngineIdentity) -> int:
        """Of a file of its own, as engines are replaced; OSError where it is another user's, as after a ``sudo``."""
        self._make_directory()
        path = self.directory / f"{identity.key}.lock"
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)

    def folder(self, name: str) -> Path:
        """A folder for engines that somebody else keeps, such as ONNX Runtime.

        Raises:
            OSError: it cannot be made, or others could write into it.
        """
        self._make_directory()
        path = self.directory / name
        path.mkdir(mode=0o755, exist_ok=True)
        for folder in (self.directory, path):
            if _others_write(folder.lstat()):
                raise PermissionError(f"others could write into '{folder}'; remove it")
        return path

    def _files(self, identity: EngineIdentity) -> tuple[Path, Path]:
        return self.directory / f"{identity.key}.engine", self.directory / f"{identity.key}.json"

    def _make_directory(self) -> None:
        self.directory.mkdir(mode=0o755, parents=True, exist_ok=True)

    def _write(self, path: Path, content: bytes) -> None:
        self._make_directory()
        descriptor, unfinished = tempfile.mkstemp(suffix=".unfinished", dir=self.directory)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fchmod(file.fileno(), 0o644)  # what root has built while installing, all may read
                os.fsync(file.fileno())
            os.replace(unfinished, path)
        except BaseException:
            os.unlink(unfinished)
            raise


def _read_trusted(path: Path) -> bytes:
    """Content of a file that only this user or the administrator can have written; PermissionError otherwise."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or _others_write(status):
            raise PermissionError(f"others could have written '{path}'; remove it")
        return file.read()


def _others_write(status: os.stat_result) -> bool:
    return status.st_uid not in (os.getuid(), 0) or bool(status.st_mode & 0o022)


def _user_home() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME")
    try:
        return Path(cache) if cache else Path.home() / ".cache"
    except RuntimeError as error:  # users without a home, as containers have them
        raise NetworkUnavailable(f"there is no place for engines ({error}); set XDG_CACHE_HOME") from error


def file_sha256(path: Path) -> str:
    """sha256 of a file's content."""
    return _sha256(path.read_bytes())


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
