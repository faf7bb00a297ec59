"""The other systems that pip can install: their pinned packages, their environments, and running them."""

from __future__ import annotations

import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

from dense_face_ros.face_model import FaceModel
from training.peers.answers import Answer, parse_line

_HERE = Path(__file__).parent
_PATIENCE = 1800.0  # seconds for an installation or a run


class PeerError(RuntimeError):
    """Why a peer cannot be measured, in one line."""


@dataclass(frozen=True)
class Program:
    """A system: the script that runs it (in its own environment, without our package) and what pip installs there.

    Its packages are published for versions of Python before ``before``, where one is told.
    """

    script: Path
    requirements: tuple[str, ...]
    before: tuple[int, int] | None = None


PROGRAMS = {
    "mediapipe": Program(_HERE / "run_mediapipe.py", ("mediapipe==0.10.21",), before=(3, 13)),
    "dlib": Program(
        _HERE / "run_dlib.py",
        (
            "dlib-bin==20.0.1.post1",
            "face-recognition-models==0.3.0",
            "numpy==2.2.6",
            "opencv-python-headless==4.11.0.86",
            "setuptools==79.0.1",  # the models' package imports pkg_resources
        ),
    ),
}


def environment(name: str, folder: Path) -> Path:
    """The Python of the system's environment in ``folder``, made where it is not there yet.

    Raises:
        PeerError: pip could not install it, or this Python is too new for it.
    """
    place = folder / name
    python, ready = place / "bin" / "python", place / "ready"
    wanted = "\n".join(PROGRAMS[name].requirements)
    if ready.is_file() and ready.read_text(encoding="utf-8") == wanted:
        return python
    before = PROGRAMS[name].before
    if before is not None and sys.version_info[:2] >= before:
        # pip would only say that there is no such version.
        needed, here = (".".join(map(str, version)) for version in (before, sys.version_info[:2]))
        raise PeerError(f"{name} is there for Python < {needed}, this is {here}; run the command with an older one")
    print(f"installing {name} into {place}", file=sys.stderr)
    venv.create(place, with_pip=True, clear=True)
    _run([str(python), "-m", "pip", "install", "--quiet", *PROGRAMS[name].requirements], f"installing {name}")
    ready.write_text(wanted, encoding="utf-8")
    return python


def said(name: str, python: Path, images: list[Path], repeats: int, threads: int) -> list[str]:
    """The line of JSON that the system prints for every image (``training.peers.answers``).

    Raises:
        PeerError: it failed or did not answer for every image.
    """
    program = PROGRAMS[name].script
    options = ["--repeats", str(repeats), "--threads", str(threads)]
    text = _run([str(python), str(program), *options, *map(str, images)], f"running {name}")
    lines = [line for line in text.splitlines() if line.startswith("{")]
    if len(lines) != len(images):
        raise PeerError(f"{name} answered for {len(lines)} of {len(images)} images")
    return lines


def run(name: str, python: Path, images: list[Path], repeats: int, threads: int, model: FaceModel) -> list[Answer]:
    """What the system says about every image, timed ``repeats`` times each after one untimed run.

    Raises:
        PeerError: it failed or did not answer for every image.
    """
    try:
        answers = [parse_line(line, model) for line in said(name, python, images, repeats, threads)]
    except ValueError as error:
        raise PeerError(f"{name}: {error}") from error
    if [answer.name for answer in answers] != [image.stem for image in images]:
        raise PeerError(f"{name} answered for other images than it was asked about")
    return answers


def _run(command: list[str], what: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PeerError(f"{what} failed: {error}") from error
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise PeerError(f"{what} failed: {last}")
    return done.stdout
