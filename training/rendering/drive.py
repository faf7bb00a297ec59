"""Scripted drives: one invented driver filmed from the instrument cluster, with the true pose of every frame.

Each drive is a situation that a driver monitoring camera must get right, with the alarms that its driver must get.
Motion, lids, speech and light are written down as numbers; skin, hair and renderer are those of the clip
(:mod:`training.rendering.clip`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import KW_ONLY, dataclass, replace
from typing import Literal

import numpy as np

from dense_face_ros.attention.alarms import beginnings
from dense_face_ros.attention.states import State
from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import Array
from training.eyes.openness import LANDMARK_EYES, openness
from training.rendering.clip import INVENTED_DRIVER, ClipRenderer, Truth, between, speaking_jaw
from training.rendering.lighting import Light
from training.rendering.rasteriser import FloatArray, Image

_LID_RAMP = 0.2  # seconds in which the lids of a tired driver fall or rise
_PUNCTUAL = 0.3  # seconds by which an alarm may miss its script: what a tracker's filter and half-shut lids are worth
_TUNNEL = 0.04  # share of the daylight that is left in the tunnel
_GRAIN = 2.0  # grey levels of sensor noise
_FLICKER = 4.0  # Hz, of the sun through trees
_JPEG_GAMMA = 2.2
_RED_SHARE = (0.1, 0.2, 0.7)  # of blue, green, red in what an infrared camera sees: skin is bright
_INFRARED_BACKGROUND = 0.3  # the cabin lies beyond the reach of the lamp

Row = tuple[float, ...]
Lighting = Literal["day", "flicker", "tunnel", "infrared"]


@dataclass(frozen=True)
class Drive:
    """A script. Times in seconds.

    Attributes:
        motion: rows of time, yaw, pitch, roll (degrees) and x, y, z (metres, camera frame); smooth in between.
        blinks: (time when the lids are shut, seconds from open to shut).
        closures: (begin, end) of the time between which the lids stay shut.
        speech: (begin, end).
        lighting: ``flicker``: sun through trees from the side; ``tunnel``: from 30 % to 70 % of the drive the camera
            gets a fraction of the light and shows its noise; ``infrared``: grey, lit from the camera.
        alarms: (state, time of its beginning) of all that preset ``euro_ncap`` must raise, for a camera that looks
            straight to the rear.
    """

    motion: tuple[Row, ...]
    blinks: tuple[tuple[float, float], ...]
    _: KW_ONLY
    closures: tuple[tuple[float, float], ...] = ()
    speech: tuple[tuple[float, float], ...] = ()
    lighting: Lighting = "day"
    alarms: tuple[tuple[State, float], ...] = ()

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.motion[-1][0]

    def truth(self) -> Truth:
        """Camera, stamps and poses; how far lids are apart depends on who is shown, and is in the renderer's."""
        return Truth.of_motion(np.array(self.motion, dtype=np.float64))

    def lids(self, time: float) -> float:
        """Activation of both blinks: 0 open, 1 shut. Lids touch somewhat earlier."""
        blink = max((max(0.0, 1.0 - abs(time - shut) / half) for shut, half in self.blinks), default=0.0)
        closures = ((begin - _LID_RAMP, end + _LID_RAMP) for begin, end in self.closures)
        return max([blink, *(between(time, begin, end, _LID_RAMP) for begin, end in closures)])

    def objections(self, told: Iterable[tuple[State, float]]) -> list[str]:
        """What is wrong with the states that were told, one line each: alarms missed, late, early or without reason.

        Args:
            told: (state, time) of every change, or of more.
        """
        told = list(told)
        raised = [told[i] for i in beginnings(state for state, _ in told)]
        missed = [alarm for alarm in self.alarms if not _among(raised, alarm)]
        unscripted = [alarm for alarm in raised if not _among(self.alarms, alarm)]
        return [f"{state.value} should begin at {time:.2f} s" for state, time in missed] + [
            f"{state.value} at {time:.2f} s is not in the script" for state, time in unscripted
        ]

    def activations(self, time: float) -> dict[str, float]:
        """The blendshapes that are not at rest."""
        blink = self.lids(time)
        talking = max((between(time, begin, end) for begin, end in self.speech), default=0.0)
        return {"eyeBlink_L": blink, "eyeBlink_R": blink, "jawOpen": speaking_jaw(time, talking)}

    def light(self, environment: Light, time: float) -> Light:
        """The lamp at a time; the environment stays, but is dim beside an infrared lamp."""
        if self.lighting == "infrared":
            colour = np.full(3, 1.6, np.float32)
            return Light(environment.harmonics * np.float32(0.05), np.array([0.0, -0.2, -0.98], np.float32), colour)
        lamp = np.array([-0.8, -0.5, -0.35])
        sun = np.array([1.5, 1.42, 1.3], np.float32)
        if self.lighting == "flicker":
            sun *= np.float32(2.0 if np.sin(2.0 * np.pi * _FLICKER * time) > 0.0 else 0.1)
        return Light(environment.harmonics, (lamp / np.linalg.norm(lamp)).astype(np.float32), sun)

    def exposure(self, time: float) -> float:
        """Share of the light that reaches the camera."""
        if self.lighting != "tunnel":
            return 1.0
        return 1.0 - (1.0 - _TUNNEL) * between(time, 0.3 * self.duration, 0.7 * self.duration)


def _among(alarms: Iterable[tuple[State, float]], wanted: tuple[State, float]) -> bool:
    return any(state is wanted[0] and abs(time - wanted[1]) <= _PUNCTUAL for state, time in alarms)


_CALM = ((0.0, 0, 0, 0, 0.0, 0.0, 0.65), (3.0, 4, 2, 0, 0.01, 0.0, 0.65), (6.0, -4, 1, 1, 0.0, 0.0, 0.64),
         (10.0, 0, 0, 0, 0.0, 0.0, 0.65))  # fmt: skip
_USUAL_BLINKS = ((0.8, 0.12), (2.6, 0.12), (5.1, 0.12), (7.7, 0.12), (9.2, 0.12))
_AHEAD, _LAP, _CONSOLE = (0, 0, 0, 0.0, 0.0, 0.65), (-15, 34, 2, -0.01, 0.03, 0.62), (-40, 24, 0, -0.02, 0.01, 0.65)


def _looks(aside: Row, starts: tuple[float, ...], stay: float, end: float) -> tuple[Row, ...]:
    """Motion of a head that turns at ``starts`` (seconds), within half a second, and back ``stay`` seconds later."""
    rows: list[Row] = [(0.0, *_AHEAD)]
    for start in starts:
        rows += [(start, *_AHEAD), (start + 0.5, *aside), (start + stay, *aside), (start + stay + 0.5, *_AHEAD)]
    return (*rows, (end, *_AHEAD))


DRIVES: dict[str, Drive] = {
    # The outer mirror at the driver's left, the inner one, the outer one at the right, and back to the road.
    "mirrors": Drive(
        ((0.0, 0, 0, 0, 0.0, 0.0, 0.65), (1.0, 0, 0, 0, 0.0, 0.0, 0.65), (1.4, 48, 4, 2, 0.02, 0.0, 0.64),
         (2.2, 48, 4, 2, 0.02, 0.0, 0.64), (2.7, 0, 0, 0, 0.0, 0.0, 0.65), (3.8, 0, 0, 0, 0.0, 0.0, 0.65),
         (4.1, -30, -8, 0, -0.01, 0.0, 0.65), (4.7, -30, -8, 0, -0.01, 0.0, 0.65), (5.1, 0, 0, 0, 0.0, 0.0, 0.65),
         (6.3, 0, 0, 0, 0.0, 0.0, 0.65), (6.9, -58, 5, -3, -0.03, 0.0, 0.66), (7.8, -58, 5, -3, -0.03, 0.0, 0.66),
         (8.4, 0, 0, 0, 0.0, 0.0, 0.65), (10.0, 0, 0, 0, 0.0, 0.0, 0.65)),
        _USUAL_BLINKS,
    ),
    # One look that is too long, and one that is not.
    "phone_in_the_lap": Drive(
        ((0.0, 0, 0, 0, 0.0, 0.0, 0.65), (1.0, 0, 0, 0, 0.0, 0.0, 0.65), (1.5, -15, 34, 2, -0.01, 0.03, 0.62),
         (4.7, -17, 36, 2, -0.01, 0.03, 0.62), (5.2, 0, 0, 0, 0.0, 0.0, 0.65), (6.4, 0, 0, 0, 0.0, 0.0, 0.65),
         (6.8, -14, 32, 1, -0.01, 0.03, 0.62), (8.4, -14, 34, 1, -0.01, 0.03, 0.62), (8.8, 0, 0, 0, 0.0, 0.0, 0.65),
         (10.0, 0, 0, 0, 0.0, 0.0, 0.65)),
        _USUAL_BLINKS,
        alarms=((State.LONG_DISTRACTION, 4.05),),
    ),
    # Ever longer blinks; the head sinks and is jerked up. No closure lasts a second, and PERCLOS needs half a minute.
    "drowsy": Drive(
        ((0.0, 0, 3, 0, 0.0, 0.0, 0.65), (2.0, 1, 6, 1, 0.0, 0.005, 0.65), (4.2, 2, 24, 3, 0.0, 0.025, 0.62),
         (4.5, 0, -4, 0, 0.0, -0.005, 0.66), (5.5, 0, 4, 0, 0.0, 0.0, 0.65), (8.4, 3, 30, 8, 0.01, 0.03, 0.61),
         (8.7, 0, -6, 0, 0.0, -0.005, 0.66), (10.0, 0, 3, 0, 0.0, 0.0, 0.65)),
        ((0.7, 0.2), (2.2, 0.4), (3.8, 0.6), (5.8, 0.5), (7.6, 0.9), (9.4, 0.3)),
    ),
    "microsleep": Drive(
        ((0.0, 0, 0, 0, 0.0, 0.0, 0.65), (3.0, 1, 2, 1, 0.0, 0.0, 0.65), (4.7, 1, 7, 3, 0.0, 0.01, 0.64),
         (5.0, 0, -3, 0, 0.0, -0.005, 0.65), (6.0, 0, 1, 0, 0.0, 0.0, 0.65), (10.0, 0, 0, 0, 0.0, 0.0, 0.65)),
        ((0.8, 0.12), (1.9, 0.2), (6.2, 0.15), (8.0, 0.12)),
        closures=((3.0, 4.7),),
        alarms=((State.MICROSLEEP, 4.0),),
    ),
    "sleep": Drive(
        ((0.0, 0, 0, 0, 0.0, 0.0, 0.65), (2.5, 1, 2, 1, 0.0, 0.0, 0.65), (6.3, 2, 8, 5, 0.0, 0.015, 0.64),
         (6.7, 0, -4, 0, 0.0, -0.005, 0.65), (7.5, 0, 1, 0, 0.0, 0.0, 0.65), (10.0, 0, 0, 0, 0.0, 0.0, 0.65)),
        ((0.8, 0.12), (1.6, 0.2), (7.4, 0.15), (8.8, 0.12)),
        closures=((2.5, 6.3),),
        alarms=((State.MICROSLEEP, 3.5), (State.SLEEP, 5.5)),
    ),
    "talking": Drive(
        ((0.0, 0, 0, 0, 0.0, 0.0, 0.65), (1.5, 4, -3, 2, 0.0, 0.0, 0.65), (2.4, 3, 5, -2, 0.0, 0.0, 0.64),
         (3.2, -38, 2, -4, -0.02, 0.0, 0.65), (4.4, -40, 4, -3, -0.02, 0.0, 0.65), (5.0, 0, 0, 0, 0.0, 0.0, 0.65),
         (6.0, 5, -5, 3, 0.01, 0.0, 0.65), (7.0, -5, 6, -3, 0.0, 0.0, 0.64), (10.0, 0, 0, 0, 0.0, 0.0, 0.65)),
        _USUAL_BLINKS,
        speech=((0.8, 4.6), (5.4, 9.3)),
    ),
    # Looks of two seconds with less than two on the road between them: each is permitted, their sum is not.
    "repeated_looks": Drive(
        _looks(_CONSOLE, (1.0, 4.6, 8.2, 11.8, 15.4), 2.0, 22.0),
        tuple((1.0 + 3.6 * i, 0.12) for i in range(6)),
        alarms=((State.REPEATED_DISTRACTION, 16.4),),
    ),
    # A look that does not end when it is warned of.
    "no_answer": Drive(
        _looks(_LAP, (1.0,), 8.0, 12.0),
        ((0.6, 0.12), (10.5, 0.12)),
        alarms=((State.LONG_DISTRACTION, 4.05), (State.UNRESPONSIVE, 7.05)),
    ),
    # Closures of 0.7 s every three seconds: none is a microsleep, but half a minute of them is a fifth of the time.
    "drowsy_half_minute": Drive(
        ((0.0, 0, 3, 0, 0.0, 0.0, 0.65), (9.0, 2, 5, 1, 0.0, 0.005, 0.64), (18.0, -2, 4, -1, 0.0, 0.0, 0.65),
         (27.0, 1, 6, 1, 0.0, 0.005, 0.64), (36.0, 0, 3, 0, 0.0, 0.0, 0.65)),
        (),
        closures=tuple((1.5 + 3.0 * i, 1.9 + 3.0 * i) for i in range(11)),
        alarms=((State.DROWSY, 30.0),),
    ),
    "sun_flicker": Drive(_CALM, _USUAL_BLINKS, lighting="flicker"),
    "tunnel": Drive(_CALM, _USUAL_BLINKS, lighting="tunnel"),
    "infrared": Drive(_CALM, _USUAL_BLINKS, speech=((4.0, 6.5),), lighting="infrared"),
}  # fmt: skip


class DriveRenderer(ClipRenderer):
    """Draws the frames of a drive; the cabin is the clip's, and so is the person unless another one is given."""

    def __init__(
        self, model: FaceModel, drive: Drive, seed: int = INVENTED_DRIVER, *, identity: Array | None = None
    ) -> None:
        self._drive = drive
        super().__init__(model, seed, identity=identity, truth=drive.truth())
        if drive.lighting == "infrared":
            self._background = (self._background * _INFRARED_BACKGROUND).astype(np.uint8)

    @property
    def truth(self) -> Truth:
        """The drive's, with the lids of the person that is shown; wider than at rest is 1, as the tracker tells it."""
        lids = [openness(self.landmarks(i), LANDMARK_EYES) for i in range(len(self._truth.stamp))]
        return replace(self._truth, eye_openness=np.clip(lids, 0.0, 1.0))

    def landmarks(self, index: int) -> Array:
        """(68, 3) of frame ``index``, metres, camera frame."""
        pose = self._truth.pose[index]
        points = self._model.landmarks_of(self._face(float(self._truth.stamp[index])))
        return np.asarray(points @ pose[:3, :3].T + pose[:3, 3])

    def frame(self, index: int) -> Image:
        """Frame ``index``, (480, 640, 3) uint8 BGR, as the camera of the drive sees it."""
        image = super().frame(index)
        time = float(self._truth.stamp[index])
        if self._drive.lighting == "infrared":
            image = np.repeat((image @ np.array(_RED_SHARE))[..., None], 3, axis=2).astype(np.uint8)
        if self._drive.lighting != "tunnel":
            return image
        grain = np.random.default_rng(index).normal(0.0, _GRAIN, image.shape)
        dimmed = image * self._drive.exposure(time) ** (1.0 / _JPEG_GAMMA) + grain
        return np.asarray(np.clip(dimmed, 0, 255).astype(np.uint8))

    def _sensor(self) -> FloatArray:
        return np.array(_RED_SHARE[::-1], np.float32) if self._drive.lighting == "infrared" else super()._sensor()

    def _expression(self, time: float) -> Array:
        activations = self._drive.activations(time)
        return np.array([activations.get(name, 0.0) for name in self._model.expression_names])

    def _light_at(self, time: float) -> Light:
        return self._drive.light(self._light, time)
