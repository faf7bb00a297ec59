"""From a network file to the network on the GPU: the engine of the cache, or a new one where there is none to use."""

from __future__ import annotations

import logging
import shutil
import tempfile
import threading
import weakref
from pathlib import Path
from typing import Any

from dense_face_ros.backends import NetworkUnavailable
from dense_face_ros.backends.build_engine import BuildFailed, build_in_own_process, engine_identity
from dense_face_ros.backends.cuda_driver import Cuda
from dense_face_ros.backends.engine_build import Report, tensorrt_module
from dense_face_ros.backends.engine_cache import EngineCache, EngineIdentity, NoEngine
from dense_face_ros.backends.tensorrt import TensorRtNetwork, UnusableEngine

_LOG = logging.getLogger(__name__)


class EngineLoader:
    """Loads one network onto the GPU, as often as it is asked to.

    Args:
        network: the network file.
        metadata: of that file.
        cache: where engines are kept. Where it cannot be written, new ones last as long as this object.
    """

    def __init__(self, network: Path, metadata: dict[str, str], cache: EngineCache) -> None:
        self._network, self._metadata, self._cache = network, metadata, cache
        self._temporary: EngineCache | None = None

    def __call__(self, report: Report, stop: threading.Event) -> TensorRtNetwork:
        """The network, loaded. Builds its engine first where the cache has none that can be used: that takes minutes.

        Args:
            report: called with one line for each step of a build, and not at all where nothing is built.
            stop: ends a build when it is set.
        Raises:
            ImportError: no TensorRT.
            NoGpu: no driver or no GPU; TensorRT has then not been touched.
            BuildFailed: there is no engine, and trying again will not help.
            NetworkUnavailable: the GPU does not answer, or the build failed.
        """
        cuda = Cuda()
        try:
            trt = tensorrt_module()
            identity = engine_identity(trt, cuda.gpu, self._network)
        except BaseException:
            cuda.close()
            raise
        try:
            return self._from_cache(trt, cuda, identity)
        except UnusableEngine as why:
            # The engine stays until there is another: TensorRT refuses a good one too while memory is short.
            again = True
            report(f"building again: {why}")
        except NoEngine as why:
            again = False
            report(f"no engine: {why}")
        cache = self._writable_cache(identity)
        build_in_own_process(self._network, cache, again, report, stop)
        self._cache = cache
        try:
            return self._from_cache(trt, Cuda(), identity)
        except (NoEngine, UnusableEngine) as why:
            raise BuildFailed(f"the engine that was just built is of no use: {why}") from why

    def _writable_cache(self, identity: EngineIdentity) -> EngineCache:
        try:
            self._cache.check_writable(identity)
        except OSError as why:
            if self._temporary is None:
                self._temporary = EngineCache(self._temporary_folder(why))
                _LOG.warning(
                    "the engine is built at every start, as it cannot be kept (%s); set XDG_CACHE_HOME to a folder "
                    "that can be written, or run build_engine while installing", str(why)
                )  # fmt: skip
            return self._temporary
        return self._cache

    def _temporary_folder(self, why: OSError) -> Path:
        try:
            folder = tempfile.mkdtemp(prefix="dense_face_ros_")
        except OSError as error:
            raise NetworkUnavailable(f"there is no place for an engine ({why}; {error}); set XDG_CACHE_HOME") from error
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return Path(folder)

    def _from_cache(self, trt: Any, cuda: Cuda, identity: EngineIdentity) -> TensorRtNetwork:
        try:
            engine = self._cache.load(identity)
        except NoEngine:
            cuda.close()
            raise
        return TensorRtNetwork(trt, cuda, engine, self._metadata)
