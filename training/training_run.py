"""A training run: its state, the steps through it, and the checkpoint from which it goes on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

import torch
from lightning.fabric import Fabric
from torch import Tensor
from torch.utils.data import Dataset
from tqdm import tqdm

from dense_face_ros.template import Template
from training.averaging import MovingAverage
from training.checkpoint import CHECKPOINT, not_finite, save_checkpoint
from training.lineage import planned, previous_state, resumed, take_weights
from training.loader import BadData, Batch
from training.loss import LOSSES, Divisor, own
from training.network import recipe_network
from training.network.prediction import Prediction
from training.pictures import prediction_picture
from training.pose_error import PoseError
from training.processes import per_process, share_batch_statistics
from training.recipes import Recipe
from training.run_log import RunLog
from training.schedule import learning_rate, parameter_groups
from training.stopping import stop_requests

_CHECKPOINT_SECONDS = 120.0
_REPORT_STEPS = 50
_MOST_BAD_STEPS = 20
_VALIDATION_SEED = 0  # of the cells that the cost of the pose draws


class TrainingRun:
    """The state of a training run, and the steps through it.

    Args:
        fabric: launched.
        recipe: what to do; a run that is resumed has its own.
        out: the run's folder.
        template: that the network is to map to.
        resume: go on from the checkpoint in ``out``.
        learning_rate: instead of the recipe's, or of the run's that is resumed.
        steps, minutes: as :func:`training.lineage.planned` takes them.

    Raises:
        ValueError, OSError: as :func:`training.train.train`.
    """

    def __init__(
        self,
        fabric: Fabric,
        recipe: Recipe,
        out: Path,
        template: Template,
        resume: bool,
        learning_rate: float | None,
        steps: int | None,
        minutes: float | None,
    ) -> None:
        self.template = {"kind": template.kind, "hash": template.hash}
        state = previous_state(out, recipe, self.template, resume)
        self.steps, self.minutes = planned(recipe, state, steps, minutes)
        if state is not None:
            recipe = resumed(recipe, state, learning_rate)
        elif learning_rate is not None:
            recipe = replace(recipe, learning_rate=learning_rate)
        self.fabric, self.recipe, self.out = fabric, recipe, out
        network = recipe_network(recipe, template)
        if fabric.world_size > 1:
            share_batch_statistics(network)
        self.step, self.images, self._seconds_before, self._bad_steps = 0, 0, 0.0, 0
        if state is not None:
            network.load_state_dict(state["network"])
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        optimizer = torch.optim.AdamW(parameter_groups(network, recipe.weight_decay), lr=recipe.learning_rate)
        self.network = network
        self.module, self.optimizer = fabric.setup(network, optimizer)
        self.average = MovingAverage(network, recipe.average_decay)
        self.loss = LOSSES[recipe.loss]
        self.pose_error = PoseError(template) if recipe.pose_weight else None
        if state is not None:
            self.average.network.load_state_dict(state["average"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.step, self.images, self._seconds_before = state["step"], state["images"], state["seconds"]
            torch.set_rng_state(state["rng"])
        self._first_step = self.step
        self._saved_step = None if state is None else self.step
        self._started = time.monotonic()
        self._report_from = (self.step, self._started)
        self._waited = 0.0

    def take_weights(self, path: Path, samples: Dataset[Any]) -> None:
        """Begin with the averaged weights of another run's checkpoint, or those of an exported network.

        Raises:
            ValueError, OSError: as :func:`training.lineage.take_weights`.
        """
        self.recipe, self.images = take_weights(self.network, path, self.recipe, self.template["hash"], samples)
        self.average = MovingAverage(self.network, self.recipe.average_decay)
        self.average.network.to(self.fabric.device)

    @property
    def seconds(self) -> float:
        """Wall time of the run, its earlier parts included."""
        return self._seconds_before + time.monotonic() - self._started

    def go(self, batches: Iterator[Batch], validation: list[Batch]) -> None:
        """Step until the plan is fulfilled or somebody asks to stop.

        What goes wrong with ``batches`` ends the run behind a checkpoint.

        Raises:
            FloatingPointError: the gradients or the weights stopped being finite; the last checkpoint is sound.
            BadData: as :func:`training.loader.endless`.
            ValueError: its minutes were over before the first step; nothing is saved.
        """
        recipe = self.recipe
        log = RunLog(self.out, self.step) if self.fabric.is_global_zero else None
        validated, saved = self.seconds, self.seconds
        steps_bar = tqdm(total=self.steps, initial=self.step, disable=not self.fabric.is_global_zero, unit="step")
        with nullcontext() if log is None else closing(log), steps_bar as bar, stop_requests() as stop_asked:
            while (progress := self._progress()) < 1.0:
                batch = self._next_batch(batches, stop_asked())
                if batch is None:
                    break
                report = self._one_step(batch, progress)
                bar.update()
                if self.step % _REPORT_STEPS == 0:
                    self._report("train", {k: float(self._mean(v)) for k, v in report.items()}, log, bar)
                if self.seconds - validated > 60.0 * recipe.validation_minutes:
                    self._validate(validation, log, bar)
                    validated = self.seconds
                if self.seconds - saved > _CHECKPOINT_SECONDS:
                    self._save()
                    saved = self.seconds
            else:
                if self.step == 0 and self.minutes is not None:
                    # A checkpoint of nothing would only keep the folder from the run with more time.
                    raise ValueError(
                        f"--minutes {self.minutes:g} were over before the first step: it took {self.seconds:.1f} s to "
                        "make the data ready; give more"
                    )
            # First, and while a further signal is only a question: a run must not be lost while it is validated.
            self._save()
            self._validate(validation, log, bar)

    def _progress(self) -> float:
        """Share of the plan that is done; every process must get the same answer."""
        done = self.step / self.steps if self.steps else 0.0
        if self.minutes:
            passed = self.seconds / (60.0 * self.minutes)
            done = max(done, float(self.fabric.broadcast(passed)) if self.fabric.world_size > 1 else passed)
        return done

    def _next_batch(self, batches: Iterator[Batch], asked: bool) -> Batch | None:
        """The next batch; None where any process was asked to stop.

        What goes wrong in one process ends all, behind a checkpoint: the others would wait for it for ever.
        """
        began = time.monotonic()
        batch: Batch | None = None
        wrong: Exception | None = None
        if not asked:
            try:
                batch = next(batches)
            except Exception as error:
                wrong = error
        self._waited += time.monotonic() - began
        anyone_asked, anyone_failed = self._anyone(asked, wrong is not None)
        if anyone_failed:
            # The weights are sound. Before the first step there are none to keep, and the folder stays free.
            if self.step > self._first_step:
                self._save()
            raise wrong or BadData("another process had no batch, and says why")
        return None if anyone_asked else batch

    def _anyone(self, *said: bool) -> list[bool]:
        """Of each, whether any process says so."""
        if self.fabric.world_size == 1:
            return list(said)
        votes = torch.tensor(said, dtype=torch.float32, device=self.fabric.device)
        return [bool(vote) for vote in self._mean(votes) > 0.0]

    def _mean(self, value: Tensor) -> Tensor:
        """Mean over the processes."""
        return cast(Tensor, self.fabric.all_reduce(value, reduce_op="mean"))

    def _one_step(self, batch: Batch, progress: float) -> dict[str, Tensor]:
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.recipe, self.step, progress)
        prediction = self.module(batch["image"], batch.get("target"))
        loss, report = self._cost(prediction, batch, per_process)
        self.fabric.backward(loss)
        norm = self.fabric.clip_gradients(
            self.module, self.optimizer, max_norm=self.recipe.gradient_clip, error_if_nonfinite=False
        )
        assert norm is not None  # only other ways of clipping have none
        # One broken batch must not end a night's run, nor reach the weights; many in a row mean the run is lost.
        if torch.isfinite(norm):
            self.optimizer.step()
            self._bad_steps = 0
        else:
            self._bad_steps += 1
            if self._bad_steps >= _MOST_BAD_STEPS:
                raise self._lost(f"at step {self.step} gradients were not finite for {_MOST_BAD_STEPS} steps in a row")
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        self.images += len(batch["image"]) * self.fabric.world_size
        self.average.update(self.network, self.step)
        return {"loss": loss.detach(), **report, "gradient_norm": norm}

    def _cost(self, prediction: Prediction, batch: Batch, divisor: Divisor) -> tuple[Tensor, dict[str, Tensor]]:
        loss, report = self.loss(prediction, batch, divisor)
        if self.pose_error is None:
            return loss, report
        cost, parts = self.pose_error.cost(prediction, batch, divisor)
        return loss + self.recipe.pose_weight * cost, {**report, **parts}

    def _validate(self, batches: list[Batch], log: RunLog | None, bar: tqdm[Any]) -> None:
        """Averaged weights at full precision over the fixed validation samples; NaN is reported as such."""
        totals: dict[str, float] = {}
        samples: dict[str, int] = {}
        # The cells that the cost of the pose draws are fixed too, and none of training's own draws is taken.
        with torch.random.fork_rng(), torch.inference_mode():
            torch.manual_seed(_VALIDATION_SEED)
            for i, batch in enumerate(batches):
                batch = self.fabric.to_device(batch)
                prediction = self.average.network(batch["image"], batch.get("target"))
                loss, report = self._cost(prediction, batch, own)
                count = len(batch["image"])
                anything = bool((batch["matchable"] == 1).any())
                for key, value in {"loss": loss, **report}.items():
                    # NaN is the error of cells that are not there, and leaves no trace; any other tells of a fault.
                    if anything or not value.isnan():
                        totals[key] = totals.get(key, 0.0) + count * float(value)
                        samples[key] = samples.get(key, 0) + count
                if log is not None and i == 0:
                    log.picture("validation/predictions", self.step, prediction_picture(prediction, batch))
        self._report("validation", {key: value / samples[key] for key, value in totals.items()}, log, bar)

    def _report(self, split: str, values: dict[str, float], log: RunLog | None, bar: tqdm[Any]) -> None:
        if log is None:
            return
        values = {"seconds": self.seconds, "images": self.images, **values}
        if split == "train":
            now = time.monotonic()
            steps, spent = self.step - self._report_from[0], max(now - self._report_from[1], 1e-9)
            samples = steps * self.recipe.batch_size * self.fabric.world_size
            values |= {"images_per_second": samples / spent, "waiting_for_data": self._waited / spent}
            values["learning_rate"] = self.optimizer.param_groups[0]["lr"]
            self._report_from, self._waited = (self.step, now), 0.0
            bar.set_postfix({key: f"{values[key]:.3g}" for key in ("loss", "epe", "iou")})
        else:
            bar.write(f"step {self.step}: " + "  ".join(f"{key} {value:.4g}" for key, value in values.items()))
        log.write(split, self.step, values)

    def _lost(self, what: str) -> FloatingPointError:
        last = f"lower --learning-rate and --resume from '{self.out / CHECKPOINT}', which is of step {self._saved_step}"
        cure = "begin again with a lower --learning-rate" if self._saved_step is None else last
        return FloatingPointError(f"{what}; {cure}")

    def _save(self) -> None:
        """Write the checkpoint; FloatingPointError where its weights are not finite, and the one before stays."""
        # Statistics of the normalisations too, which no gradient tells of: they are used in evaluation alone.
        broken = not_finite({"network": self.network.state_dict(), "average": self.average.network.state_dict()})
        if broken:
            raise self._lost(f"at step {self.step} weights are not finite ({broken})")
        self._saved_step = self.step
        if not self.fabric.is_global_zero:
            return
        state = {
            "recipe": asdict(self.recipe),
            "template": self.template,
            "network": self.network.state_dict(),
            "average": self.average.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "length": {"steps": self.steps, "minutes": self.minutes},
            "images": self.images,
            "seconds": self.seconds,
            "rng": torch.get_rng_state(),
        }
        save_checkpoint(self.out / CHECKPOINT, state)
