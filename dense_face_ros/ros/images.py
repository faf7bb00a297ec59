"""Image messages to and from BGR arrays.

On a ROS installation cv_bridge converts; where it cannot be imported (pip installations; its binary next to another
NumPy) the decoder here does. Both pass the same tests. Nothing here needs ROS to be imported: messages come in
as objects with the fields of ``sensor_msgs/Image``.
"""

from __future__ import annotations

import array
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

BgrImage = npt.NDArray[np.uint8]
Decoder = Callable[[Any], BgrImage]

#: Encoding -> (bytes per channel, channels, OpenCV conversion to BGR or None where it is BGR already).
_LAYOUTS: dict[str, tuple[int, int, int | None]] = {
    "bgr8": (1, 3, None),
    "rgb8": (1, 3, cv2.COLOR_RGB2BGR),
    "bgra8": (1, 4, cv2.COLOR_BGRA2BGR),
    "rgba8": (1, 4, cv2.COLOR_RGBA2BGR),
    "8UC3": (1, 3, None),  # what cv_bridge writes when nobody names an encoding
    "mono8": (1, 1, cv2.COLOR_GRAY2BGR),
    "8UC1": (1, 1, cv2.COLOR_GRAY2BGR),
    "mono16": (2, 1, cv2.COLOR_GRAY2BGR),
    "16UC1": (2, 1, cv2.COLOR_GRAY2BGR),
    "yuv422": (1, 2, cv2.COLOR_YUV2BGR_UYVY),
    "uyvy": (1, 2, cv2.COLOR_YUV2BGR_UYVY),
    "yuv422_yuy2": (1, 2, cv2.COLOR_YUV2BGR_YUY2),
    "yuyv": (1, 2, cv2.COLOR_YUV2BGR_YUY2),
    "nv12": (1, 1, cv2.COLOR_YUV2BGR_NV12),
    "nv21": (1, 1, cv2.COLOR_YUV2BGR_NV21),
    # OpenCV names a Bayer pattern after its second row, ROS after its first.
    "bayer_rggb8": (1, 1, cv2.COLOR_BayerBG2BGR),
    "bayer_bggr8": (1, 1, cv2.COLOR_BayerRG2BGR),
    "bayer_gbrg8": (1, 1, cv2.COLOR_BayerGR2BGR),
    "bayer_grbg8": (1, 1, cv2.COLOR_BayerGB2BGR),
    "bayer_rggb16": (2, 1, cv2.COLOR_BayerBG2BGR),
    "bayer_bggr16": (2, 1, cv2.COLOR_BayerRG2BGR),
    "bayer_gbrg16": (2, 1, cv2.COLOR_BayerGR2BGR),
    "bayer_grbg16": (2, 1, cv2.COLOR_BayerGB2BGR),
}

ENCODINGS = tuple(_LAYOUTS)
_BAYER = {name: conversion for name, (_, _, conversion) in _LAYOUTS.items() if name.startswith("bayer") and conversion}
_BAYER_LEAST = 3  # pixels a side
_CHROMA_BELOW = ("nv12", "nv21")  # half as many rows again, of interleaved chroma, follow those of the brightness

_UNKNOWN_TO_CV_BRIDGE = ("8UC1", "8UC3", "16UC1", *_CHROMA_BELOW)  # as pictures with colours


def check_message(message: Any) -> None:
    """Check that the fields of a ``sensor_msgs/Image`` agree with each other.

    Raises:
        ValueError: saying which do not.
    """
    if message.encoding not in _LAYOUTS:
        raise ValueError(f"image encoding is '{message.encoding}'; known are {', '.join(ENCODINGS)}")
    if message.width == 0 or message.height == 0:
        raise ValueError(f"image size is {message.width}x{message.height}; it must be positive")
    depth, channels, _ = _LAYOUTS[message.encoding]
    row = message.width * depth * channels
    if message.step < row:
        raise ValueError(f"image step is {message.step}; {message.width} pixels of {message.encoding} take {row} bytes")
    if len(message.data) < message.step * _rows(message):
        raise ValueError(
            f"image is truncated: {len(message.data)} bytes, {_rows(message)} rows of {message.step} bytes announced"
        )
    if (channels == 2 or message.encoding in _CHROMA_BELOW) and message.width % 2:
        raise ValueError(f"image width is {message.width}; {message.encoding} needs an even width")
    if message.encoding in _CHROMA_BELOW and message.height % 2:
        raise ValueError(f"image height is {message.height}; {message.encoding} needs an even height")
    if message.encoding in _BAYER and min(message.width, message.height) < _BAYER_LEAST:
        raise ValueError(f"image size is {message.width}x{message.height}; {message.encoding} needs 3x3 pixels or more")


def decode_image(message: Any, bit_depth: int = 16) -> BgrImage:
    """``sensor_msgs/Image`` -> (H, W, 3) BGR, honouring step and byte order.

    A bgr8 image is a view of the message's bytes, not a copy.

    Args:
        message: the image.
        bit_depth: bits that 16-bit values use, the low ones, from 8 to 16: 2^bit_depth - 1 becomes 255, and whatever
            is larger saturates there. Images of 8 bits are taken as they are.

    Raises:
        ValueError: as :func:`check_message`.
    """
    check_message(message)
    depth, channels, conversion = _LAYOUTS[message.encoding]
    count = _rows(message)
    rows = np.frombuffer(message.data, np.uint8, message.step * count).reshape(count, message.step)
    pixels = rows[:, : message.width * depth * channels]
    if depth == 2:
        order = ">u2" if message.is_bigendian else "<u2"
        wide = np.ascontiguousarray(pixels).view(order)
        pixels = _in_8_bits(wide.astype(np.uint16, copy=False), bit_depth)
    if channels > 1:
        pixels = pixels.reshape(count, message.width, channels)
    if conversion is None:
        return np.asarray(pixels, dtype=np.uint8)
    return np.asarray(cv2.cvtColor(pixels, conversion), dtype=np.uint8)


def _is_padded(message: Any) -> bool:
    """Whether rows are longer than their pixels. False for what is unknown."""
    depth, channels, _ = _LAYOUTS.get(message.encoding, (0, 0, None))
    return bool(message.step > message.width * depth * channels > 0)


def _rows(message: Any) -> int:
    height = int(message.height)
    return height + height // 2 if message.encoding in _CHROMA_BELOW else height


def _in_8_bits(values: npt.NDArray[np.uint16], bit_depth: int) -> BgrImage:
    """min(v / (2^bit_depth - 1), 1) * 255, rounded to the nearest."""
    return np.asarray(cv2.convertScaleAbs(values, alpha=255.0 / (2**bit_depth - 1)), np.uint8)


def find_decoder(compressed: bool = False, bit_depth: int = 16) -> tuple[str, Decoder]:
    """The decoder to use and its name: OpenCV for compressed images; else cv_bridge where it can be imported, or our
    own. ``bit_depth``: see :func:`decode_image`."""
    if compressed:
        return "OpenCV", partial(decode_compressed, bit_depth=bit_depth)
    try:
        from cv_bridge import CvBridge
        from cv_bridge.boost import cv_bridge_boost  # noqa: F401  the compiled half: fails beside a foreign NumPy
    except (ImportError, AttributeError, SystemError):
        return "built in", partial(decode_image, bit_depth=bit_depth)
    return "cv_bridge", cv_bridge_decoder(CvBridge(), bit_depth)


def cv_bridge_decoder(bridge: Any, bit_depth: int = 16) -> Decoder:
    """:func:`decode_image` done by a ``cv_bridge.CvBridge``, except for what it cannot do."""
    ours: tuple[str, ...] = _UNKNOWN_TO_CV_BRIDGE
    if bit_depth < 16:  # full scale is always 65535 to it
        ours += tuple(name for name, (depth, _, _) in _LAYOUTS.items() if depth == 2)

    def decode(message: Any) -> BgrImage:
        if message.encoding in ours or _is_padded(message):  # padding is whole pixels to it, or nothing
            return decode_image(message, bit_depth)
        check_message(message)
        try:
            return np.asarray(bridge.imgmsg_to_cv2(message, desired_encoding="bgr8"), dtype=np.uint8)
        except TypeError:  # CvBridgeError is one: an encoding newer than this cv_bridge
            return decode_image(message, bit_depth)

    return decode


def decode_compressed(message: Any, bit_depth: int = 16) -> BgrImage:
    """``sensor_msgs/CompressedImage`` (JPEG, PNG and what else OpenCV reads) -> (H, W, 3) BGR.

    Args:
        message: the image.
        bit_depth: of images with 16-bit values, as :func:`decode_image` takes it.

    Raises:
        ValueError: when it is empty, damaged or of a kind OpenCV does not read.
    """
    data = np.frombuffer(message.data, np.uint8)
    try:
        return decode_file(data, bit_depth, message.format.split(";")[0].strip())
    except ValueError as error:
        what = f"compressed image of format '{message.format}' and {data.size} bytes"
        raise ValueError(f"{what} cannot be read: {error}") from error


def decode_file(data: npt.NDArray[np.uint8], bit_depth: int = 16, encoding: str = "") -> BgrImage:
    """The bytes (N,) of an image file of any kind that OpenCV reads -> (H, W, 3) BGR.

    Args:
        data: the bytes.
        bit_depth: of images with 16-bit values, as :func:`decode_image` takes it.
        encoding: of the image that was compressed; of a Bayer pattern, a picture of one channel is its mosaic.

    Raises:
        ValueError: saying what is wrong with it.
    """
    if not data.size:
        raise ValueError("it is empty")
    if _is_cut_off(data.tobytes()):
        raise ValueError("it is a JPEG that was cut off")
    try:
        # The orientation tag of a photograph has no place in a camera stream: camera_info knows nothing of it.
        # Of 16 bits OpenCV would keep the high byte, where values in the low ones have next to nothing.
        flags = cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION
        colour = cv2.IMREAD_ANYCOLOR if encoding in _BAYER else cv2.IMREAD_COLOR
        image = cv2.imdecode(data, colour | flags)
    except cv2.error as error:
        raise ValueError(f"it is damaged ({error.err})") from error
    if image is None:
        raise ValueError("it is damaged, or of a kind that OpenCV does not read")
    if image.dtype not in (np.uint8, np.uint16):
        raise ValueError(f"its values are {image.dtype}; 8 or 16 bits are read")
    out = _in_8_bits(image, bit_depth) if image.dtype == np.uint16 else np.asarray(image, np.uint8)
    if out.ndim == 3:
        return out
    if min(out.shape) < _BAYER_LEAST:
        raise ValueError(f"it has {out.shape[1]}x{out.shape[0]} pixels; {encoding} needs 3x3 or more")
    return np.asarray(cv2.cvtColor(out, _BAYER[encoding]), np.uint8)


def _is_cut_off(data: bytes) -> bool:
    """Whether a JPEG lacks its end, as cameras on a busy USB send them. OpenCV 4 decodes what is there and makes up the
    rest, half a face. Within a picture neither marker can occur."""
    picture, end = b"\xff\xda", b"\xff\xd9"
    return data.startswith(b"\xff\xd8") and data.find(picture, data.rfind(end) + 1) >= 0


def fill_image(message: Any, image: npt.NDArray[np.generic], encoding: str) -> None:
    """Write an array (H, W) or (H, W, C) into a ``sensor_msgs/Image``; the header is left alone."""
    image = np.ascontiguousarray(image)
    message.height, message.width = image.shape[:2]
    message.encoding = encoding
    message.is_bigendian = int(sys.byteorder == "big")
    message.step = image.strides[0]
    data = array.array("B")  # a hundred times faster for rclpy to take than an ndarray
    data.frombytes(image.data.cast("B"))
    message.data = data
