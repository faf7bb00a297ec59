from __future__ import annotations

import threading
import time

from dense_face_ros.ros.newest_frame import NewestFrameWorker


def test_the_newest_wins_and_the_rest_is_told() -> None:
    begun, go, done = threading.Event(), threading.Event(), []

    def handle(item: int) -> None:
        begun.set()
        assert go.wait(10)
        done.append(item)

    worker = NewestFrameWorker(handle)
    assert worker.submit(1) is False
    assert begun.wait(10)
    assert [worker.submit(item) for item in (2, 3, 4)] == [False, True, True]
    begun.clear()
    go.set()
    assert begun.wait(10)
    worker.stop()
    assert done == [1, 4]


def test_stop_waits_for_the_item_at_work_and_drops_the_next() -> None:
    begun, done = threading.Event(), []

    def handle(item: int) -> None:
        begun.set()
        time.sleep(0.3)  # longer than the next two calls take
        done.append(item)

    worker = NewestFrameWorker(handle)
    worker.submit(1)
    assert begun.wait(10)
    worker.submit(2)
    worker.stop()
    assert done == [1]
