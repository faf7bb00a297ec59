"""Engines are found by what they were made from, and only whole ones that nobody else could have written."""

from __future__ import annotations

import dataclasses
import json
import os
import stat
import threading
from types import SimpleNamespace

import pytest

from dense_face_ros.backends import NetworkUnavailable, engine_cache
from dense_face_ros.backends.engine_cache import EngineCache, EngineIdentity, NoEngine

IDENTITY = EngineIdentity("ab" * 32, "tensorrt 10.3.0", "Orin", "sm_87", 16, "aarch64", "strongly typed")


@pytest.fixture
def cache(tmp_path):
    return EngineCache(tmp_path / "cache")


def test_what_was_stored_is_loaded(cache):
    with pytest.raises(NoEngine, match="none yet"):
        cache.load(IDENTITY)
    path = cache.store(IDENTITY, b"engine", {"build_seconds": "1.5"})
    assert path == cache.path(IDENTITY) and cache.load(IDENTITY) == b"engine"
    entry = json.loads(path.with_suffix(".json").read_text())
    assert entry["gpu"] == "Orin" and entry["build_seconds"] == "1.5" and entry["tensorrt"] == "tensorrt 10.3.0"
    assert sorted(p.suffix for p in cache.directory.iterdir()) == [".engine", ".json"]


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(EngineIdentity)])
def test_whatever_an_engine_depends_on_makes_another_engine(cache, field):
    cache.store(IDENTITY, b"engine", {})
    with pytest.raises(NoEngine, match="none yet"):
        cache.load(dataclasses.replace(IDENTITY, **{field: "another"}))


def damage_flip(path):
    content = bytearray(path.read_bytes())
    content[3] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("suffix", "damage", "message"),
    [
        (".engine", damage_flip, "is damaged"),
        (".engine", lambda path: path.write_bytes(path.read_bytes()[:3]), "is damaged"),
        (".engine", lambda path: path.write_bytes(b""), "is damaged"),
        (".engine", lambda path: path.unlink(), "none yet"),
        (".json", lambda path: path.write_text("{"), "cannot be read"),
        (".json", lambda path: path.write_bytes(b"\xff\xfe"), "cannot be read"),
        (".json", lambda path: path.write_text("[" * 100_000), "cannot be read"),
        (".json", lambda path: path.write_text("9" * 5_000), "cannot be read|another version"),
        (".json", lambda path: path.write_text("[]"), "another version of this package"),
        (".json", lambda path: path.write_text('{"format_version": "0"}'), "another version of this package"),
        (".engine", lambda path: path.chmod(0o666), "others could have written"),
        (".json", lambda path: path.chmod(0o620), "others could have written"),
        (".engine", lambda path: (path.rename(path.with_name("x")), path.symlink_to("x")), "cannot be read"),
    ],
)
def test_damaged_and_doubtful_files_are_no_engines(cache, suffix, damage, message):
    damage(cache.store(IDENTITY, b"engine", {}).with_suffix(suffix))
    with pytest.raises(NoEngine, match=message):
        cache.load(IDENTITY)
    cache.store(IDENTITY, b"new engine", {})
    assert cache.load(IDENTITY) == b"new engine"


def test_engines_under_the_name_of_another_are_no_engines(cache):
    path = cache.store(IDENTITY, b"engine", {})
    other = dataclasses.replace(IDENTITY, gpu="Thor")
    for suffix in (".engine", ".json"):
        path.with_suffix(suffix).rename(cache.path(other).with_suffix(suffix))
    with pytest.raises(NoEngine, match="is of another network, GPU or TensorRT"):
        cache.load(other)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
def test_files_of_other_users_are_no_engines(cache):
    os.chown(cache.store(IDENTITY, b"engine", {}), 12345, 12345)
    with pytest.raises(NoEngine, match="others could have written"):
        cache.load(IDENTITY)


@pytest.mark.parametrize("umask", [0, 0o077])
def test_files_are_the_owners_alone_to_write_and_all_others_to_read(cache, umask):
    """Root's engines are for everybody."""
    cache.directory.mkdir(parents=True)
    old = os.umask(umask)
    try:
        path = cache.store(IDENTITY, b"engine", {})
        cache.store_timing(IDENTITY, b"timing")
    finally:
        os.umask(old)
    assert {stat.S_IMODE(p.stat().st_mode) for p in cache.directory.iterdir()} == {0o644}
    assert path.read_bytes() == b"engine"


def test_an_interrupted_write_leaves_the_old_engine(cache, monkeypatch):
    cache.store(IDENTITY, b"old engine", {})

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        cache.store(IDENTITY, b"new engine", {})
    assert cache.load(IDENTITY) == b"old engine"
    assert len(list(cache.directory.iterdir())) == 2


def test_timings_are_shared_by_networks_but_not_by_gpus(cache):
    assert cache.timing(IDENTITY) == b""
    cache.store_timing(IDENTITY, b"timing")
    assert cache.timing(dataclasses.replace(IDENTITY, network="cd" * 32)) == b"timing"
    assert cache.timing(dataclasses.replace(IDENTITY, sm="sm_90")) == b""
    assert cache.timing(dataclasses.replace(IDENTITY, multiprocessors=8)) == b""


def test_a_folder_without_room_or_permission_is_told_before_a_build(cache, monkeypatch, tmp_path):
    cache.check_writable(IDENTITY)
    assert {path.suffix for path in cache.directory.iterdir()} == {".lock"}
    monkeypatch.setattr(engine_cache.shutil, "disk_usage", lambda path: SimpleNamespace(free=5_000_000))
    with pytest.raises(OSError, match=r"5 MB free, 67 MB needed: '.*cache/dense_face_ros'"):
        cache.check_writable(IDENTITY)
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(OSError, match="file"):
        EngineCache(tmp_path / "file").check_writable(IDENTITY)


def test_a_lock_that_cannot_be_had_is_told_before_a_build(cache):
    cache.directory.mkdir(parents=True)
    (cache.directory / f"{IDENTITY.key}.lock").symlink_to("/etc/passwd")
    with pytest.raises(OSError, match=f"{IDENTITY.key}.lock"):
        cache.check_writable(IDENTITY)


def test_a_second_builder_waits_for_the_first(cache):
    order = []

    def second() -> None:
        with cache.building(IDENTITY):
            order.append("second")

    with cache.building(IDENTITY):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(0.1)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_folders_for_others_are_the_owners_alone(cache):
    folder = cache.folder("onnxruntime")
    assert folder == cache.folder("onnxruntime") and not stat.S_IMODE(folder.stat().st_mode) & 0o022
    for open_to_all in (folder, cache.directory):
        open_to_all.chmod(0o777)
        with pytest.raises(PermissionError, match=f"others could write into '{open_to_all}'"):
            cache.folder("onnxruntime")
        open_to_all.chmod(0o700)
    (cache.directory / "link").symlink_to("/tmp")
    with pytest.raises(PermissionError, match="link'; remove it"):
        cache.folder("link")


def test_users_without_a_home_are_told_the_cure(monkeypatch):
    def homeless() -> None:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(engine_cache.Path, "home", homeless)
    with pytest.raises(NetworkUnavailable, match=r"no place for engines .*set XDG_CACHE_HOME"):
        EngineCache()


def test_the_folder_follows_the_users_setting(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert EngineCache().directory == tmp_path / "dense_face_ros"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert EngineCache().directory.parts[-2:] == (".cache", "dense_face_ros")
