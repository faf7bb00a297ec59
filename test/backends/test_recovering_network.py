"""A network that comes late, is lost and comes back, with and without a stand-in."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np
import pytest

from dense_face_ros.backends import NetworkGivenUp, NetworkOutput, NetworkUnavailable, recovering_network
from dense_face_ros.backends.build_engine import BuildFailed
from dense_face_ros.backends.recovering_network import RecoveringNetwork

CROP = np.zeros((128, 128, 3), np.uint8)


class Network:
    """Answers with its number; fails while ``broken``, once as many threads as ``together`` says have come."""

    def __init__(self, number: float, name: str = "GPU") -> None:
        self.number, self.name, self.metadata = number, name, {"engine": name}
        self.broken = self.closed = False
        self.together = threading.Barrier(1)

    def run(self, crop: object) -> NetworkOutput:
        if self.broken:
            self.together.wait(10.0)
            raise NetworkUnavailable("cuGraphLaunch failed: illegal address")
        flow = np.full((2, 64, 64), self.number, np.float32)
        return NetworkOutput(flow, flow[0], flow[0])

    def close(self) -> None:
        self.closed = True


class Loading:
    """Loads networks numbered 1, 2, 3, ...; ``errors`` are raised first, ``long`` waits to be let go after a report."""

    def __init__(self, *errors: Exception, long: bool = False) -> None:
        self.errors, self.long, self.go_on = list(errors), long, threading.Event()
        self.networks: list[Network] = []
        self.attempts: list[float] = []

    def __call__(self, report: Callable[[str], None], stop: threading.Event) -> Network:
        self.attempts.append(time.monotonic())
        if self.long:
            report("building, step 1 of 3")
            while not self.go_on.wait(0.01):
                if stop.is_set():
                    raise BuildFailed("the build was stopped")
        if self.errors:
            raise self.errors.pop(0)
        self.networks.append(Network(len(self.networks) + 1))
        return self.networks[-1]


@pytest.fixture(autouse=True)
def hurry(monkeypatch):
    monkeypatch.setattr(recovering_network, "FIRST_PAUSE", 0.05)
    monkeypatch.setattr(recovering_network, "LONGEST_PAUSE", 0.1)


@pytest.fixture
def make():
    made = []

    def make_network(load: Loading, stand_in: Network | None = None) -> RecoveringNetwork:
        made.append(RecoveringNetwork(load, "TensorRT", {"recipe": "none"}, stand_in))
        return made[-1]

    yield make_network
    for network in made:
        network.close()


def number(network: RecoveringNetwork) -> float:
    return float(network.run(CROP).flow[0, 0, 0])


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10.0
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)


def test_a_network_that_loads_at_once_is_there_at_once(make):
    network = make(Loading())
    assert number(network) == 1 and network.name == "GPU"
    assert network.metadata == {
        "engine": "GPU", "backend_state": "running", "backend_failures": "0", "backend_last_failure": "",
    }  # fmt: skip


@pytest.mark.parametrize("error", [NetworkUnavailable("no GPU"), ImportError("no TensorRT"), MemoryError("none left")])
def test_what_fails_at_once_is_raised(make, error):
    with pytest.raises(type(error), match=str(error)):
        make(Loading(error), stand_in=Network(9))


def test_while_it_is_built_runs_say_so(make):
    load = Loading(long=True)
    network = make(load)
    with pytest.raises(NetworkUnavailable, match="TensorRT: building, step 1 of 3"):
        network.run(CROP)
    assert network.name == "TensorRT (building, step 1 of 3; no answers meanwhile)"
    assert network.metadata["recipe"] == "none" and network.metadata["backend_state"] == "building, step 1 of 3"
    load.go_on.set()
    wait_for(lambda: network.name == "GPU")
    assert number(network) == 1


def test_while_it_is_built_the_stand_in_answers(make):
    load = Loading(long=True)
    network = make(load, stand_in=Network(9, "CPU"))
    assert number(network) == 9 and network.name == "TensorRT (building, step 1 of 3; CPU meanwhile)"
    load.go_on.set()
    wait_for(lambda: number(network) == 1)


def test_failed_builds_are_not_tried_again(make):
    load = Loading(BuildFailed("out of memory"), long=True)
    load.go_on.set()
    network = make(load)
    wait_for(lambda: "given up" in network.metadata["backend_state"])
    with pytest.raises(NetworkGivenUp, match="given up: out of memory"):
        network.run(CROP)
    assert len(load.attempts) == 1 and network.metadata["backend_failures"] == "1"


def test_a_lost_gpu_is_unknown_at_once_and_comes_back(make):
    load = Loading()
    network = make(load)
    load.networks[0].broken = True
    with pytest.raises(NetworkUnavailable, match="illegal address"):
        network.run(CROP)
    wait_for(lambda: network.name == "GPU")
    assert number(network) == 2 and load.networks[0].closed
    assert network.metadata["backend_failures"] == "1"
    assert network.metadata["backend_last_failure"] == "cuGraphLaunch failed: illegal address"


def test_the_frame_that_meets_the_failure_is_answered_by_the_stand_in(make):
    load = Loading()
    network = make(load, stand_in=Network(9))
    load.networks[0].broken = True
    assert number(network) == 9
    wait_for(lambda: number(network) == 2)


def test_pauses_grow_while_the_gpu_stays_away(make):
    load = Loading()
    network = make(load, stand_in=Network(9))
    load.errors = [NetworkUnavailable("lost"), RuntimeError("odd"), NetworkUnavailable("lost"), OSError("odd")]
    load.networks[0].broken = True
    assert number(network) == 9
    wait_for(lambda: number(network) == 2)
    first, *later = np.diff(load.attempts[1:])
    assert first >= 0.1 and min(later) >= 0.1 and len(load.attempts) == 6
    assert network.metadata["backend_failures"] == "5"


def test_a_gpu_that_comes_back_only_to_fail_is_left_alone_for_longer_and_longer(make, monkeypatch):
    monkeypatch.setattr(recovering_network, "LONGEST_PAUSE", 30.0)
    load = Loading()
    network = make(load, stand_in=Network(9))
    for count in (1, 2, 3):
        load.networks[-1].broken = True
        assert number(network) == 9
        wait_for(lambda count=count: number(network) == count + 1)
    first, second, third = np.diff(load.attempts)
    assert first >= 0.05 and second >= 0.1 and third >= 0.2

    network._arrival -= 31.0
    load.networks[-1].broken = True
    number(network)
    assert network._pause == 0.05


def test_what_cannot_be_freed_is_replaced_all_the_same(make):
    def stuck() -> None:
        raise RuntimeError("no such function")

    load = Loading()
    network = make(load, stand_in=Network(9))
    load.networks[0].broken, load.networks[0].close = True, stuck
    assert number(network) == 9
    wait_for(lambda: number(network) == 2)


def test_threads_that_meet_one_failure_make_one_attempt(make):
    load = Loading()
    network = make(load, stand_in=Network(9))
    load.networks[0].broken, load.networks[0].together = True, threading.Barrier(8)
    threads = [threading.Thread(target=network.run, args=(CROP,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait_for(lambda: number(network) == 2)
    assert len(load.attempts) == 2


@pytest.mark.parametrize("long", [False, True])
def test_closing_ends_everything(make, long):
    load, stand_in = Loading(long=long), Network(9)
    network = make(load, stand_in)
    network.close()
    network.close()
    assert stand_in.closed and all(network.closed for network in load.networks)
    with pytest.raises(RuntimeError, match="has been closed"):
        network.run(CROP)
