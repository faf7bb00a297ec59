from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dense_face_ros.attention.zones import Cone, Sector, Zone, ZoneMap

ROAD_ONLY = "format_version: 1\nhysteresis: 3\nzones:\n  - {name: road, sector: {yaw: [-15, 15], pitch: [-15, 11]}}\n"


def where(zones: ZoneMap, yaw: float, pitch: float) -> str:
    return "road" if zones.inside_road(yaw, pitch, held=False) > 0 else zones.locate_aside(yaw, pitch, 0.5, "")


@pytest.mark.parametrize(
    ("yaw", "pitch", "name"),
    [
        (0, 0, "road"),
        (-26, -8, "rear_mirror"),
        (30, 5, "driver_mirror"),
        (-46, 4, "passenger_mirror"),
        (0, 14, "cluster"),
        (5, 35, "lap"),
        (-25, 20, "centre_stack"),
        (60, 0, "driver_window"),
        (-65, 5, "passenger"),
        (-60, 50, "passenger_footwell"),
        (100, 0, "driver_shoulder"),
        (-100, 0, "passenger_shoulder"),
        (0, -40, "ceiling"),
        (0, 85, "elsewhere"),
        (179, 0, "elsewhere"),
    ],
)
def test_places_in_a_car_and_in_its_mirror_image(yaw: float, pitch: float, name: str) -> None:
    assert where(ZoneMap.load(), yaw, pitch) == name
    assert where(ZoneMap.load(drive="right"), -yaw, pitch) == name


def test_distances_to_borders() -> None:
    cone = Cone(20.0, 0.0, 10.0)
    assert cone.inside(20.0, 0.0) == pytest.approx(10.0)
    assert cone.inside(20.0, 14.0) == pytest.approx(-4.0)
    sector = Sector((-10.0, 10.0), (-5.0, 20.0))
    assert sector.inside(0.0, 0.0) == pytest.approx(5.0)
    assert sector.inside(14.0, 0.0) == pytest.approx(-4.0)
    assert sector.inside(13.0, -9.0) == pytest.approx(-5.0, abs=0.05)
    assert Sector((-10.0, 10.0), (-5.0, 80.0)).inside(14.0, 60.0) == pytest.approx(-2.0), "degrees of yaw shrink"
    behind = Sector((170.0, 190.0), (-10.0, 10.0))
    assert behind.inside(-175.0, 0.0) == pytest.approx(5.0)


@pytest.mark.parametrize(
    "region",
    [Cone(-30.0, 20.0, 10.0), Cone(25.0, 70.0, 35.0), Cone(0.0, 0.0, 90.0), Sector((-40.0, 10.0), (5.0, 60.0))],
)
def test_outlines_lie_on_the_border(region: Cone | Sector) -> None:
    outline = region.outline()
    assert outline[0] == pytest.approx(outline[-1])
    assert max(abs(region.inside(*point)) for point in outline) < 1e-6
    assert len(np.unique(outline.round(3), axis=0)) > 20


def test_an_outline_runs_around_its_sector_without_leaps() -> None:
    outline = Sector((-40.0, 10.0), (5.0, 60.0)).outline()
    assert np.abs(np.diff(outline, axis=0)).max() < 10.0


def test_hysteresis_and_doubt() -> None:
    zones = ZoneMap((Zone("road", Cone(0, 0, 10)), Zone("left", Cone(30, 0, 10))), hysteresis=3.0)
    assert zones.inside_road(12.0, 0.0, held=False) < 0.0 < zones.inside_road(12.0, 0.0, held=True)
    assert zones.locate_aside(42.0, 0.0, 0.5, "") == "elsewhere"
    assert zones.locate_aside(42.0, 0.0, 0.5, "left") == "left"
    assert zones.locate_aside(39.0, 0.0, 2.0, "") == "undecided"
    wider = Zone("behind", Cone(30, 0, 25))
    overlapping = ZoneMap((*zones.zones, wider), hysteresis=3.0)
    told = {yaw: overlapping.locate_aside(yaw, 0.0, 2.0, "") for yaw in (37.0, 41.0, 43.0, 54.0)}
    assert list(told.values()) == ["left", "undecided", "behind", "undecided"], "in doubt is not behind"


def test_zones_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "van.yaml"
    file.write_text(ROAD_ONLY + "  - {name: door, cone: {yaw: 50, pitch: 0, radius: 20}, grace: 0.5}\n")
    zones = ZoneMap.load(file)
    assert [zone.name for zone in zones.zones] == ["road", "door"] and zones.hysteresis == 3.0
    assert zones.grace("door") == 0.5 and zones.grace("elsewhere") == 0.0
    assert np.isclose(zones.zones[1].region.inside(50.0, 0.0), 20.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("zones: [", "zone file '.*broken.yaml': while parsing"),
        ("[]", "format_version: 1"),
        (ROAD_ONLY.replace("1\n", "2\n", 1), "format_version: 1"),
        (ROAD_ONLY.replace("hysteresis: 3", "hysteresis: wide"), "hysteresis is 'wide'; it must be a number"),
        (ROAD_ONLY.replace("hysteresis: 3", "hysteresis: true"), "hysteresis is True; it must be a number"),
        (ROAD_ONLY.replace("hysteresis: 3", "hysteresis: .inf"), "hysteresis is inf; it must be a number"),
        (ROAD_ONLY.replace("hysteresis: 3", "hysteresis: 45"), "hysteresis is 45.0; it must be 0 to 45 degrees"),
        (ROAD_ONLY.replace("road", "street"), "there is no zone named 'road'"),
        (ROAD_ONLY.replace("road", "elsewhere"), "there is no zone named 'road'"),
        (ROAD_ONLY + "  - {name: elsewhere, cone: {yaw: 1, pitch: 1, radius: 1}}\n", "name 'elsewhere' has a meaning"),
        (ROAD_ONLY + "  - {name: undecided, cone: {yaw: 1, pitch: 1, radius: 1}}\n", "name 'undecided' has a meaning"),
        (ROAD_ONLY + "  - {name: unknown, cone: {yaw: 1, pitch: 1, radius: 1}}\n", "name 'unknown' has a meaning"),
        (ROAD_ONLY + "colour: red\n", "'colour' is unknown"),
        (ROAD_ONLY + "  - {name: a}\n", "zone 'a' must have either a cone or a sector"),
        ("format_version: 1\nhysteresis: 3\nzones: {road: 1}\n", "zones must be a list"),
        (ROAD_ONLY + "  - {cone: {}}\n", "has no name"),
        (ROAD_ONLY + "  - {name: '', cone: {yaw: 1, pitch: 1, radius: 1}}\n", "has no name"),
        (ROAD_ONLY + "  - {name: a, sector: {yaw: [0, 1]}}\n", "sector of zone 'a' must have yaw and pitch"),
        (ROAD_ONLY + "  - {name: a, cone: {yaw: 1, pitch: 1}}\n", "cone of zone 'a' must have yaw, pitch and radius"),
        (ROAD_ONLY + "  - {name: a, cone: {yaw: 1, pitch: 1, radius: 0}}\n", "radius of zone 'a' is 0.0"),
        (ROAD_ONLY + "  - {name: a, cone: {yaw: 1, pitch: 1, radius: 91}}\n", "radius of zone 'a' is 91.0"),
        (ROAD_ONLY + "  - {name: a, sector: {yaw: [3, 1], pitch: [0, 1]}}\n", r"yaw of zone 'a' is \[3.0, 1.0\]"),
        (ROAD_ONLY + "  - {name: a, sector: {yaw: 3, pitch: [0, 1]}}\n", r"yaw of zone 'a' must be \[from, to\]"),
        (ROAD_ONLY + "  - {name: road, cone: {yaw: 1, pitch: 1, radius: 1}}\n", "two zones have the same name"),
        (ROAD_ONLY + "  - {name: a, cone: {yaw: 1, pitch: 1, radius: 1}, grace: -1}\n", "grace of zone 'a' is -1.0"),
        (ROAD_ONLY + "  - {name: a, cone: {yaw: 1, pitch: 1, radius: 1}, speed: 1}\n", "zone 'a' has 'speed'"),
    ],
)
def test_what_is_wrong_with_a_zone_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "broken.yaml"
    file.write_text(text)
    with pytest.raises(ValueError, match=message):
        ZoneMap.load(file)


def test_a_missing_zone_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"zone file '.*none.yaml' cannot be read"):
        ZoneMap.load(tmp_path / "none.yaml")
