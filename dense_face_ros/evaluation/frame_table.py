"""One row per frame: what the tracker said, how it compares with the truth, and how long it took."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import numpy as np

from dense_face_ros.attention.states import Attention
from dense_face_ros.evaluation.jitter import WINDOW, Jitter
from dense_face_ros.evaluation.truth import TruePoses, pose_errors
from dense_face_ros.geometry import Array, yaw_pitch_roll_from_rotation
from dense_face_ros.head_state import HeadState, Status
from dense_face_ros.whole_files import whole_file

#: Metres, degrees (signs as in ``geometry.rotation_from_yaw_pitch_roll``), shares; ``sigma_`` from the covariance;
#: ``speed`` of the vehicle, metres per second.
_MEASURED = (
    "x", "y", "z", "yaw", "pitch", "roll",
    "raw_x", "raw_y", "raw_z", "raw_yaw", "raw_pitch", "raw_roll",
    "sigma_position", "sigma_rotation", "metric", "track", "visible_landmarks",
    "eye_left", "eye_right", "inliers", "residual", "coverage",
    "jitter_rotation", "jitter_position_mm", "jitter_raw_rotation", "jitter_raw_position_mm", "jitter_landmarks",
    "glance", "perclos", "speed",
)  # fmt: skip
_COMPARED = (
    "true_x", "true_y", "true_z", "true_yaw", "true_pitch", "true_roll",
    "error_rotation", "error_x", "error_y", "error_z",
)  # fmt: skip
EYES = ("left", "right")  # of the person; each has a number, ``eye_left`` and ``eye_right``
TEXTS = ("status", "reason", "attention", "attention_reason", "zone")
EXPRESSION = "expression."  # before the name of each activation
_PAUSE = 10.0  # usual steps from one frame to the next, from which on nothing was recorded between them
TIME = "milliseconds"  # of wall clock for the frame: the one column in which two runs differ


class FrameTable:
    """Grows by a row per frame; the numbers are float64, NaN where something is not known.

    Args:
        expression_names: of the face model.
    """

    def __init__(self, expression_names: Sequence[str]) -> None:
        self._names = (*_MEASURED, *(EXPRESSION + name for name in expression_names), TIME)
        self._expression_names = tuple(expression_names)
        self._rows: list[Array] = []
        self._texts: list[tuple[str, ...]] = []
        self._stamps: list[int] = []
        self._poses: list[Array] = []

    def __len__(self) -> int:
        return len(self._rows)

    def add(
        self,
        stamp: int,
        state: HeadState,
        jitter: Jitter | None,
        attention: Attention,
        milliseconds: float,
        speed: float | None = None,
    ) -> None:
        """The next frame; ``jitter`` of the window that ends with it goes into the row of the window's middle."""
        unknown = float("nan")
        visible = state.landmark_visible.sum() if state.status is Status.TRACKING else unknown
        covariance = np.diag(state.covariance)
        numbers = [
            *state.pose[:3, 3], *state.yaw_pitch_roll,
            *state.pose_raw[:3, 3], *np.degrees(yaw_pitch_roll_from_rotation(state.pose_raw[:3, :3])),
            np.sqrt(covariance[:3].sum()), np.degrees(np.sqrt(covariance[3:].sum())),
            float(state.camera.metric), float(state.track or np.nan), float(visible),
            *state.eye_openness, *(state.quality.get(n, unknown) for n in ("inliers", "residual", "coverage")),
            *[unknown] * 5, attention.glance, attention.perclos, unknown if speed is None else speed,
            *(state.expression.get(name, unknown) for name in self._expression_names), milliseconds,
        ]  # fmt: skip
        self._rows.append(np.array(numbers, dtype=np.float64))
        concluded = attention.state.value, attention.reason, attention.zone
        self._texts.append((state.status.value, state.reason, *concluded))
        self._stamps.append(stamp)
        self._poses.append(state.pose)
        if jitter is not None:
            at = self._names.index("jitter_rotation")
            figures = (
                jitter.rotation_deg, jitter.position_mm, jitter.rotation_raw_deg, jitter.position_raw_mm,
                jitter.landmarks_percent,
            )  # fmt: skip
            self._rows[len(self._rows) - 1 - WINDOW // 2][at : at + 5] = figures

    def columns(self, truth: TruePoses | None = None) -> FrameColumns:
        """The finished table, with the columns of comparison where there is a truth."""
        stamps = np.array(self._stamps, dtype=np.int64)
        numbers = dict(zip(self._names, np.stack(self._rows, axis=1), strict=True))
        milliseconds = numbers.pop(TIME)
        if truth is not None:
            found, true = np.stack(self._poses), truth.at(stamps)
            angles = [np.degrees(yaw_pitch_roll_from_rotation(pose[:3, :3])) for pose in true]
            angle, offset = pose_errors(found, true)
            compared = np.column_stack([true[:, :3, 3], np.stack(angles), angle, offset])
            numbers |= dict(zip(_COMPARED, compared.T, strict=True))
        numbers[TIME] = milliseconds
        texts = {name: [row[i] for row in self._texts] for i, name in enumerate(TEXTS)}
        return FrameColumns(stamps, texts, numbers)


def recorded(stamps: np.ndarray) -> np.ndarray:
    """(N,) what was recorded up to each stamp, in their unit: where they go back a pass ends, or a clock was set."""
    return np.asarray(np.maximum(np.diff(stamps, prepend=stamps[:1]), 0).cumsum())


class FrameColumns:
    """The table by columns: ``stamps`` (N,) nanoseconds, ``texts`` and ``numbers`` by name."""

    def __init__(self, stamps: np.ndarray, texts: dict[str, list[str]], numbers: dict[str, Array]) -> None:
        self.stamps, self.texts, self.numbers = stamps, texts, numbers

    def __len__(self) -> int:
        return len(self.stamps)

    @property
    def seconds(self) -> Array:
        """(N,) seconds since the first frame."""
        return np.asarray(1e-9 * (self.stamps - self.stamps[0]).astype(np.float64))

    @property
    def played(self) -> Array:
        """(N,) seconds that were recorded up to each frame: ``seconds``, until stamps go back where a pass ends."""
        return np.asarray(1e-9 * recorded(self.stamps).astype(np.float64))

    @property
    def step(self) -> float | None:
        """Seconds from frame to frame, of those without a pause or another clock between them; None: not known."""
        steps = np.diff(self.played)
        steps = steps[steps > 0.0]
        return float(steps[steps <= _PAUSE * np.median(steps)].mean()) if len(steps) else None

    @property
    def passes(self) -> np.ndarray:
        """(N,) of which pass each frame is: the stamps of a recording that was looped rise within each, from 0 on."""
        return (np.diff(self.stamps, prepend=self.stamps[:1] - 1) <= 0).cumsum()

    def write_csv(self, path: Path) -> None:
        """Stamps as whole nanoseconds; numbers as they are read back exactly; unknown numbers empty.

        Raises:
            OSError: the file cannot be written; none is left then.
        """
        with whole_file(path) as file:
            writer = csv.writer(codecs.getwriter("utf-8")(file))
            writer.writerow(["frame", "stamp_ns", *self.texts, *self.numbers])
            numbers = np.stack(list(self.numbers.values()), axis=1)
            for index, row in enumerate(numbers.tolist()):
                texts = [column[index] for column in self.texts.values()]
                figures = ["" if number != number else repr(number) for number in row]
                writer.writerow([index, int(self.stamps[index]), *texts, *figures])

    def write_parquet(self, path: Path) -> bool:
        """The same as Parquet; False where pyarrow is not installed.

        Raises:
            OSError: as :meth:`write_csv`.
        """
        try:
            arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
        except ImportError:
            return False
        index = np.arange(len(self), dtype=np.int64)
        table = arrow.table({"frame": index, "stamp_ns": self.stamps, **self.texts, **self.numbers})
        with whole_file(path) as file:
            parquet.write_table(table, file)
        return True

    @classmethod
    def read_csv(cls, path: Path) -> FrameColumns:
        """Read what :meth:`write_csv` wrote.

        Raises:
            FileNotFoundError, ValueError: naming the file, and the line where the table is cut off or damaged.
        """
        rows = _whole_rows(path)
        try:
            stamps = np.array([int(row["stamp_ns"]) for row in rows], dtype=np.int64)
            names = [name for name in rows[0] if name not in ("frame", "stamp_ns", *TEXTS)]
            numbers = {n: np.array([float(row[n] or "nan") for row in rows]) for n in names}
            return cls(stamps, {name: [row[name] for row in rows] for name in TEXTS}, numbers)
        except (KeyError, OverflowError, ValueError) as error:
            raise ValueError(f"'{path}' is no table of an evaluation: {error}") from error


def _whole_rows(path: Path) -> list[dict[str, str]]:
    """The cells of a table by the names of its columns, a row for every frame.

    Raises:
        FileNotFoundError, ValueError: as :meth:`FrameColumns.read_csv`.
    """
    try:
        text = path.read_bytes().decode("utf-8")
        reader = csv.reader(io.StringIO(text, newline=""))
        names = next(reader, [])
        rows = [(reader.line_num, cells) for cells in reader if cells]
    except FileNotFoundError as error:
        raise FileNotFoundError(f"'{path}' does not exist; give the folder of an evaluation") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"'{path}' is no table of an evaluation: {error}") from error
    if not rows or "stamp_ns" not in names or TIME not in names:
        raise ValueError(f"'{path}' is no table of an evaluation: it lacks stamp_ns or {TIME}")
    for line, cells in rows:
        if len(cells) != len(names):
            raise ValueError(
                f"'{path}', line {line} has {len(cells)} cells, but the table {len(names)} columns; evaluate the "
                "recording again"
            )
    if not text.endswith("\n"):  # its last number may be half of one, which would be taken for another
        raise ValueError(f"'{path}', line {reader.line_num} is cut off; evaluate the recording again")
    return [dict(zip(names, cells, strict=True)) for _, cells in rows]
