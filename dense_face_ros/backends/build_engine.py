"""Build the TensorRT engine of a network for this machine's GPU: ``build_engine [--network FILE] [--again]``.

The tracker does this by itself when it finds no engine, which takes from seconds on a desktop to minutes on Jetson;
run it while installing, as the user the tracker runs as, and the first start is as fast as any other. The tracker too
builds in a process of its own: a build can take a gigabyte that is not given back before its process ends.
"""

from __future__ import annotations

import argparse
import os
import platform
import select
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from dense_face_ros.backends import NetworkGivenUp, NetworkUnavailable
from dense_face_ros.backends.cuda_driver import Cuda, Gpu
from dense_face_ros.backends.engine_build import (
    BUILD_OPTIONS,
    CannotBuild,
    Report,
    build,
    full_version,
    tensorrt_module,
)
from dense_face_ros.backends.engine_cache import EngineCache, EngineIdentity, NoEngine, file_sha256
from dense_face_ros.backends.model_precision import gpu_network_path

#: Exit code where another attempt would end the same way; argparse takes 2. All others may pass: no memory, GPU lost.
CANNOT_BUILD = 3
_TERMINATION = 5.0  # seconds a build is given to end when it is stopped


class BuildFailed(NetworkGivenUp):
    """The engine cannot be built; trying again would fail again."""


def engine_identity(trt: Any, gpu: Gpu, network: Path) -> EngineIdentity:
    """What the engine of a network file depends on here."""
    return EngineIdentity(
        network=file_sha256(network),
        tensorrt=full_version(trt),
        gpu=gpu.name,
        sm=gpu.sm,
        multiprocessors=gpu.multiprocessors,
        machine=platform.machine(),
        options=BUILD_OPTIONS,
    )


def build_into_cache(network: Path, cache: EngineCache, again: bool, report: Report) -> Path:
    """Build the engine of a network file unless the cache has it; its path.

    Args:
        again: build even then.
    Raises:
        ImportError: no TensorRT.
        NetworkUnavailable: no GPU, or TensorRT cannot build.
        OSError: the network cannot be read or the cache not be written.
    """
    cuda = Cuda()
    try:
        trt = tensorrt_module()
        identity = engine_identity(trt, cuda.gpu, network)
        with cache.building(identity):
            if not again:
                try:
                    cache.load(identity)
                except NoEngine as why:
                    report(f"building: {why}")
                else:
                    return cache.path(identity)
            cache.check_writable(identity)
            report(f"building '{network.name}' for {cuda.gpu.name} with {identity.tensorrt}; this is done once")
            begin = time.monotonic()
            with cuda.current():
                engine, timing = build(trt, network.read_bytes(), cache.timing(identity), report, cuda.gpu.capability)
            seconds = time.monotonic() - begin
            path = cache.store(identity, engine, {"network_file": str(network), "build_seconds": f"{seconds:.1f}"})
            if timing:
                try:
                    cache.store_timing(identity, timing)
                except OSError as error:  # the engine is there all the same
                    report(f"the timings of kernels are not kept: {error}")
            report(f"built in {seconds:.1f} s, {len(engine) / 1e6:.1f} MB: {path}")
            return path
    finally:
        cuda.close()


def build_in_own_process(network: Path, cache: EngineCache, again: bool, report: Report, stop: threading.Event) -> None:
    """Run this command for a network file and pass its lines on.

    Args:
        cache: where the engine goes.
        again: build even if there is an engine already.
        stop: ends the build when it is set.
    Raises:
        BuildFailed: there is no TensorRT, or it cannot read the network; or the build was stopped.
        NetworkUnavailable: it failed otherwise, with its last line.
    """
    command = [sys.executable, "-m", __name__, "--network", str(network.absolute()), *(["--again"] if again else [])]
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache.home.absolute())}
    last = "no reason given"
    with subprocess.Popen(
        command,
        # Python imports from the folder it starts in: that must not be whichever the node was started in.
        cwd=Path(__file__).parents[2],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as child:
        assert child.stdout is not None
        try:
            pending = b""
            while not stop.is_set():
                if not select.select([child.stdout], [], [], 0.2)[0]:
                    continue
                chunk = os.read(child.stdout.fileno(), 65536)
                if not chunk:
                    break
                *lines, pending = (pending + chunk).split(b"\n")
                for line in filter(None, (line.decode(errors="replace").strip() for line in lines)):
                    last = line
                    report(line)
            if stop.is_set():
                raise BuildFailed("the build was stopped")
            code = child.wait()
        finally:
            _end(child)
    if code != 0:
        kind = BuildFailed if code == CANNOT_BUILD else NetworkUnavailable
        raise kind(f"the engine could not be built: {last} (exit code {code})")


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(_TERMINATION)
        except subprocess.TimeoutExpired:
            child.kill()


def main(arguments: list[str] | None = None) -> int:
    """The command line; not 0 when there is no engine at the end."""
    parser = argparse.ArgumentParser(
        prog="build_engine", description="Build the TensorRT engine of a network for this machine's GPU."
    )
    parser.add_argument("--network", type=Path, help="network file (.onnx); default: the one in the package")
    parser.add_argument("--again", action="store_true", help="build even if there is an engine already")
    arguments = sys.argv[1:] if arguments is None else arguments
    if "--ros-args" in arguments:  # as launch files add them
        arguments = arguments[: arguments.index("--ros-args")]
    given = parser.parse_args(arguments)
    try:
        network = gpu_network_path(given.network)
        path = build_into_cache(network, EngineCache(), given.again, lambda line: print(line, flush=True))
    except (NetworkUnavailable, ImportError, OSError, ValueError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return CANNOT_BUILD if isinstance(error, (CannotBuild, ImportError)) else 1
    print(f"ready: {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
