"""Glance zones: where in the car a head points, from a YAML file of cones and sectors."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import yaml

from dense_face_ros.angles import wrap_degrees
from dense_face_ros.attention.settings import SIDES
from dense_face_ros.error_text import first_line
from dense_face_ros.geometry import Array

ROAD, ELSEWHERE, UNDECIDED, UNKNOWN = "road", "elsewhere", "undecided", "unknown"
FORMAT_VERSION = 1


class Region(Protocol):
    """A set of directions; degrees."""

    def inside(self, yaw: float, pitch: float) -> float:
        """Angle to the border: positive inside, negative outside."""

    def mirrored(self) -> Region:
        """Left and right exchanged."""

    def outline(self) -> Array:
        """(N, 2) yaw and pitch around the border, the first point again at the end."""


@dataclass(frozen=True)
class Cone:
    """All directions within ``radius`` of an axis."""

    yaw: float
    pitch: float
    radius: float

    def inside(self, yaw: float, pitch: float) -> float:
        """Angle to the border: positive inside, negative outside."""
        a, b, turn = math.radians(pitch), math.radians(self.pitch), math.radians(yaw - self.yaw)
        cosine = math.sin(a) * math.sin(b) + math.cos(a) * math.cos(b) * math.cos(turn)
        return self.radius - math.degrees(math.acos(min(max(cosine, -1.0), 1.0)))

    def mirrored(self) -> Cone:
        """Left and right exchanged."""
        return replace(self, yaw=-self.yaw)

    def outline(self) -> Array:
        """(N, 2) yaw and pitch around the border, the first point again at the end."""
        turn, axis = np.linspace(0.0, 2.0 * np.pi, 25), math.radians(self.pitch)
        radius = math.radians(self.radius)
        along, side, down = math.cos(radius), math.sin(radius) * np.cos(turn), math.sin(radius) * np.sin(turn)
        ahead = along * math.cos(axis) - down * math.sin(axis)
        below = along * math.sin(axis) + down * math.cos(axis)
        yaw = self.yaw + np.degrees(np.arctan2(side, ahead))
        return np.column_stack([yaw, np.degrees(np.arctan2(below, np.hypot(side, ahead)))])


@dataclass(frozen=True)
class Sector:
    """Between two upright planes through the head (``yaw``) and two elevations (``pitch``); (from, to) each."""

    yaw: tuple[float, float]
    pitch: tuple[float, float]

    def inside(self, yaw: float, pitch: float) -> float:
        """Angle to the border: positive inside, negative outside."""
        middle, half = 0.5 * (self.yaw[0] + self.yaw[1]), 0.5 * (self.yaw[1] - self.yaw[0])
        sideways = (half - abs(wrap_degrees(yaw - middle))) * math.cos(math.radians(pitch))
        upright = min(pitch - self.pitch[0], self.pitch[1] - pitch)
        return -math.hypot(sideways, upright) if sideways < 0.0 and upright < 0.0 else min(sideways, upright)

    def mirrored(self) -> Sector:
        """Left and right exchanged."""
        return replace(self, yaw=(-self.yaw[1], -self.yaw[0]))

    def outline(self) -> Array:
        """(N, 2) yaw and pitch around the border, the first point again at the end."""
        yaw, pitch = np.linspace(*self.yaw, 13), np.linspace(*self.pitch, 7)
        sides = [
            (yaw, np.full(13, pitch[0])),
            (np.full(7, yaw[-1]), pitch),
            (yaw[::-1], np.full(13, pitch[-1])),
            (np.full(7, yaw[0]), pitch[::-1]),
        ]
        return np.concatenate([np.column_stack(side) for side in sides])


@dataclass(frozen=True)
class Zone:
    """A named region. The first ``grace`` seconds of a glance at it leave the budget of glances alone."""

    name: str
    region: Region
    grace: float = 0.0


class ZoneMap:
    """The zones of one car; of overlapping ones the first counts, and ``road`` before any.

    Args:
        zones: with exactly one named ``road``.
        hysteresis: degrees by which a zone grows while the head points at it.

    Raises:
        ValueError: naming what is wrong.
    """

    def __init__(self, zones: tuple[Zone, ...], hysteresis: float) -> None:
        names = [zone.name for zone in zones]
        if len(set(names)) != len(names):
            raise ValueError("two zones have the same name")
        if ROAD not in names:
            raise ValueError(f"there is no zone named '{ROAD}'")
        reserved = {ELSEWHERE, UNDECIDED, UNKNOWN} & set(names)
        if reserved:
            raise ValueError(f"zone name '{reserved.pop()}' has a meaning of its own")
        if not 0.0 <= hysteresis < 45.0:
            raise ValueError(f"hysteresis is {hysteresis}; it must be 0 to 45 degrees")
        self.zones, self.hysteresis = zones, hysteresis
        self.road = next(zone for zone in zones if zone.name == ROAD)
        self._aside = tuple(zone for zone in zones if zone.name != ROAD)

    @classmethod
    def load(cls, path: str | Path | None = None, drive: str = SIDES[0]) -> ZoneMap:
        """Read a zone file, the shipped one without a path; ``drive``: the side the driver sits on, left or right.

        Raises:
            ValueError: naming the file and what is wrong with it.
        """
        file = Path(path) if path else resources.files(__package__).joinpath("zones.yaml")
        try:
            zones = cls._parse(yaml.safe_load(file.read_text(encoding="utf-8")))
        except OSError as error:
            raise ValueError(f"zone file '{file}' cannot be read: {error.strerror}") from error
        except (ValueError, yaml.YAMLError) as error:
            raise ValueError(f"zone file '{file}': {first_line(error)}") from error
        return zones if drive == SIDES[0] else zones.mirrored()

    def mirrored(self) -> ZoneMap:
        """The same for a driver on the other side."""
        return ZoneMap(tuple(replace(zone, region=zone.region.mirrored()) for zone in self.zones), self.hysteresis)

    def inside_road(self, yaw: float, pitch: float, held: bool) -> float:
        """Angle to the border of the road: positive inside; ``held``: the head pointed at it before."""
        return self.road.region.inside(yaw, pitch) + (self.hysteresis if held else 0.0)

    def locate_aside(self, yaw: float, pitch: float, sigma: float, held: str) -> str:
        """The zone of a direction that is not on the road; ``held``: the zone before."""
        for zone in self._aside:
            inside = zone.region.inside(yaw, pitch) + (self.hysteresis if zone.name == held else 0.0)
            if inside > -sigma:
                return zone.name if inside >= sigma else UNDECIDED
        return ELSEWHERE

    def grace(self, name: str) -> float:
        """The grace of a zone, 0 for what is none."""
        return next((zone.grace for zone in self.zones if zone.name == name), 0.0)

    @classmethod
    def _parse(cls, content: Any) -> ZoneMap:
        if not isinstance(content, Mapping) or content.get("format_version") != FORMAT_VERSION:
            raise ValueError(f"it must hold format_version: {FORMAT_VERSION}, hysteresis and zones")
        unknown = sorted(map(str, content.keys() - {"format_version", "hysteresis", "zones"}))
        if unknown:
            raise ValueError(f"'{unknown[0]}' is unknown; known are format_version, hysteresis, zones")
        entries = content.get("zones")
        if not isinstance(entries, list):
            raise ValueError("zones must be a list")
        return cls(tuple(_zone(entry) for entry in entries), _number(content.get("hysteresis"), "hysteresis"))


def _zone(entry: Any) -> Zone:
    if not isinstance(entry, Mapping) or not isinstance(entry.get("name"), str) or not entry["name"]:
        raise ValueError(f"zone {entry!r} has no name")
    name = entry["name"]
    unknown = sorted(map(str, entry.keys() - {"name", "cone", "sector", "grace"}))
    if unknown:
        raise ValueError(f"zone '{name}' has '{unknown[0]}'; known are name, cone, sector, grace")
    if ("cone" in entry) == ("sector" in entry):
        raise ValueError(f"zone '{name}' must have either a cone or a sector")
    grace = _number(entry.get("grace", 0.0), f"grace of zone '{name}'")
    if grace < 0.0:
        raise ValueError(f"grace of zone '{name}' is {grace}; it must be 0 or more seconds")
    return Zone(name, _cone(name, entry["cone"]) if "cone" in entry else _sector(name, entry["sector"]), grace)


def _cone(name: str, values: Any) -> Cone:
    if not isinstance(values, Mapping) or set(values) != {"yaw", "pitch", "radius"}:
        raise ValueError(f"cone of zone '{name}' must have yaw, pitch and radius")
    cone = Cone(**{key: _number(value, f"{key} of zone '{name}'") for key, value in values.items()})
    if not 0.0 < cone.radius <= 90.0:
        raise ValueError(f"radius of zone '{name}' is {cone.radius}; it must be more than 0, at most 90 degrees")
    return cone


def _sector(name: str, values: Any) -> Sector:
    if not isinstance(values, Mapping) or set(values) != {"yaw", "pitch"}:
        raise ValueError(f"sector of zone '{name}' must have yaw and pitch")
    bounds = {}
    for key, pair in values.items():
        if not isinstance(pair, list) or len(pair) != 2:
            raise ValueError(f"{key} of zone '{name}' must be [from, to] in degrees")
        low, high = (_number(value, f"{key} of zone '{name}'") for value in pair)
        if low >= high:
            raise ValueError(f"{key} of zone '{name}' is [{low}, {high}]; the first must be less than the second")
        bounds[key] = (low, high)
    return Sector(**bounds)


def _number(value: Any, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"{what} is {value!r}; it must be a number")
    return float(value)
