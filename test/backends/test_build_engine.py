"""The command that builds engines, and the process the node runs it in."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import textwrap
import threading
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest
from backends.fake_gpu import FakeDriver
from backends.stub_driver import environment_with_driver

from dense_face_ros.backends import NetworkGivenUp, NetworkUnavailable, build_engine, engine_cache
from dense_face_ros.backends.build_engine import (
    CANNOT_BUILD,
    BuildFailed,
    build_in_own_process,
    engine_identity,
    main,
)
from dense_face_ros.backends.cuda_driver import Cuda
from dense_face_ros.backends.engine_build import EngineError
from dense_face_ros.backends.engine_cache import EngineCache
from dense_face_ros.backends.model_precision import gpu_network_path

pytestmark = pytest.mark.filterwarnings("ignore:Use Deprecated in TensorRT-RTX:DeprecationWarning")


@pytest.fixture
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return EngineCache()


@pytest.fixture
def driver(monkeypatch):
    """A GPU, and the builder that works without one."""
    trt = pytest.importorskip("tensorrt_rtx", reason="tensorrt-rtx is not installed: pip install tensorrt-rtx")
    driver = FakeDriver()
    monkeypatch.setattr(build_engine, "Cuda", lambda: Cuda(driver))
    monkeypatch.setattr(build_engine, "tensorrt_module", lambda: trt)
    return driver


def test_the_command_fills_the_cache_once(cache, driver, capsys):
    assert main([]) == 0
    said = capsys.readouterr().out
    assert "building 'correspondence_fp16.onnx' for Fake GPU with tensorrt_rtx" in said and "step" in said
    (engine,) = cache.directory.glob("*.engine")
    assert said.splitlines()[-1] == f"ready: {engine}"
    begin = engine.stat().st_mtime_ns
    assert main([]) == 0 and engine.stat().st_mtime_ns == begin
    assert capsys.readouterr().out == f"ready: {engine}\n"
    assert main(["--again"]) == 0 and engine.stat().st_mtime_ns > begin
    gc.collect()
    assert driver.leaks == 0


def test_damaged_engines_are_built_again(cache, driver, capsys):
    main([])
    (engine,) = cache.directory.glob("*.engine")
    whole = engine.stat().st_size
    engine.write_bytes(b"cut")
    assert main([]) == 0
    assert "is damaged" in capsys.readouterr().out and engine.stat().st_size == whole


def test_what_was_built_is_what_will_be_looked_for(cache, driver):
    main([])
    identity = engine_identity(build_engine.tensorrt_module(), Cuda(driver).gpu, gpu_network_path(None))
    assert cache.load(identity)


def test_arguments_of_launch_files_are_passed_over_and_wrong_ones_named(cache, driver, capsys):
    assert main(["--network", "none.onnx", "--ros-args", "-r", "__node:=build"]) == 1
    assert "network file 'none.onnx' does not exist" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["--netwrok", "none.onnx"])


def test_a_cache_that_cannot_be_written_is_named(cache, driver, capsys, tmp_path):
    (tmp_path / "dense_face_ros").write_text("a file where the folder should be")
    assert main([]) == 1
    assert "dense_face_ros" in capsys.readouterr().err


def test_a_full_disk_is_told_before_the_build(cache, driver, monkeypatch, capsys):
    def built(*_: object) -> None:
        raise AssertionError("it was built all the same")

    monkeypatch.setattr(engine_cache.shutil, "disk_usage", lambda path: SimpleNamespace(free=5_000_000))
    monkeypatch.setattr(build_engine, "build", built)
    assert main([]) == 1
    assert "5 MB free, 67 MB needed" in capsys.readouterr().err


def test_timings_that_cannot_be_kept_cost_no_engine(cache, driver, monkeypatch, capsys):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(build_engine, "build", lambda *_: (b"engine", b"timing"))
    monkeypatch.setattr(EngineCache, "store_timing", full)
    assert main([]) == 0
    assert "timings of kernels are not kept: [Errno 28] No space left on device" in capsys.readouterr().out


def test_its_exit_code_says_whether_another_attempt_may_help(cache, driver, monkeypatch, tmp_path, capsys):
    def short_of_memory(*_: object) -> None:
        raise EngineError("TensorRT cannot build the engine: out of memory")

    def no_tensorrt() -> None:
        raise ImportError("TensorRT cannot be imported")

    (tmp_path / "text.onnx").write_text("no network")
    assert main(["--network", str(tmp_path / "text.onnx")]) == CANNOT_BUILD
    assert "TensorRT cannot read the network" in capsys.readouterr().err
    monkeypatch.setattr(build_engine, "build", short_of_memory)
    assert main([]) == 1
    monkeypatch.setattr(build_engine, "tensorrt_module", no_tensorrt)
    assert main([]) == CANNOT_BUILD


def script(monkeypatch, tmp_path, text: str):
    """Runs ``text`` instead of the command."""
    path = tmp_path / "python"
    path.write_text(f"#!{sys.executable}\n{text}")
    path.chmod(0o700)
    monkeypatch.setattr(build_engine.sys, "executable", str(path))


def test_lines_of_the_process_are_passed_on(cache, monkeypatch, tmp_path):
    script(monkeypatch, tmp_path, "print('first')\nprint('second')")
    lines: list[str] = []
    build_in_own_process(tmp_path, cache, False, lines.append, threading.Event())
    assert lines == ["first", "second"]


@pytest.mark.parametrize("again", [False, True])
def test_the_process_is_told_whether_to_build_again_and_where(monkeypatch, tmp_path, again):
    script(monkeypatch, tmp_path, "import os, sys\nprint(sys.argv)\nprint(os.environ['XDG_CACHE_HOME'])")
    lines: list[str] = []
    build_in_own_process(tmp_path, EngineCache(tmp_path / "own"), again, lines.append, threading.Event())
    assert ("'--again'" in lines[0]) is again and lines[1] == str(tmp_path / "own")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("print('first')\nsys.exit('no memory left')", r"could not be built: no memory left \(exit code 1\)"),
        ("os.abort()", "exit code -6"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "exit code -9"),
    ],
)
def test_a_failed_build_may_be_tried_again_and_its_last_line_is_its_reason(cache, monkeypatch, tmp_path, text, reason):
    script(monkeypatch, tmp_path, f"import os, signal, sys\n{text}")
    with pytest.raises(NetworkUnavailable, match=reason) as caught:
        build_in_own_process(tmp_path, cache, False, lambda line: None, threading.Event())
    assert not isinstance(caught.value, NetworkGivenUp)


def test_a_network_that_cannot_be_built_is_given_up(cache, monkeypatch, tmp_path):
    script(monkeypatch, tmp_path, f"import sys\nprint('cannot read it')\nsys.exit({CANNOT_BUILD})")
    with pytest.raises(BuildFailed, match=r"could not be built: cannot read it \(exit code 3\)"):
        build_in_own_process(tmp_path, cache, False, lambda line: None, threading.Event())


def test_a_stopped_build_ends_with_its_process(cache, monkeypatch, tmp_path):
    said = tmp_path / "said"
    text = """
        import os, signal, sys, time

        def end(*_):
            open(sys.argv[-1] + "/said", "w").write("asked to end")
            sys.exit(1)

        signal.signal(signal.SIGTERM, end)
        print(os.getpid(), flush=True)
        time.sleep(60)
    """
    script(monkeypatch, tmp_path, textwrap.dedent(text))
    stop, lines = threading.Event(), list[str]()

    def started(line: str) -> None:
        lines.append(line)
        stop.set()

    with pytest.raises(BuildFailed, match="was stopped"):
        build_in_own_process(tmp_path, cache, False, started, stop)
    assert said.read_text() == "asked to end"
    with pytest.raises(ProcessLookupError):
        os.kill(int(lines[0]), 0)


def test_the_real_process_says_what_this_machine_lacks(cache):
    if os.path.exists("/dev/nvidiactl"):
        pytest.skip("this machine has a GPU")
    with pytest.raises(NetworkUnavailable, match="no NVIDIA driver"):
        build_in_own_process(gpu_network_path(None), cache, False, lambda line: None, threading.Event())


def test_the_real_process_runs_nothing_of_the_folder_the_node_was_started_in(cache, monkeypatch, tmp_path):
    (tmp_path / "argparse.py").write_text("raise SystemExit('a file of that folder was run')")
    (tmp_path / "net.onnx").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    lines: list[str] = []
    with pytest.raises(NetworkUnavailable, match="build_engine: "):
        build_in_own_process(Path("net.onnx"), cache, False, lines.append, threading.Event())
    assert not any("of that folder" in line or "does not exist" in line for line in lines)


def test_the_real_process_builds_the_shipped_network(tmp_path):
    pytest.importorskip("tensorrt_rtx", reason="tensorrt-rtx is not installed: pip install tensorrt-rtx")
    if find_spec("tensorrt") is not None:
        pytest.skip("TensorRT is installed, which needs a real driver to build")
    environment = environment_with_driver(tmp_path, XDG_CACHE_HOME=str(tmp_path))
    command = [sys.executable, "-m", "dense_face_ros.backends.build_engine"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (engine,) = (tmp_path / "dense_face_ros").glob("*.engine")
    assert "for Stub GPU with tensorrt" in done.stdout and done.stdout.splitlines()[-1] == f"ready: {engine}"
