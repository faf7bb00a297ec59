from __future__ import annotations

import sqlite3
from pathlib import Path

import cv2
import numpy as np
import pytest

from dense_face_ros.geometry import rotation_from_yaw_pitch_roll
from training.benchmarks import aflw
from training.benchmarks.markup21 import POINTS, from_68

YAWS = (10.0, -45.0, 80.0)
#: AFLW's own tables, as the distribution of November 2012 has them.
TABLES = """
    CREATE TABLE Databases (db_id TEXT PRIMARY KEY, path TEXT, description TEXT);
    CREATE TABLE FaceImages (image_id INTEGER PRIMARY KEY, db_id TEXT, file_id TEXT, filepath TEXT, bw INTEGER,
                             width INTEGER, height INTEGER);
    CREATE TABLE Faces (face_id INTEGER PRIMARY KEY, file_id TEXT, db_id TEXT);
    CREATE TABLE FacePose (face_id INTEGER, roll REAL, pitch REAL, yaw REAL, annot_type_id INTEGER,
                           upsidedown INTEGER);
    CREATE TABLE FaceRect (face_id INTEGER, x INTEGER, y INTEGER, w INTEGER, h INTEGER, annot_type_id INTEGER,
                           upsidedown INTEGER);
    CREATE TABLE FeatureCoords (face_id INTEGER, feature_id INTEGER, x REAL, y REAL, annot_type_id INTEGER);
    CREATE TABLE FeatureCoordTypes (feature_id INTEGER PRIMARY KEY, descr TEXT, code TEXT, x REAL, y REAL, z REAL);
"""


@pytest.fixture
def states(state_of):
    return [state_of(rotation_from_yaw_pitch_roll(np.radians([yaw, 0.0, 0.0]))) for yaw in YAWS]


def seen_points(states) -> list[np.ndarray]:
    """The 21 points of every state; the second face hides its left ear, the third its left half."""
    points = [from_68(state.landmarks_2d) for state in states]
    names = list(POINTS)
    points[1][names.index("LeftEar")] = -1.0
    points[2][[i for i, name in enumerate(names) if "Left" in name]] = -1.0
    return points


@pytest.fixture
def release(tmp_path: Path, states) -> Path:
    """3DDFA's layout: crops half as large as the 320x240 regions of the photographs they were cut from."""
    names = [f"image{i:05d}_{i}.jpg" for i in range(3)]
    crops, configs = tmp_path / "test.data" / "AFLW_GT_crop", tmp_path / "test.configs"
    crops.mkdir(parents=True)
    configs.mkdir()
    (tmp_path / "test.data" / "AFLW_GT_crop.list").write_text("\n".join(names) + "\n")
    corner = np.array([30.0, 50.0])
    # The tracker sees crops: its pixels are those of the photograph, halved, its corner taken off.
    points = [np.where(p == -1.0, -1.0, 2.0 * (p + 0.5) - 0.5 + corner) for p in seen_points(states)]
    fitted = [2.0 * (state.landmarks_2d + 0.5) - 0.5 + corner for state in states]
    np.save(configs / "AFLW_GT_crop_yaws.npy", np.array(YAWS, np.float32))
    np.save(configs / "AFLW_GT_crop_roi_box.npy", np.tile([30.0, 50.0, 670.0, 530.0], (3, 1)))
    np.save(configs / "AFLW_GT_pts21.npy", np.stack(points).transpose(0, 2, 1).astype(np.float32))
    np.save(configs / "AFLW_GT_pts68.npy", np.stack(fitted).transpose(0, 2, 1).astype(np.float32))
    for name in names:
        cv2.imwrite(str(crops / name), np.zeros((240, 320, 3), np.uint8))
    return tmp_path


@pytest.fixture
def database(tmp_path: Path, states) -> Path:
    """AFLW's own layout: two faces on the first photograph, one on the second, and one without points."""
    photographs = tmp_path / "data" / "flickr" / "0"
    photographs.mkdir(parents=True)
    for name in ("image00002.jpg", "image00004.jpg"):
        cv2.imwrite(str(photographs / name), np.zeros((240, 320, 3), np.uint8))
    with sqlite3.connect(tmp_path / "data" / "aflw.sqlite") as db:
        db.executescript(TABLES)
        db.execute("INSERT INTO Databases VALUES ('flickr', '../data/flickr', 'made')")
        for i, name in enumerate(POINTS, start=1):
            db.execute("INSERT INTO FeatureCoordTypes VALUES (?, ?, ?, 0, 0, 0)", (i, name, name[:3].upper()))
        for i, name in enumerate(("image00002.jpg", "image00004.jpg"), start=1):
            row = (i, "flickr", name, f"0/{name}", 0, 320, 240)
            db.execute("INSERT INTO FaceImages VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        for face in range(4):
            name = "image00002.jpg" if face < 2 else "image00004.jpg"
            db.execute("INSERT INTO Faces VALUES (?, ?, 'flickr')", (39341 + face, name))
            yaw = float(np.radians(YAWS[face % 3]))
            db.execute("INSERT INTO FacePose VALUES (?, 0, 0, ?, 1, 0)", (39341 + face, yaw))
            db.execute("INSERT INTO FaceRect VALUES (?, 100, 60, 100, 100, 1, 0)", (39341 + face,))
        for face, points in enumerate(seen_points(states)):
            for feature, (x, y) in enumerate(points.tolist(), start=1):
                if x != -1.0:
                    row = (39341 + face, feature, x, y)
                    db.execute("INSERT INTO FeatureCoords VALUES (?, ?, ?, ?, 1)", row)
    return tmp_path


def test_3ddfa_release_in_pixels_of_the_crops(release: Path, states, model, known_tracker) -> None:
    tracker = known_tracker(states)
    result = aflw.evaluate(tracker, release, model)
    assert (result["layout"], result["n"], result["failed"], result["n_bins"]) == ("3ddfa", 3, 0, [1, 1, 1])
    assert max(result["nme21_bins"]) < 1e-3
    left = sum("Left" in name for name in POINTS)
    assert [row["visible"] for row in result["images"]] == [21, 20, 21 - left]
    assert np.allclose(tracker.boxes[0][:2], states[0].landmarks_2d.min(axis=0), atol=1e-3)
    assert np.allclose(tracker.boxes[0][2:], states[0].landmarks_2d.max(axis=0), atol=1e-3)
    assert aflw.evaluate(known_tracker(states), release, model, limit=1)["n"] == 1


def test_the_database_of_aflw_itself(database: Path, states, model, known_tracker) -> None:
    tracker = known_tracker(states)
    result = aflw.evaluate(tracker, database, model)
    assert (result["layout"], result["n"], result["n_bins"]) == ("original", 3, [1, 1, 1])
    assert max(result["nme21_bins"]) < 1e-3 and result["images"][1]["visible"] == 20
    assert tracker.boxes == [(100.0, 60.0, 200.0, 160.0)] * 3
    faces = aflw.read_faces(database / "data")[1]
    assert faces[2].image.is_file() and faces[2].yaw == pytest.approx(80.0)


def test_the_error_is_a_share_of_the_box(database: Path, states, model, lost, known_tracker) -> None:
    moved = [states[0], states[1], lost]
    with sqlite3.connect(database / "data" / "aflw.sqlite") as db:
        db.execute("UPDATE FeatureCoords SET x = x + 3, y = y - 4 WHERE face_id = 39341")
    result = aflw.evaluate(known_tracker(moved), database, model)
    assert result["nme21_bins"][0] == pytest.approx(5.0, abs=1e-3) and result["nme21_bins"][1] < 1e-3
    assert result["failed"] == 1 and result["nme21_bins"][2] > 3.0
    assert result["nme21_mean_of_bins"] == pytest.approx(sum(result["nme21_bins"]) / 3)


def _refused(folder: Path, model, tracker, words: str, error: type[Exception] = ValueError) -> None:
    with pytest.raises(error, match=words) as caught:
        aflw.evaluate(tracker, folder, model)
    assert "\n" not in str(caught.value)


def test_what_is_not_the_release_is_named(release: Path, states, model, known_tracker) -> None:
    tracker, configs = known_tracker(states), release / "test.configs"
    np.save(configs / "AFLW_GT_crop_yaws.npy", np.zeros(2))
    _refused(release, model, tracker, r"yaws of shape \(2,\) .* each of the 3 names")
    np.save(configs / "AFLW_GT_crop_yaws.npy", np.zeros(3))
    np.save(configs / "AFLW_GT_pts21.npy", np.zeros((3, 2, 19)))
    _refused(release, model, tracker, r"pts21\.npy' is of shape \(3, 2, 19\), expected \(3, 2 or 3, 21\)")
    (configs / "AFLW_GT_pts21.npy").unlink()
    _refused(release, model, tracker, r"pts21\.npy' does not exist", FileNotFoundError)
    (release / "test.data" / "AFLW_GT_crop.list").write_text("")
    _refused(release, model, tracker, r"AFLW_GT_crop\.list' names no image")


def test_what_is_not_the_database_is_named(database: Path, model, lost, known_tracker, tmp_path: Path) -> None:
    tracker, file = known_tracker([lost]), database / "data" / "aflw.sqlite"
    with sqlite3.connect(file) as db:
        db.execute("DELETE FROM FeatureCoords")
    _refused(database, model, tracker, r"aflw\.sqlite' has no face with points, rectangle and pose")
    with sqlite3.connect(file) as db:
        db.execute("DROP TABLE FacePose")
    _refused(database, model, tracker, r"aflw\.sqlite' is not AFLW's database: no such table")
    file.write_bytes(b"SQLite format 3\x00 and then nothing of the kind" * 40)
    _refused(database, model, tracker, r"aflw\.sqlite' is not AFLW's database")
    (tmp_path / "empty").mkdir()
    _refused(tmp_path / "empty", model, tracker, "empty' holds neither test.data/AFLW_GT_crop.list")
    _refused(tmp_path / "nowhere", model, tracker, "nowhere' does not exist", FileNotFoundError)
