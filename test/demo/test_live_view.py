"""The demo's picture in a browser: what a client gets over HTTP."""

from __future__ import annotations

import socket
import struct
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

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


@contextmanager
def shown_again(view: LiveView, image: np.ndarray) -> Iterator[None]:
    until = threading.Event()

    def show() -> None:
        while not until.wait(0.02):
            view.show(lambda: image)

    thread = threading.Thread(target=show, daemon=True)
    thread.start()
    try:
        yield
    finally:
        until.set()
        thread.join()


def test_the_newest_picture_is_streamed_to_who_looks(view: LiveView) -> None:
    page = urllib.request.urlopen(view.url, timeout=10)
    assert b'src="stream"' in page.read() and page.headers["Content-Type"].startswith("text/html")
    with urllib.request.urlopen(view.url + "stream", timeout=10) as stream:
        assert stream.headers["Content-Type"] == "multipart/x-mixed-replace; boundary=picture"
        for image in (GREEN, RED):
            with shown_again(view, image):
                shown = [next_picture(stream).astype(int) for _ in range(20)]  # the first may be what was shown before
            assert np.abs(shown[-1] - image).max() <= 3


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


def test_a_browser_that_breaks_off_says_nothing_in_the_terminal(
    view: LiveView, capfd: pytest.CaptureFixture[str]
) -> None:
    port = int(view.url.rsplit(":", 1)[1].strip("/"))
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"GET / HT")
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset, not an end
    assert urllib.request.urlopen(view.url, timeout=10).status == 200
    time.sleep(0.2)
    assert capfd.readouterr().err == ""


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
