"""What a measured distance between the pupils tells of a person, and so of the size of the head.

One camera cannot tell a large far head from a small near one: the scale of all positions rests on the sizes of heads in
the population. A length that was measured on the person takes most of that doubt away.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dense_face_ros.energy import IdentityPrior
from dense_face_ros.face_model import FaceModel

#: (least, most) metres between the pupils that a driver can have; 63 mm is usual.
PUPIL_DISTANCES = (0.045, 0.080)
#: Metres, standard deviation: a ruler is read to a millimetre, and pupils come nearer to each other for near things.
_MEASURED_TO = 0.001


def check_pupil_distance(distance: float) -> None:
    """ValueError unless it is 0, which stands for unknown, or metres between the pupils of a driver."""
    least, most = PUPIL_DISTANCES
    if distance != 0.0 and not least <= distance <= most:
        raise ValueError(
            f"interpupillary_distance is {distance} m; it must be 0 (unknown) or {least:g} to {most:g} m, "
            "as measured between the driver's pupils"
        )


def eyeballs(model: FaceModel) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """(V,) masks of the left and the right eyeball's vertices; empty where the model has none."""
    names = model.region_names
    found = [names.index(name) if name in names else len(names) for name in ("eye_left", "eye_right")]
    return model.regions == found[0], model.regions == found[1]


def person_of(model: FaceModel, pupil_distance: float) -> IdentityPrior:
    """N(0, 1) over the identity, given the metres between the pupils of somebody who looks into the distance.

    The pupils are then as far apart as the eyeballs. That distance is |d + G a| for the identity a; it is taken as
    linear, which is right to a hundredth of a millimetre, as the eyes of people differ along the line between them.

    Raises:
        ValueError: the model has no eyeballs.
    """
    left, right = eyeballs(model)
    if not (left.any() and right.any()):
        raise ValueError("interpupillary_distance is given, but the face model has no eyeballs to measure; set it to 0")
    apart = (model.mean[left].mean(axis=0) - model.mean[right].mean(axis=0)).astype(np.float64)
    modes = model.identity_basis[:, left].mean(axis=1) - model.identity_basis[:, right].mean(axis=1)
    usual = float(np.linalg.norm(apart))
    per_mode = modes.astype(np.float64) @ (apart / usual)
    # The posterior of a standard normal after one linear measurement.
    gain = per_mode / (per_mode @ per_mode + _MEASURED_TO**2)
    information = np.eye(len(per_mode)) + np.outer(per_mode, per_mode) / _MEASURED_TO**2
    return IdentityPrior(gain * (pupil_distance - usual), information)
