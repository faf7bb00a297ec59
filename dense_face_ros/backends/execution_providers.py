"""ONNX Runtime on the GPU: its TensorRT and CUDA execution providers, where its installation has them."""

from __future__ import annotations

import logging
import shutil
import threading
from pathlib import Path

import onnxruntime

from dense_face_ros.backends import NetworkGivenUp, NetworkUnavailable
from dense_face_ros.backends.cuda_driver import Cuda
from dense_face_ros.backends.engine_build import Report
from dense_face_ros.backends.engine_cache import EngineCache, file_sha256
from dense_face_ros.backends.onnx_runtime import OnnxRuntimeNetwork

_TENSORRT = "TensorrtExecutionProvider"
#: The faster first.
_GPU_PROVIDERS = (_TENSORRT, "CUDAExecutionProvider")
#: How ONNX Runtime says that TensorRT refused an engine it had kept.
_REFUSED = "could not deserialize engine from cache"

_LOG = logging.getLogger(__name__)


def gpu_providers() -> list[str]:
    """Those that ONNX Runtime was built with, the faster first; whether they work here is not known yet."""
    offered = onnxruntime.get_available_providers()
    return [name for name in _GPU_PROVIDERS if name in offered]


class _NetworkOnGpu(OnnxRuntimeNetwork):
    """Holds the GPU's context as long as it lives, so that nobody here resets it."""

    def __init__(self, path: Path, providers: list[tuple[str, dict[str, str]]], cuda: Cuda) -> None:
        self._cuda = cuda
        super().__init__(path, providers=providers)

    def close(self) -> None:
        super().close()
        self._cuda.close()


class ProviderLoader:
    """Loads one network onto the GPU by ONNX Runtime, as often as it is asked to.

    Args:
        network: the network file.
        metadata: of the loaded network.
        providers: some of :func:`gpu_providers`.
    """

    def __init__(self, network: Path, metadata: dict[str, str], providers: list[str]) -> None:
        self._network, self._metadata, self._providers = network, metadata, providers
        self._has_run = False

    def __call__(self, report: Report, stop: threading.Event) -> OnnxRuntimeNetwork:
        """The network, loaded. The TensorRT provider builds an engine at the first time: that takes minutes.

        Args:
            report: called before such a build may begin.
            stop: not heeded: ONNX Runtime cannot be interrupted.
        Raises:
            NoGpu: no driver or no GPU; ONNX Runtime has then not been asked.
            NetworkUnavailable: the GPU does not answer.
            NetworkGivenUp: the GPU is well, but none of the providers can be set up: the installation is at fault.
        """
        cuda = Cuda()  # asks the driver, and revives a context that an earlier error has ended
        try:
            return self._loaded(report, cuda)
        except BaseException:
            cuda.close()
            raise

    def _loaded(self, report: Report, cuda: Cuda) -> OnnxRuntimeNetwork:
        providers = self._with_options()
        if hasattr(onnxruntime, "preload_dlls"):  # since 1.21: finds the CUDA libraries that pip installed
            onnxruntime.preload_dlls()
        if any(name == _TENSORRT for name, _ in providers):
            report("ONNX Runtime prepares a TensorRT engine, for minutes if there is none yet")
        emptied = False
        while True:
            try:
                network = _NetworkOnGpu(self._network, providers, cuda)
            except (NetworkUnavailable, ValueError) as error:  # the file is known to be well on the CPU
                if self._has_run:
                    raise
                if not emptied and _emptied(providers, error):
                    emptied = True
                    _LOG.warning("the engine is built again: %s", error)
                    providers = self._with_options()
                    continue
                if len(providers) == 1:
                    raise NetworkGivenUp(str(error)) from error
                # A TensorRT that lacks its libraries or cannot build ends the session, with CUDA's provider in it.
                _LOG.warning("%s is left out: %s", providers[0][0], error)
                self._providers, providers = self._providers[1:], providers[1:]
            else:
                network.metadata = self._metadata
                self._has_run = True
                return network

    def _with_options(self) -> list[tuple[str, dict[str, str]]]:
        """TensorRT keeps its engines; without a safe place for them it would build at every start, and is left out."""
        out: list[tuple[str, dict[str, str]]] = []
        for name in self._providers:
            if name != _TENSORRT:
                out.append((name, {"use_tf32": "0"}))  # as our own engines: full precision shall stay that
                continue
            try:
                # ONNX Runtime tells engines apart by the network's layers, not by its weights: a folder for each file.
                folder = str(EngineCache().folder(f"onnxruntime-{file_sha256(self._network)[:32]}"))
            except (OSError, NetworkUnavailable) as why:
                _LOG.warning("ONNX Runtime's TensorRT provider is left out: %s", why)
                continue
            out.append((name, {
                "trt_engine_cache_enable": "1", "trt_engine_cache_path": folder,
                "trt_timing_cache_enable": "1", "trt_timing_cache_path": folder,
            }))  # fmt: skip
        return out


def _emptied(providers: list[tuple[str, dict[str, str]]], error: Exception) -> bool:
    """Whether the engines that the error is about, which ONNX Runtime would try for ever, have been removed.

    It tells them apart by the TensorRT that it was compiled with, so one that was updated meets those of the older one.
    """
    if _REFUSED not in str(error):
        return False
    try:
        shutil.rmtree(dict(providers)[_TENSORRT]["trt_engine_cache_path"])
    except OSError:  # the administrator's
        return False
    return True
