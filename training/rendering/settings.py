"""How random heads are drawn: every probability and range in one place."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """Angles in degrees, lengths in metres, all else shares in [0, 1] unless said otherwise.

    Attributes:
        looks: number of people whose skin, hair and clothing are made in advance; each picture shows one of them,
            in other shades.
        yaw_limit, pitch_limit, roll_limit: largest turns, relative to the ray on which the head is seen.
        pitch_spread: standard deviation.
        frontal_share: share of yaw drawn from a normal distribution about 0.
        profile_share: share of yaw beyond half of its limit; what remains is even over 65 % of the limits.
        distance: of the head from the camera, which sets the perspective: 0.3 m fills a field of view of 75 degrees.
        off_axis: how far from the optical axis a head may stand.
        identity_spread: standard deviations.
        lids_share: share of heads whose lids are drawn evenly from ``lids`` (0 open, 1 shut), both eyes alike.
        face_margin: crop side over the size of the landmarks' box, as :meth:`Crop.around_box`.
        shift: how far the crop's middle may lie from the box's, of the crop side.
        hard_side_light: share of pictures lit hard from one side.
        camera_lamp: share of pictures lit mostly from the camera.
        occluder: share with something in front of the face.
    """

    looks: int = 256
    yaw_limit: float = 95.0
    pitch_limit: float = 40.0
    roll_limit: float = 40.0
    pitch_spread: float = 14.0
    frontal_share: float = 0.40
    profile_share: float = 0.25
    distance: tuple[float, float] = (0.30, 1.6)
    off_axis: float = 30.0
    identity_spread: float = 1.0
    lids_share: float = 0.12
    lids: tuple[float, float] = (0.6, 1.0)
    face_margin: tuple[float, float] = (1.15, 2.0)
    shift: float = 0.12
    hard_side_light: float = 0.15
    camera_lamp: float = 0.15
    long_hair: float = 0.28
    bald: float = 0.12
    hat: float = 0.08
    beard: float = 0.28
    face_mask: float = 0.05
    glasses: float = 0.25
    dark_glasses: float = 0.35  # of the glasses
    occluder: float = 0.30
