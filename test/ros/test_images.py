"""Both decoders on one table of encodings. Messages are plain objects: no ROS is needed, except for cv_bridge."""

from __future__ import annotations

import array
import sys
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from dense_face_ros.ros.images import (
    ENCODINGS,
    Decoder,
    check_message,
    cv_bridge_decoder,
    decode_compressed,
    decode_image,
    fill_image,
    find_decoder,
)

WIDTH, HEIGHT = 16, 12


def scene() -> np.ndarray:
    """A smooth colour gradient, BGR: subsampled encodings lose little of it."""
    v, u = np.mgrid[:HEIGHT, :WIDTH]
    return np.stack([40 + 2 * u, 60 + 10 * v, 200 - 3 * u], axis=-1).astype(np.uint8)


def grey(bgr: np.ndarray) -> np.ndarray:
    return np.repeat(cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY)[..., None], 3, axis=-1)


def encode(bgr: np.ndarray, encoding: str) -> np.ndarray:
    """What a camera would send, (H, W) or (H, W, C)."""
    b, g, r = (bgr[..., i] for i in range(3))
    alpha = np.full_like(b, 255)
    if encoding in ("nv12", "nv21"):
        y = 16 + 219 * cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY).astype(int) // 255
        pair = [part(bgr)[::2, ::2] for part in (bgr_to_cb, bgr_to_cr)][:: 1 if encoding == "nv12" else -1]
        return np.vstack([y, np.stack(pair, axis=-1).reshape(HEIGHT // 2, WIDTH)]).astype(np.uint8)
    if encoding in ("yuv422", "uyvy", "yuv422_yuy2", "yuyv"):
        yuv = cv2.cvtColor(bgr, cv2.COLOR_BGR2YUV).astype(int)
        # OpenCV's YUV is full range, a camera's is the studio range of BT.601.
        y = 16 + 219 * yuv[..., 0] // 255
        chroma = np.where(np.arange(WIDTH) % 2 == 0, bgr_to_cb(bgr), np.roll(bgr_to_cr(bgr), 1, axis=1))
        pair = [chroma, y] if encoding in ("yuv422", "uyvy") else [y, chroma]
        return np.stack(pair, axis=-1).astype(np.uint8)
    if encoding.startswith("bayer"):
        pattern = encoding[6:10]
        out = np.empty(bgr.shape[:2], np.uint8)
        for i, letter in enumerate(pattern):
            out[i // 2 :: 2, i % 2 :: 2] = {"r": r, "g": g, "b": b}[letter][i // 2 :: 2, i % 2 :: 2]
        return out.astype(np.uint16) * 257 if encoding.endswith("16") else out
    return {
        "bgr8": lambda: bgr,
        "rgb8": lambda: np.stack([r, g, b], axis=-1),
        "bgra8": lambda: np.stack([b, g, r, alpha], axis=-1),
        "rgba8": lambda: np.stack([r, g, b, alpha], axis=-1),
        "mono8": lambda: grey(bgr)[..., 0],
        "8UC1": lambda: grey(bgr)[..., 0],
        "16UC1": lambda: grey(bgr)[..., 0].astype(np.uint16) * 257,
        "8UC3": lambda: bgr,
        "mono16": lambda: grey(bgr)[..., 0].astype(np.uint16) * 257,
    }[encoding]()


def bgr_to_cb(bgr: np.ndarray) -> np.ndarray:
    b, g, r = (bgr[..., i].astype(float) for i in range(3))
    return np.rint(128 - 0.148 * r - 0.291 * g + 0.439 * b)


def bgr_to_cr(bgr: np.ndarray) -> np.ndarray:
    b, g, r = (bgr[..., i].astype(float) for i in range(3))
    return np.rint(128 + 0.439 * r - 0.368 * g - 0.071 * b)


def message(pixels: np.ndarray, encoding: str, padding: int = 0, big_endian: bool = False) -> Any:
    if pixels.dtype == np.uint16:
        pixels = pixels.astype(">u2" if big_endian else "<u2")
    rows = np.ascontiguousarray(pixels).view(np.uint8).reshape(len(pixels), -1)
    rows = np.hstack([rows, np.full((len(rows), padding), 77, np.uint8)])
    return SimpleNamespace(
        width=WIDTH,
        height=HEIGHT,
        encoding=encoding,
        step=rows.shape[1],
        is_bigendian=int(big_endian),
        data=array.array("B", rows.tobytes()),
    )


def decoder(name: str) -> Decoder:
    if name == "built in":
        return decode_image
    bridge = pytest.importorskip("cv_bridge", reason="cv_bridge is not installed; it comes with a ROS installation")
    return cv_bridge_decoder(bridge.CvBridge())


@pytest.mark.parametrize("padding", [0, 6])
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("name", ["built in", "cv_bridge"])
def test_every_encoding(name: str, encoding: str, padding: int) -> None:
    decode, bgr = decoder(name), scene()
    wanted = grey(bgr) if encoding.startswith(("mono", "8UC1", "16UC1")) else bgr
    out = decode(message(encode(bgr, encoding), encoding, padding))
    assert out.shape == (HEIGHT, WIDTH, 3) and out.dtype == np.uint8
    inner = np.abs(out.astype(int) - wanted)[2:-2, 2:-2]
    tolerance = {"yu": 5, "uy": 5, "ba": 5, "nv": 10}.get(encoding[:2], 0)
    assert inner.max() <= tolerance


@pytest.mark.parametrize("name", ["built in", "cv_bridge"])
def test_big_endian(name: str) -> None:
    bgr = scene()
    high = grey(bgr)[..., 0].astype(np.uint16)
    out = decoder(name)(message(256 * high + (high ^ 64), "mono16", big_endian=True))
    assert np.array_equal(out, grey(bgr))


class FullScaleBridge:
    """As cv_bridge's, takes 65535 for the largest value of 16 bits, and knows what it decoded last."""

    last = ""

    def imgmsg_to_cv2(self, message: Any, desired_encoding: str) -> np.ndarray:
        self.last = message.encoding
        return decode_image(message)


@pytest.fixture(params=["built in", "cv_bridge"])
def found(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Whether cv_bridge can be imported, a stand-in of it."""
    there = request.param == "cv_bridge"
    monkeypatch.setitem(sys.modules, "cv_bridge", SimpleNamespace(CvBridge=FullScaleBridge) if there else None)
    monkeypatch.setitem(sys.modules, "cv_bridge.boost", SimpleNamespace(cv_bridge_boost=None) if there else None)
    return str(request.param)


@pytest.mark.parametrize("big_endian", [False, True])
@pytest.mark.parametrize("bit_depth", [10, 12, 16])
@pytest.mark.parametrize("encoding", ["mono", *(e[:-1] for e in ENCODINGS if e.startswith("bayer") and e[-1] == "8")])
def test_values_in_the_low_bits_are_decoded_as_those_of_8(
    found: str, encoding: str, bit_depth: int, big_endian: bool
) -> None:
    name, decode = find_decoder(bit_depth=bit_depth)
    narrow = encode(scene(), f"{encoding}8")
    wide = np.rint(narrow * ((2**bit_depth - 1) / 255)).astype(np.uint16)
    out = decode(message(wide, f"{encoding}16", padding=6, big_endian=big_endian))
    assert name == found and np.array_equal(out, decode_image(message(narrow, f"{encoding}8")))


def test_cv_bridge_decodes_all_but_values_in_the_low_bits() -> None:
    wide = message(encode(scene(), "mono16"), "mono16")
    bridge = FullScaleBridge()
    decode = cv_bridge_decoder(bridge, bit_depth=12)
    decode(wide)
    assert bridge.last == ""
    for image in (message(encode(scene(), "mono8"), "mono8"), message(scene(), "bgr8")):
        assert np.array_equal(decode(image), decode_image(image)) and bridge.last == image.encoding
    cv_bridge_decoder(bridge)(wide)
    assert bridge.last == "mono16"


@pytest.mark.parametrize("bit_depth", range(8, 17))
def test_every_value_is_rounded_to_the_nearest_and_larger_ones_saturate(bit_depth: int) -> None:
    full, values = 2**bit_depth - 1, np.arange(65536, dtype=np.uint16).reshape(256, 256)
    image = message(values, "mono16")
    image.width = image.height = 256
    wanted = (2 * 255 * np.minimum(values, full).astype(np.int64) + full) // (2 * full)
    assert np.array_equal(decode_image(image, bit_depth), np.repeat(wanted[..., None], 3, axis=-1))


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"encoding": "nv24"}, "image encoding is 'nv24'; known are bgr8, rgb8"),
        ({"encoding": "nv12"}, "image is truncated: 576 bytes, 18 rows of 48 bytes announced"),
        ({"width": 0}, "image size is 0x12"),
        ({"step": 47}, "image step is 47; 16 pixels of bgr8 take 48 bytes"),
        ({"data": array.array("B", bytes(575))}, "image is truncated: 575 bytes, 12 rows of 48 bytes announced"),
        ({"encoding": "uyvy", "width": 15}, "image width is 15; uyvy needs an even width"),
        ({"encoding": "nv12", "width": 15, "step": 16}, "image width is 15; nv12 needs an even width"),
        ({"encoding": "nv21", "height": 11, "step": 16}, "image height is 11; nv21 needs an even height"),
        ({"encoding": "bayer_rggb8", "height": 2}, "image size is 16x2; bayer_rggb8 needs 3x3 pixels"),
    ],
)
def test_fields_that_disagree(changes: dict[str, Any], text: str) -> None:
    bad = message(scene(), "bgr8")
    vars(bad).update(changes)
    with pytest.raises(ValueError, match=text):
        check_message(bad)


@pytest.mark.parametrize(
    ("encoding", "width", "height"),
    [("bgr8", 1, 1), ("rgba8", 15, 11), ("mono8", 1, 11), ("mono16", 7, 1), ("uyvy", 2, 1), ("bayer_gbrg8", 3, 3)],
)
def test_images_may_be_small_and_odd_where_their_encoding_can(encoding: str, width: int, height: int) -> None:
    image = message(encode(scene(), encoding)[:height, :width], encoding)
    image.width, image.height = width, height
    assert decode_image(image).shape == (height, width, 3)


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_compressed(suffix: str) -> None:
    data = cv2.imencode(suffix, scene())[1]
    out = decode_compressed(SimpleNamespace(format=suffix[1:], data=array.array("B", data.tobytes())))
    assert np.abs(out.astype(int) - scene()).mean() < 3


def test_a_compressed_bayer_pattern_is_a_mosaic_unless_it_has_colours() -> None:
    mosaic, colours = cv2.imencode(".png", encode(scene(), "bayer_rggb8"))[1], cv2.imencode(".png", scene())[1]
    for data in (mosaic, colours):
        out = decode_compressed(SimpleNamespace(format="bayer_rggb8; png compressed ", data=data.tobytes()))
        assert out.shape == scene().shape and np.abs(out.astype(int) - scene())[2:-2, 2:-2].max() <= 5
    grey_picture = decode_compressed(SimpleNamespace(format="mono8; png compressed ", data=mosaic.tobytes()))
    assert np.array_equal(grey_picture, np.repeat(encode(scene(), "bayer_rggb8")[..., None], 3, axis=2))
    low = cv2.imencode(".png", np.zeros((2, 9), np.uint8))[1].tobytes()
    with pytest.raises(ValueError, match="it has 9x2 pixels; bayer_rggb8 needs 3x3 or more"):
        decode_compressed(SimpleNamespace(format="bayer_rggb8; png compressed ", data=low))


def test_a_compressed_image_of_fractions_is_none_of_a_camera() -> None:
    data = cv2.imencode(".tiff", np.zeros((8, 8, 3), np.float32))[1].tobytes()
    with pytest.raises(ValueError, match="its values are float32; 8 or 16 bits are read"):
        decode_compressed(SimpleNamespace(format="tiff", data=data))


@pytest.mark.parametrize("bit_depth", [12, 16])
def test_compressed_values_in_the_low_bits(bit_depth: int) -> None:
    narrow = grey(scene())
    wide = np.rint(narrow[..., 0] * ((2**bit_depth - 1) / 255)).astype(np.uint16)
    wide[0, 0] = 65535
    for values, corner in ((wide, 255), (narrow, narrow[0, 0, 0])):
        name, decode = find_decoder(compressed=True, bit_depth=bit_depth)
        out = decode(SimpleNamespace(format="png", data=array.array("B", cv2.imencode(".png", values)[1].tobytes())))
        assert name == "OpenCV" and (out[0, 0] == corner).all()
        assert out.dtype == np.uint8 and np.array_equal(out[1:], narrow[1:])


def test_the_orientation_tag_of_a_photograph_is_not_followed() -> None:
    tag = b"\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00"  # to be turned by a quarter
    exif = b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01" + tag + bytes(4)
    jpeg = cv2.imencode(".jpg", scene())[1].tobytes()
    tagged = jpeg[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + jpeg[2:]
    out = decode_compressed(SimpleNamespace(format="jpeg", data=array.array("B", tagged)))
    assert out.shape == scene().shape


@pytest.mark.parametrize("data", [b"", b"no picture", cv2.imencode(".png", scene())[1].tobytes()[:20]])
def test_compressed_nonsense(data: bytes) -> None:
    with pytest.raises(ValueError, match="compressed image of format 'png'"):
        decode_compressed(SimpleNamespace(format="png", data=array.array("B", data)))


@pytest.mark.parametrize("left", [0.3, 0.6, 0.99])
def test_a_jpeg_that_was_cut_off_is_no_image(left: float) -> None:
    """OpenCV 4 makes up the rest of it, and the tracker a head of half a face."""
    jpeg = cv2.imencode(".jpg", scene())[1].tobytes()
    small = cv2.imencode(".jpg", scene()[::2, ::2])[1].tobytes()
    thumbnail = jpeg[:2] + b"\xff\xe1" + (len(small) + 2).to_bytes(2, "big") + small + jpeg[2:]
    for whole in (jpeg, thumbnail, jpeg + bytes(1000)):  # buffers of a fixed size are filled up
        assert decode_compressed(SimpleNamespace(format="jpeg", data=whole)).shape == scene().shape
    for whole in (jpeg, thumbnail):
        begun = whole.rfind(b"\xff\xda")
        with pytest.raises(ValueError, match="cannot be read: it is a JPEG that was cut off"):
            cut = whole[: begun + 2 + int(left * (len(whole) - begun - 2))]
            decode_compressed(SimpleNamespace(format="jpeg", data=cut))


def test_filled_images_decode_to_themselves() -> None:
    filled = SimpleNamespace()
    fill_image(filled, scene()[:, ::-1], "bgr8")
    assert np.array_equal(decode_image(filled), scene()[:, ::-1])


def test_filled_images_tell_the_order_of_their_bytes() -> None:
    filled = SimpleNamespace()
    values = np.arange(WIDTH * HEIGHT, dtype=np.uint16).reshape(HEIGHT, WIDTH) * 300
    fill_image(filled, values, "mono16")
    assert np.array_equal(decode_image(filled), decode_image(message(values, "mono16")))


def test_what_cv_bridge_does_not_know_is_decoded_all_the_same() -> None:
    class OldBridge:
        def imgmsg_to_cv2(self, message: Any, desired_encoding: str) -> np.ndarray:
            raise TypeError(f"[{message.encoding}] is not a color format")

    image = message(encode(scene(), "yuyv"), "yuyv")
    assert np.array_equal(cv_bridge_decoder(OldBridge())(image), decode_image(image))


@pytest.mark.parametrize("encoding", ["bgr8", "rgba8", "mono8", "bayer_rggb8"])
def test_padded_rows_are_not_left_to_cv_bridge(encoding: str) -> None:
    """ROS 2's divides their length by that of a pixel and drops the rest; older ones do not look at it."""

    class WholePixelsBridge:
        def imgmsg_to_cv2(self, message: Any, desired_encoding: str) -> np.ndarray:
            raise AssertionError("padded")

    image = message(encode(scene(), encoding), encoding, padding=5)
    assert np.array_equal(cv_bridge_decoder(WholePixelsBridge())(image), decode_image(image))
