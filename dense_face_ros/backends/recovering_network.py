"""A network that can be missing for a while: being made ready, or lost and coming back. Another may stand in for it."""

from __future__ import annotations

import logging
import textwrap
import threading
import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from dense_face_ros.backends import CorrespondenceNetwork, NetworkGivenUp, NetworkOutput, NetworkUnavailable
from dense_face_ros.backends.engine_build import Report

#: Seconds before the first new attempt, and the longest between two: each one waits twice as long as the one before.
#: A network that ran for longer than the longest pause begins anew.
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
_NAME_LENGTH = 160  # characters of a state that go into the name; metadata has all of it

_LOG = logging.getLogger(__name__)

Load = Callable[[Report, threading.Event], CorrespondenceNetwork]


class RecoveringNetwork:
    """Runs a network that is loaded in a thread, and loaded again after it failed.

    The constructor returns as soon as the network runs, or when loading turns out to take long (``load`` reports a
    step). From then on, while the network is missing, the stand-in answers; without one ``run`` says why there is no
    answer. ``name`` and ``metadata`` (``backend_state``, ``backend_failures``, ``backend_last_failure``) tell at any
    time what runs.

    Args:
        load: makes the network; given a function to report long steps to, and an event that asks it to stop.
        purpose: name while nothing else can be said, such as ``TensorRT``.
        metadata: of the network file.
        stand_in: closed with this network.
    Raises:
        What ``load`` raises, when it fails before reporting anything.
    """

    def __init__(
        self, load: Load, purpose: str, metadata: dict[str, str], stand_in: CorrespondenceNetwork | None = None
    ) -> None:
        self._load, self._purpose, self._file_metadata, self._stand_in = load, purpose, dict(metadata), stand_in
        self._network: CorrespondenceNetwork | None = None
        self._failures, self._last_failure, self._given_up = 0, "", False
        self._pause, self._arrival = 0.0, 0.0
        self._lock = threading.Lock()
        self._stop, self._decided = threading.Event(), threading.Event()
        self._first_error: Exception | None = None
        self.name, self.metadata = purpose, dict(metadata)
        self._describe("starting")
        self._thread = self._start()
        self._decided.wait()
        if self._first_error is not None:
            raise self._first_error

    def run(self, crop: npt.NDArray[np.uint8]) -> NetworkOutput:
        """crop: (128, 128, 3) RGB uint8.

        Raises:
            NetworkUnavailable: the network is missing and there is no stand-in; the message says why.
            NetworkGivenUp: the same, for good.
            ValueError, RuntimeError: see the networks' own.
        """
        network = self._network
        if network is not None:
            try:
                return network.run(crop)
            except NetworkUnavailable as error:
                self._lost(network, error)
        if self._stop.is_set():
            raise RuntimeError(f"network '{self._purpose}' has been closed; load it again")
        if self._stand_in is None:
            kind = NetworkGivenUp if self._given_up else NetworkUnavailable
            raise kind(f"{self._purpose}: {self.metadata['backend_state']}")
        return self._stand_in.run(crop)

    def close(self) -> None:
        """Stop loading, free everything; further runs are an error."""
        self._stop.set()
        self._thread.join()
        network, self._network = self._network, None
        for held in (network, self._stand_in):
            if held is not None:
                held.close()

    def _start(self, broken: CorrespondenceNetwork | None = None) -> threading.Thread:
        thread = threading.Thread(target=self._recover, args=(broken,), name="network recovery", daemon=True)
        thread.start()
        return thread

    def _lost(self, network: CorrespondenceNetwork, error: NetworkUnavailable) -> None:
        with self._lock:
            if self._network is not network or self._stop.is_set():
                return  # another thread has noticed before, or it is being closed
            self._network = None
            if time.monotonic() - self._arrival > LONGEST_PAUSE:
                self._pause = 0.0
            self._lengthen_pause()
            self._count(error)
        _LOG.error("%s failed and is loaded again: %s", network.name, error)
        self._thread = self._start(broken=network)

    def _recover(self, broken: CorrespondenceNetwork | None) -> None:
        """In a thread of its own: free what broke, then load until it works, with growing pauses."""
        if broken is not None:
            try:
                broken.close()
            except Exception as error:  # what cannot be freed must not keep the next one from being loaded
                _LOG.error("%s could not be freed: %s", broken.name, error)
        while not self._stop.wait(self._pause):
            try:
                network = self._load(self._report, self._stop)
            except Exception as error:  # whatever a driver or TensorRT does, the thread that waits must hear of it
                if not self._decided.is_set():
                    self._first_error = error
                    self._decided.set()
                    return
                new = str(error) != self._last_failure
                self._count(error)
                if self._stop.is_set():
                    return
                if isinstance(error, (NetworkGivenUp, ImportError)):
                    self._given_up = True
                    self._describe(f"given up: {error}")
                    _LOG.error("%s is given up: %s", self._purpose, error)
                    return
                self._lengthen_pause()
                self._describe(f"failed, trying again in {self._pause:g} s: {error}")
                if new:
                    _LOG.warning("%s failed, and is tried again until it runs: %s", self._purpose, error)
            else:
                self._arrived(network)
                return

    def _arrived(self, network: CorrespondenceNetwork) -> None:
        with self._lock:
            self._network, self._arrival = network, time.monotonic()
            self._describe("running")
        if self._decided.is_set():
            _LOG.warning("%s is running", network.name)
        self._decided.set()

    def _report(self, line: str) -> None:
        self._describe(line)
        if not self._decided.is_set():
            _LOG.warning("%s: %s; %s", self._purpose, line, self._meanwhile())
        self._decided.set()

    def _lengthen_pause(self) -> None:
        self._pause = min(max(2.0 * self._pause, FIRST_PAUSE), LONGEST_PAUSE)

    def _count(self, error: Exception) -> None:
        self._failures += 1
        self._last_failure = str(error)
        self._describe(f"failed: {error}")

    def _meanwhile(self) -> str:
        return "no answers meanwhile" if self._stand_in is None else f"{self._stand_in.name} meanwhile"

    def _describe(self, state: str) -> None:
        network, short = self._network, textwrap.shorten(state, _NAME_LENGTH, placeholder=" ...")
        self.name = network.name if network is not None else f"{self._purpose} ({short}; {self._meanwhile()})"
        self.metadata = {
            **(network.metadata if network is not None else self._file_metadata),
            "backend_state": state,
            "backend_failures": str(self._failures),
            "backend_last_failure": self._last_failure,
        }
