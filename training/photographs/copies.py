"""Photographs for validation where nobody says who is in them: about one picture in twenty, with all its copies.

Collections gathered on the web hold the same picture under several names: as it was, compressed anew, blurred, with
noise, brighter or of more contrast, on a black square, or mirrored. A checksum of the file finds the first kind only.
So pictures are compared as small grey thumbnails without the black around them, in which such changes nearly vanish,
and by their correlation, which neither brightness nor contrast changes.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from training.photographs.padding import unpadded

_ONE_IN = 20
_SIDE = 12  # pixels of a thumbnail
_EDGE = 0.04  # of a picture's sides, left out: compression and a slight turn leave black there that is not cut away
_BLUR = 1.5  # pixels of the picture
_FLAT = 1.0  # grey levels, standard deviation of a thumbnail that shows nothing to compare
# Correlation of thumbnails of one picture. Of 3,800 photographs two pairs of different faces come above it; with and
# without a drawn mask some pictures stay below.
_ALIKE = 0.95
_BLOCK = 512  # thumbnails compared with all others at once

#: Thumbnails (N, 12, 12).
Thumbnails = npt.NDArray[np.float32]


def kept_for_validation(paths: Sequence[Path]) -> npt.NDArray[np.bool_]:
    """(N,) which of the photographs are kept; what is in the files decides, neither their names nor their order.

    Raises:
        OSError, ValueError: naming a file that is missing or no image.
    """
    checksums, thumbnails = np.empty(len(paths), np.int64), np.empty((len(paths), _SIDE, _SIDE), np.float32)
    for i, path in enumerate(paths):
        file = path.read_bytes()
        image = cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_GRAYSCALE) if file else None
        if image is None:
            raise ValueError(f"image '{path}' cannot be read; is it a whole JPEG or PNG?")
        checksums[i] = zlib.crc32(file)
        thumbnails[i] = thumbnail(np.asarray(image, np.uint8))
    picture = pictures(thumbnails)
    # Any member may speak for its group, if it is always the same one.
    lowest = np.full(len(paths), np.iinfo(np.int64).max)
    np.minimum.at(lowest, picture, checksums)
    return np.asarray(lowest[picture] % _ONE_IN == 0)


def thumbnail(image: npt.NDArray[np.uint8]) -> Thumbnails:
    """(12, 12) grey levels of a picture (h, w) without its padding and its very edge."""
    x0, y0, x1, y1 = unpadded(image)
    right, down = int(round(_EDGE * (x1 - x0))), int(round(_EDGE * (y1 - y0)))
    smooth = cv2.GaussianBlur(image[y0 + down : y1 - down, x0 + right : x1 - right].astype(np.float32), (0, 0), _BLUR)
    return np.asarray(cv2.resize(smooth, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA), np.float32)


def pictures(thumbnails: Thumbnails) -> npt.NDArray[np.intp]:
    """(N,) the number of the picture that each thumbnail is of, on its own or through others between."""
    distinct, which = np.unique(thumbnails, axis=0, return_inverse=True)
    plain, mirrored = _directions(distinct), _directions(distinct[:, :, ::-1])
    links = [np.empty((2, 0), np.intp)]
    for start in range(0, len(distinct), _BLOCK):
        block = plain[start : start + _BLOCK]
        # A picture is like another's mirror image as much as that one is like its own: the later ones are enough.
        alike = (block @ plain[start:].T > _ALIKE) | (block @ mirrored[start:].T > _ALIKE)
        links.append(np.stack(np.nonzero(alike)) + start)
    rows, columns = np.concatenate(links, axis=1)
    graph = coo_matrix((np.ones(len(rows), np.bool_), (rows, columns)), shape=(len(distinct),) * 2)
    return np.asarray(connected_components(graph, directed=False)[1][which.reshape(-1)], np.intp)


def _directions(thumbnails: Thumbnails) -> Thumbnails:
    """(N, 145) unit vectors whose products are correlations; pictures of one shade are all alike, and like no other."""
    deviation = thumbnails.reshape(len(thumbnails), -1)
    deviation = deviation - deviation.mean(axis=1, keepdims=True)
    length = np.linalg.norm(deviation, axis=1, keepdims=True)
    flat = length < _FLAT * _SIDE
    return np.hstack([np.where(flat, 0.0, deviation / np.where(flat, 1.0, length)), flat]).astype(np.float32)
