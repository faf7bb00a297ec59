"""How far the word of a network goes: what fits and searches must know of it that it does not say itself.

These numbers belong to a network, so they stand in its file. ``python -m training.calibrate`` measures and writes them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np

#: Where a network's metadata holds them. Files without it are taken to err as the shipped networks do.
KEY = "calibration"


@dataclass(frozen=True)
class Calibration:
    """Numbers of one network; the defaults are those of the shipped ones.

    Attributes:
        covariance_share: how many independent measurements one correspondence is worth in what a fit claims to know:
            what the whole face shares, a network's view of a person for instance, averages out over no points.
        distance_factor: variance of the head's distance over what the fit claims: a network that has seen few faces
            like this one reads its size wrong in every cell alike.
        lasting_share: share of a pose's variance that stays the same for seconds, as the network errs alike on similar
            frames: it cannot be smoothed away, and the filtered covariance keeps it.
        max_new_vagueness, vagueness_per_score: a head that nobody asked for may be as vague
            (:attr:`dense_face_ros.head_fitting.HeadFit.vagueness`) as ``max_new_vagueness * exp(vagueness_per_score *
            score)``, the vaguer the surer the finder is of it: what only one of the two networks believes in is an
            animal, a statue or a cloud. A head that is tracked, or shown by a box, may be vaguer.

    Raises:
        ValueError: naming the number that cannot be.
    """

    covariance_share: float = 0.19
    distance_factor: float = 2.1
    lasting_share: float = 0.9
    max_new_vagueness: float = 0.055
    vagueness_per_score: float = 2.0

    def __post_init__(self) -> None:
        allowed = {
            "covariance_share": (self.covariance_share > 0.0, "above 0"),
            "distance_factor": (self.distance_factor >= 1.0, "at least 1"),
            "lasting_share": (0.0 <= self.lasting_share < 1.0, "at least 0 and less than 1"),
            "max_new_vagueness": (self.max_new_vagueness > 0.0, "above 0"),
            "vagueness_per_score": (self.vagueness_per_score >= 0.0, "0 or more"),
        }
        for name, (holds, what) in allowed.items():
            value = getattr(self, name)
            if not (holds and np.isfinite(value)):
                raise ValueError(f"calibration {name} is {value}; it must be {what}, and finite")

    @classmethod
    def of(cls, metadata: Mapping[str, str], path: Path) -> Calibration:
        """What the network's file at ``path`` says in its metadata; without any, that of the shipped networks.

        Raises:
            ValueError: naming the file, where what it says is no calibration.
        """
        if KEY not in metadata:
            return cls()
        cure = "measure it again with training.calibrate"
        try:
            told = json.loads(metadata[KEY])
        except ValueError as error:
            raise ValueError(f"network '{path}' has a {KEY} that is no JSON ({error}); {cure}") from error
        names = {field.name for field in fields(cls)}
        if not isinstance(told, dict) or set(told) != names or not all(_is_number(value) for value in told.values()):
            raise ValueError(f"network '{path}' has a {KEY} other than the numbers {', '.join(sorted(names))}; {cure}")
        try:
            return cls(**{name: float(value) for name, value in told.items()})
        except (ValueError, OverflowError) as error:
            raise ValueError(f"network '{path}': {error}; {cure}") from error

    @property
    def metadata(self) -> dict[str, str]:
        """As a network's file holds it."""
        return {KEY: json.dumps(asdict(self))}

    def new_vagueness(self, score: float) -> float:
        """How vague a head that nobody asked for may be where the finder gives it such a score."""
        return self.max_new_vagueness * float(np.exp(self.vagueness_per_score * score))


def _is_number(value: object) -> bool:
    return isinstance(value, float | int) and not isinstance(value, bool)
