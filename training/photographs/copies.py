"""Photographs for validation where nobody says who is in them: about one picture in twenty, with all its copies.

Collections gathered on the web hold the same picture under several names: as it was, compressed anew, blurred, with
noise, or mirrored. A checksum of the file finds the first kind only. So pictures are compared as small grey thumbnails,
in which such changes nearly vanish, and by their distance: of rounded values some would be rounded the other way.
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
from scipy.spatial import cKDTree

_ONE_IN = 20
_SIDE = 8  # pixels of a thumbnail
_ALIKE = 4.0  # grey levels, root mean square, between thumbnails of one picture; other faces are hardly that near


def kept_for_validation(paths: Sequence[Path]) -> npt.NDArray[np.bool_]:
    """(N,) which of the photographs are kept; what is in the files decides, neither their names nor their order.

    Raises:
        OSError, ValueError: naming a file that is missing or no image.
    """
    checksums, thumbnails = np.empty(len(paths), np.int64), np.empty((len(paths), _SIDE, _SIDE))
    for i, path in enumerate(paths):
        file = path.read_bytes()
        image = cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_GRAYSCALE) if file else None
        if image is None:
            raise ValueError(f"image '{path}' cannot be read; is it a whole JPEG or PNG?")
        checksums[i] = zlib.crc32(file)
        thumbnails[i] = cv2.resize(image, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    picture = pictures(thumbnails)
    # Any member may speak for its group, if it is always the same one.
    lowest = np.full(len(paths), np.iinfo(np.int64).max)
    np.minimum.at(lowest, picture, checksums)
    return np.asarray(lowest[picture] % _ONE_IN == 0)


def pictures(thumbnails: npt.NDArray[np.floating]) -> npt.NDArray[np.intp]:
    """(N,) the number of the picture that each thumbnail (N, 8, 8) is of, on its own or through others between."""
    distinct, which = np.unique(thumbnails, axis=0, return_inverse=True)
    reach = _ALIKE * _SIDE
    plain = cKDTree(distinct.reshape(len(distinct), -1))
    mirrored = cKDTree(distinct[:, :, ::-1].reshape(len(distinct), -1))
    twins = plain.sparse_distance_matrix(mirrored, reach, output_type="coo_matrix")
    near = plain.query_pairs(reach, output_type="ndarray")
    rows, columns = np.concatenate([near[:, 0], twins.row]), np.concatenate([near[:, 1], twins.col])
    links = coo_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(distinct),) * 2)
    return np.asarray(connected_components(links, directed=False)[1][which.reshape(-1)], np.intp)
