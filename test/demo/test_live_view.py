"""The demo's picture in a browser: what a client gets over HTTP."""

from __future__ import annotations

import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator

import numpy as np
import pytest
from picture_stream import next_picture

from demo import live_view
from demo.live_view import LiveView

GREEN, RED = (np.full((48, 64, 3), colour, np.uint8) for colour in ((0, 200, 0), (0, 0, 200)))


@pytest.fixture
def view() -> Iterator[LiveView]:
    with LiveView() as shown:
        yield shown


def shown_again(view: LiveView, image: np.ndarray, until: threading.Event) -> threading.Thread:
    def show() -> None:
        while not until.wait(0.02):
            view.show(lambda: image)

    thread = threading.Thread(target=show)
    thread.start()
    return thread


def test_the_newest_picture_is_streamed_to_who_looks(view: LiveView) -> None:
    page = urllib.request.urlopen(view.url, timeout=10)
    assert b'src="stream"' in page.read() and page.headers["Content-Type"].startswith("text/html")
    with urllib.request.urlopen(view.url + "stream", timeout=10) as stream:
        assert stream.headers["Content-Type"] == "multipart/x-mixed-replace; boundary=picture"
        for image in (GREEN, RED):
            until = threading.Event()
            thread = shown_again(view, image, until)
            found = next_picture(stream)
            while np.abs(found.astype(int) - image).max() > 3:  # what was shown before may still be on its way
                found = next_picture(stream)
            until.set()
            thread.join()
            assert found.shape == image.shape


def test_nothing_is_made_while_nobody_looks(view: LiveView) -> None:
    def make() -> np.ndarray:
        raise AssertionError

    view.show(make)


def test_who_still_looks_at_the_end_is_let_go() -> None:
    with LiveView() as view:
        stream = urllib.request.urlopen(view.url + "stream", timeout=10)
    assert stream.read() == b""
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(view.url, timeout=1)


def test_there_is_nothing_else_to_get(view: LiveView) -> None:
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(view.url + "etc/passwd", timeout=10)


def test_another_port_is_taken_where_the_usual_one_is_not_free(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        monkeypatch.setattr(live_view, "_PORT", other.getsockname()[1])
        with LiveView() as view:
            assert f":{other.getsockname()[1]}/" not in view.url
            assert urllib.request.urlopen(view.url, timeout=10).status == 200
