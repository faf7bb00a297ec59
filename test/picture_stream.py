"""What a browser reads of the demo's live picture."""

from __future__ import annotations

from http.client import HTTPResponse

import cv2
import numpy as np


def next_picture(stream: HTTPResponse) -> np.ndarray:
    """The next picture (H, W, 3) BGR of a stream."""
    headers = {}
    assert stream.readline().strip() == b"--picture"
    while line := stream.readline().strip():
        name, value = line.decode().split(": ")
        headers[name] = value
    assert headers["Content-Type"] == "image/jpeg"
    data = stream.read(int(headers["Content-Length"]))
    assert stream.readline() == b"\r\n"
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
