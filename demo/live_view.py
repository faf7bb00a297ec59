"""The newest picture in a web browser, for machines without RViz: a page and a stream of JPEGs over HTTP."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]

_PORT = 8080  # or any free one where something else has it
_HOST = "127.0.0.1"  # a driver's face is nobody else's business on the network
_QUALITY = 80  # JPEG
_BOUNDARY = "picture"
_PAGE = b"""<!doctype html><meta charset="utf-8"><title>dense_face_ros</title>
<body style="margin:0;background:#222"><img src="stream" style="display:block;margin:auto;max-height:100vh">"""


class LiveView:
    """Serves what is shown to it, to this machine only, used in a ``with`` block; ``url`` is where."""

    def __init__(self) -> None:
        self._new, self._jpeg, self._count = threading.Condition(), b"", 0
        self._watchers, self._ended = 0, False
        handler = type("Handler", (_Handler,), {"view": self})
        try:
            self._server = _Server((_HOST, _PORT), handler)
        except OSError:
            self._server = _Server((_HOST, 0), handler)
        self.url = f"http://{_HOST}:{self._server.server_port}/"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)

    def __enter__(self) -> LiveView:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._new:
            self._ended = True
            self._new.notify_all()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def show(self, make: Callable[[], Image]) -> None:
        """The newest picture, (H, W, 3) BGR, which is not made while nobody looks."""
        if not self._watchers:
            return
        jpeg = cv2.imencode(".jpg", make(), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes()
        with self._new:
            self._jpeg, self._count = jpeg, self._count + 1
            self._new.notify_all()

    def follow(self, send: Callable[[bytes], None]) -> None:
        """Send every picture that is newer than the last, until the end or until nobody takes them any more."""
        with self._new:
            self._watchers += 1
            last = self._count
        try:
            while True:
                with self._new:
                    while self._count == last and not self._ended:
                        self._new.wait()
                    if self._ended:
                        return
                    jpeg, last = self._jpeg, self._count
                send(jpeg)
        except OSError:
            return
        finally:
            with self._new:
                self._watchers -= 1


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that goes away in the midst of a request is no fault; the terminal is the demo's."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    view: LiveView

    def do_GET(self) -> None:
        """``/``: the page; ``/stream``: its picture, replaced by each newer one."""
        if self.path not in ("/", "/stream"):
            self.send_error(404)
            return
        streamed = self.path == "/stream"
        self.send_response(200)
        self.send_header("Cache-Control", "no-store")
        kind = f"multipart/x-mixed-replace; boundary={_BOUNDARY}" if streamed else "text/html; charset=utf-8"
        self.send_header("Content-Type", kind)
        self.end_headers()
        if streamed:
            self.view.follow(self._send_picture)
        else:
            self.wfile.write(_PAGE)

    def _send_picture(self, jpeg: bytes) -> None:
        head = f"--{_BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
        self.wfile.write(head.encode() + jpeg + b"\r\n")

    def log_message(self, format: str, *args: object) -> None:
        """The terminal is the demo's."""
