"""Where the head is, from correspondences alone: a pose of the mean face good enough for the fit to start from.

An affine camera is linear in its unknowns, so many small random subsets are solved at once; the one that most pairs
agree with tells the outliers apart, whatever way the head is turned. The pose then comes from the agreeing pairs by
SQPnP (Terzakis and Lourakis, ECCV 2020), which needs no start either.
"""

from __future__ import annotations

import cv2
import numpy as np

from dense_face_ros.geometry import Array

_SUBSETS = 48  # with 6 pairs each and 40 % outliers, at least one is clean with probability 0.9
_SUBSET_SIZE = 6
_LEAST_SPREAD = 0.005  # of the rays, rms: a face some fourteen metres away
_FARTHEST = 100.0  # times that: a face of no pixel
_SHAPE_TOLERANCE = 0.006  # metres by which a face may differ from the mean face and still agree with its pose


def consensus(points: Array, rays: Array) -> Array:
    """Share in (0, 1] with which each pair agrees with the affine camera that most of them agree with.

    points: (N, 3) metres; rays: (N, 2) image points at unit focal length. Deterministic. N >= 6.
    """
    count = len(points)
    rng = np.random.default_rng(0)
    drawn = [rng.permutation(count) for _ in range(-(-_SUBSETS * _SUBSET_SIZE // count))]
    subsets = np.concatenate(drawn)[: _SUBSETS * _SUBSET_SIZE].reshape(_SUBSETS, _SUBSET_SIZE)
    lifted = np.column_stack([points - points.mean(axis=0), np.full(count, 0.05)])  # columns of similar size
    a, b = lifted[subsets], rays[subsets]
    # A little ridge keeps subsets that lie in a plane solvable.
    normal = a.transpose(0, 2, 1) @ a + 1e-6 * np.eye(4)
    cameras = np.linalg.solve(normal, a.transpose(0, 2, 1) @ b)
    squared = ((lifted @ cameras - rays) ** 2).sum(axis=2)  # (subsets, N)
    # Rays per metre on the face: the scale of an affine camera of this face, the median over the subsets.
    scale = np.median(np.linalg.norm(cameras[:, :3], axis=(1, 2))) / np.sqrt(2.0)
    width = (_SHAPE_TOLERANCE * max(float(scale), 1e-9)) ** 2
    best = int(np.argmin(np.minimum(squared, 4.0 * width).sum(axis=1)))
    return np.asarray(1.0 / (1.0 + squared[best] / width))


def initial_pose(points: Array, rays: Array) -> tuple[Array, Array] | None:
    """Rotation (3, 3) and translation (3,), camera <- head, of mean-face points (N, 3) seen at rays (N, 2).

    None when no pose puts the agreeing points in front of the camera.
    """
    agreement = consensus(points, rays)
    keep = agreement >= min(0.2, float(np.sort(agreement)[-6]))
    seen, middle = rays[keep], rays[keep].mean(axis=0)
    # SQPnP refuses rays that are close together. So far away perspective is next to none: a head that is so much nearer
    # looks the same, so much larger.
    spread = float(np.sqrt(((seen - middle) ** 2).sum(axis=1).mean()))
    nearer = max(1.0, _LEAST_SPREAD / max(spread, 1e-9))
    if nearer > _FARTHEST:
        return None
    if nearer > 1.0:
        seen = nearer * (seen - middle)
    try:
        found, rotations, translations, _ = cv2.solvePnPGeneric(
            points[keep], seen, np.eye(3), None, flags=cv2.SOLVEPNP_SQPNP
        )
    except cv2.error:  # all rays are one
        return None
    for vector, translation in zip(rotations[:found], translations[:found], strict=True):
        rotation, t = cv2.Rodrigues(vector)[0], np.asarray(translation, dtype=np.float64).reshape(3)
        if nearer > 1.0:
            t = t * (1.0, 1.0, nearer)
            t[:2] += middle * t[2]
        if np.isfinite(t).all() and ((points[keep] @ rotation.T + t)[:, 2] > 0).all():
            return np.asarray(rotation, dtype=np.float64), t
    return None
