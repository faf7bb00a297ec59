"""FaceTracker: frame in, HeadState out. The only place with memory: where the head was, who it is, how it moves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from math import radians
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dense_face_ros.backends import CROP_SIZE, NetworkUnavailable, model_file
from dense_face_ros.backends.choose import load_network
from dense_face_ros.calibration import Calibration
from dense_face_ros.crop import Crop
from dense_face_ros.describing import HeadDescriber
from dense_face_ros.driver import Driver, nearness
from dense_face_ros.face_finder import FaceFinder
from dense_face_ros.face_model import FaceModel
from dense_face_ros.frame_input import (
    Image,
    assumed_camera,
    check_image,
    checked_camera,
    photograph_camera,
    same_lens,
)
from dense_face_ros.geometry import PinholeCamera
from dense_face_ros.head_fitting import MARGIN, HeadFit, HeadFitter
from dense_face_ros.head_size import person_of
from dense_face_ros.head_state import HeadState, Status
from dense_face_ros.identity_memory import IdentityMemory
from dense_face_ros.searching import NO_FIT, Look, centre_of, heads, looks
from dense_face_ros.smoothing import PoseFilter
from dense_face_ros.template import Template
from dense_face_ros.tracker_settings import TrackerSettings
from dense_face_ros.upright import UprightFinder

_NOT_FOUND = "no face found"
_NOT_THE_DRIVER = "the face in view is not the driver's"
_TYPICAL_STEP = 1.0 / 30.0  # seconds, where the time to the next frame is not known yet
_LEARNING_STEP = 0.1  # seconds between frames from which the person is learned: those in between say the same again
# A lone photograph has no next, better framed frame: with a third fit, landmarks depend a third less on the box than
# with two (validation photographs), with a fourth by another tenth.
_PHOTOGRAPH_FITS = 3
_BLANK = np.zeros((CROP_SIZE, CROP_SIZE, 3), dtype=np.uint8)


class FaceTracker:
    """Tracks one head, the driver's, through the frames of one camera.

    Args:
        settings: see :class:`TrackerSettings`.
        model_path, network_path, finder_path: files to use instead of the shipped ones. The finder and the eyelids
            are those that belong to the network (:func:`dense_face_ros.backends.model_file.companion`).
        backend: what runs the network, see :func:`dense_face_ros.backends.choose.load_network`.
            While the network cannot run, frames are answered as those without a head, with the reason.
        threads: CPU threads of the inference. The solver's BLAS should have one too: a program that does not import
            ``dense_face_ros.ros`` sets ``OPENBLAS_NUM_THREADS=1``, or imports :mod:`dense_face_ros.blas_threads`
            before NumPy. OpenCV's are as many as there are cores, unless ``cv2.setNumThreads`` says otherwise.

    Raises:
        FileNotFoundError, ValueError, ImportError, NetworkUnavailable: naming the file, parameter, package or what is
            wrong with the GPU, and the cure.
    """

    def __init__(
        self,
        settings: TrackerSettings | None = None,
        *,
        model_path: str | Path | None = None,
        network_path: str | Path | None = None,
        finder_path: str | Path | None = None,
        backend: str = "auto",
        threads: int = 1,
    ) -> None:
        self.settings = settings or TrackerSettings()
        self.model = FaceModel.load(model_path)
        network_file = model_file.network_path(_path(network_path))
        finder_file = _path(finder_path) or model_file.companion(network_file, "face_finder")
        self._finder = UprightFinder(FaceFinder(finder_file, threads=threads), self.settings.image_rotation)
        self._describer = HeadDescriber(self.model, model_file.companion(network_file, "eyelids"), threads)
        self._driver = Driver(self.settings.seat, self.settings.remember_person, self.model)
        pupils = self.settings.interpupillary_distance
        self._person = person_of(self.model, pupils) if pupils else None
        self._identity = IdentityMemory(self.settings.identity_time_constant, self.settings.identity_look, self._person)
        # What may hold a GPU comes last: nothing that is wrong with the rest leaves it held.
        self.network = load_network(backend, _path(network_path), threads)
        try:
            self.template = _template_of(self.network.metadata, self.model, network_file)
            self._calibration = self.settings.calibration or Calibration.of(self.network.metadata, network_file)
        except ValueError:
            self.network.close()
            raise
        self._filter = PoseFilter(self.settings.smoothing, self._calibration.lasting_share)
        self._fitter = HeadFitter(
            self.model, self.template, self.network, self.settings.limits, self.settings.alignment, self._calibration
        )
        self._tracks = 0
        self.reset()
        # Engines and tables set themselves up on their first use: not at the expense of the first frame.
        self._finder.find(_BLANK)
        self.template.surface_points(np.zeros((1, 2)))
        with suppress(NetworkUnavailable):  # its engine may still be being built
            self.check_network()

    @property
    def licences(self) -> dict[str, str]:
        """Terms of the networks in use, as their files tell them."""
        files = {
            "network": self.network.metadata,
            "finder": self._finder.metadata,
            "eyelids": self._describer.eyelid_metadata,
        }
        return {name: metadata.get("licence", "not told") for name, metadata in files.items()}

    @property
    def calibration(self) -> Calibration:
        """How far the network's word goes: by the settings, or else by its file."""
        return self._calibration

    def reset(self) -> None:
        """Forget the driver and all stamps: the next frame begins a new video."""
        self._last_stamp: float | None = None
        self._usual_step: float | None = None
        self._forget_person()

    def _forget_person(self) -> None:
        self._driver.forget()
        self._following = False  # whether the frame before showed the driver
        self._filter.reset()
        self._identity.forget()
        self._unlearned = _LEARNING_STEP  # the first frame is learned from at once

    def check_network(self) -> None:
        """Run the network once, on a blank crop.

        Raises:
            NetworkUnavailable: it cannot run now, and why.
            NetworkGivenUp: nor will it before another tracker is made.
        """
        self.network.run(_BLANK)

    def _another_size(self, camera: PinholeCamera) -> bool:
        last = self._driver.last
        return last is not None and (last.camera.width, last.camera.height) != (camera.width, camera.height)

    def close(self) -> None:
        """Free the inference engine; the tracker cannot be used any more."""
        self.network.close()

    def update(self, image: Image, stamp: float, camera: PinholeCamera | None = None) -> HeadState:
        """Track the head in the next frame of a video.

        Args:
            image: (H, W, 3) BGR or (H, W) grey, uint8.
            stamp: seconds, of the image. A stamp earlier than the last one, or an image of another size, starts a new
                video; one equal to the last is taken for the same image again, whose smoothed pose is told again.
            camera: of the image; without one a field of view is assumed and the pose is not metric. Through another
                lens the head's shape is learned anew, since it fits the one before.

        Raises:
            ValueError: an image of another shape or type, a camera of another size, or a stamp that is not finite.
        """
        check_image(image)
        if not np.isfinite(stamp):
            raise ValueError(f"stamp is {stamp}; it must be the time of the image in seconds")
        camera = checked_camera(camera, image) or assumed_camera(
            image.shape[1], image.shape[0], self.settings.field_of_view
        )
        if (self._last_stamp is not None and stamp < self._last_stamp) or self._another_size(camera):
            self.reset()
        elif self._driver.last is not None and not same_lens(self._driver.last.camera, camera):
            self._identity.forget()
            self._filter.reset()
        step = _TYPICAL_STEP
        if self._last_stamp is not None:
            step = stamp - self._last_stamp
            if self._driver.gone(stamp, self._usual_step or step):
                self._forget_person()
                self._usual_step = None
            elif step > 0.0:
                self._usual_step = step
        self._last_stamp = stamp
        fit, reason = self._track(image, stamp, camera)
        followed = fit is not None and self._following
        if fit is None:
            fit, reason = self._search(image, stamp, camera, reason)
        self._following = fit is not None
        if fit is None:
            status = Status.SEARCHING if self._driver.last is None else Status.LOST
            return self._describer.nothing(stamp, status, reason, camera)
        if self._driver.last is None:
            self._tracks += 1
        self._unlearned += step  # nothing for a repeated image, which says nothing new of the person
        if self._driver.see(fit, stamp, followed):
            self._identity.forget()  # what was learned since is another's,
            self._unlearned = 0.0  # and this fit leans on it
        if self._unlearned >= _LEARNING_STEP and not self._driver.doubted:
            # After a gap no more than one look's worth: what lay in between was not seen.
            self._identity.learn(fit.alignment.identity, min(self._unlearned, self.settings.identity_look))
            self._unlearned = 0.0
        pose, covariance = self._filter.update(stamp, fit.alignment.pose, fit.alignment.covariance)
        return self._describer.describe(image, fit, stamp, pose, covariance, self._tracks)

    def fit(self, image: Image, box: npt.ArrayLike | None = None, camera: PinholeCamera | None = None) -> HeadState:
        """Fit the nearest head of one photograph; nothing is remembered, nor taken from the video.

        Args:
            image: (H, W, 3) BGR or (H, W) grey, uint8.
            box: (x0, y0, x1, y1) around the face (brows to chin, ear to ear); without one the face is searched, down
                to 7 % of the image's height.
            camera: of the image; without one the head is taken to be far enough away for little perspective.

        Raises:
            ValueError: an image or box that is none, or a camera of another size.
        """
        check_image(image)
        camera = checked_camera(camera, image)
        shown = self._looks(image) if box is None else [[Look(self._crop_around(box))]]
        fits: list[HeadFit] = []
        reason = _NOT_FOUND
        believed = self._calibration if box is None else None
        for part in shown:
            views = [(look, camera or photograph_camera(image, look.crop.side / MARGIN)) for look in part]
            fits, why = heads(self._fitter, image, views, believed, self._person, times=_PHOTOGRAPH_FITS)
            reason = why or reason
            if fits:
                break
        best = max(fits, key=nearness, default=None)
        if best is None:
            lens = camera or photograph_camera(image, 0.5 * min(image.shape[:2]))
            return self._describer.nothing(0.0, Status.SEARCHING, reason, lens)
        return self._describer.describe(image, best, 0.0, best.alignment.pose, best.alignment.covariance, track=0)

    def _crop_around(self, box: npt.ArrayLike) -> Crop:
        """Of a face that stands as people do in these images."""
        return replace(Crop.around_box(box, MARGIN, CROP_SIZE), angle=-radians(self.settings.image_rotation))

    def _looks(self, image: Image) -> Iterator[list[Look]]:
        """Where a photograph may show a head: in all of it, then, if nobody is found there, closer."""
        for find in (self._finder.find, self._finder.find_closer):
            yield from looks(find(image), self.settings.candidates)

    def _track(self, image: Image, stamp: float, camera: PinholeCamera) -> tuple[HeadFit | None, str]:
        """The head near where it was, if it is still there."""
        last = self._driver.last
        if last is None:
            return None, _NOT_FOUND
        start = last if camera == last.camera else None  # else its pose belongs to the other camera
        try:
            fit = self._fitter.fit(image, last.next_view(camera), start, self._identity.prior)
        except NO_FIT as why:
            return None, str(why)
        if not self._driver.may_be(fit, stamp, self._following):
            return None, _NOT_THE_DRIVER
        return self._left_behind(image, fit, stamp, camera) or fit, ""

    def _left_behind(self, image: Image, fit: HeadFit, stamp: float, camera: PinholeCamera) -> HeadFit | None:
        """The driver's head, where somebody's who passed in front of it is followed."""
        left = self._driver.left_behind(fit, stamp)
        if left is None:
            return None
        try:
            other = self._fitter.fit(image, left.next_view(camera), identity=self._identity.prior)
        except NO_FIT:
            return None
        if not self._driver.is_rather(other, fit):
            return None
        self._filter.reset()
        self._following = False  # but somebody else
        return other

    def _search(self, image: Image, stamp: float, camera: PinholeCamera, reason: str) -> tuple[HeadFit | None, str]:
        """The driver's head anywhere in the image."""
        proposals = [c for c in self._finder.find(image) if self._driver.may_be_at(centre_of(c), stamp, camera)]
        # A doubtful head where the driver's was is the driver's.
        believed = self._calibration if self._driver.last is None else None
        refused = reason == _NOT_THE_DRIVER
        for part in looks(proposals, self.settings.candidates):
            views = [(look, camera) for look in part]
            fits, why = heads(self._fitter, image, views, believed, self._identity.prior, warm=True)
            reason = why or reason
            drivers = [fit for fit in fits if self._driver.may_be(fit, stamp)]
            if drivers:
                return max(drivers, key=nearness), reason
            refused = refused or bool(fits)
        return None, _NOT_THE_DRIVER if refused else reason


def _template_of(metadata: dict[str, str], model: FaceModel, path: Path) -> Template:
    """The template the network was trained for; ValueError when that was another face model's."""
    template = Template(model, metadata["template_kind"])
    model_file.check_template(metadata, path, template.hash)
    return template


def _path(path: str | Path | None) -> Path | None:
    return None if path is None else Path(path)
