"""The numbers of the tracker that a user or an experiment may set."""

from __future__ import annotations

from dataclasses import dataclass, field

from dense_face_ros.alignment import AlignmentSettings
from dense_face_ros.calibration import Calibration
from dense_face_ros.driver import Seat
from dense_face_ros.head_fitting import FitLimits
from dense_face_ros.head_size import check_pupil_distance
from dense_face_ros.smoothing import PoseFilterSettings
from dense_face_ros.upright import ROTATIONS


@dataclass(frozen=True)
class TrackerSettings:
    """Numbers of the tracker.

    Attributes:
        field_of_view: degrees across the longer image side, assumed where no camera is given.
        image_rotation: degrees clockwise by which an image must be turned for people to stand upright in it: 0, or 90,
            180 or 270 for a camera mounted on its side or head. What is told stays in the frame of the image as it is.
        candidates: how many proposals of the face finder are tried, the most prominent first.
        seat: where a head must be to become the driver's; the nearest one there does.
        remember_person: seconds without the driver's head after which another one may be the driver's. Until then
            heads elsewhere in view are left alone.
        interpupillary_distance: metres between the driver's pupils, see :mod:`dense_face_ros.head_size`; 0: unknown.
        identity_time_constant, identity_look: seconds; see :class:`dense_face_ros.identity_memory.IdentityMemory`.
        alignment: the fit.
        limits: what a fit must reach to be believed.
        calibration: how far the network's word goes; None: as far as its file says.
        smoothing: the pose filter.
    """

    field_of_view: float = 60.0
    image_rotation: int = 0
    candidates: int = 3
    seat: Seat = field(default_factory=Seat)
    remember_person: float = 1.0
    interpupillary_distance: float = 0.0
    identity_time_constant: float = 10.0
    identity_look: float = 1.0
    alignment: AlignmentSettings = field(default_factory=AlignmentSettings)
    limits: FitLimits = field(default_factory=FitLimits)
    calibration: Calibration | None = None
    smoothing: PoseFilterSettings = field(default_factory=PoseFilterSettings)

    def __post_init__(self) -> None:
        if not 1.0 < self.field_of_view < 179.0:
            raise ValueError(f"field_of_view is {self.field_of_view}; it must lie between 1 and 179 degrees")
        if self.image_rotation not in ROTATIONS:
            raise ValueError(f"image_rotation is {self.image_rotation}; it must be 0, 90, 180 or 270 degrees")
        if self.candidates < 1:
            raise ValueError(f"candidates is {self.candidates}; at least one proposal must be tried")
        if not self.remember_person >= 0.0:
            raise ValueError(f"remember_person is {self.remember_person}; it must be 0 s or more")
        check_pupil_distance(self.interpupillary_distance)
