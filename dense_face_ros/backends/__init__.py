"""Running the correspondence network: one small interface, one module per inference engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

#: Side of the square RGB crop every network takes, and of the template it maps to, in pixels.
CROP_SIZE = 128


class NetworkUnavailable(RuntimeError):
    """The network cannot run now: no GPU, an engine still being built, a GPU lost. What it would say is unknown."""


class NetworkGivenUp(NetworkUnavailable):
    """The network cannot run and will not before it is loaded anew: its engine cannot be built."""


@dataclass(frozen=True)
class NetworkOutput:
    """What the network says about one crop, on a grid of h x w cells of ``CROP_SIZE / h`` pixels.

    Cell (i, j) speaks for the crop pixel at ``(j + 0.5) * stride - 0.5, (i + 0.5) * stride - 0.5``.

    Attributes:
        flow: (2, h, w) template pixel minus crop pixel (u, v), in pixels (paper Sec. 3.3).
        matchability: (h, w) probability that the pixel shows matchable face.
        log_sigma: (h, w) log of the flow's standard deviation per axis, in pixels.
    """

    flow: npt.NDArray[np.float32]
    matchability: npt.NDArray[np.float32]
    log_sigma: npt.NDArray[np.float32]


class CorrespondenceNetwork(Protocol):
    """A loaded network. ``name`` and ``metadata`` go to /diagnostics and may change while it runs.

    ``run`` raises NetworkUnavailable where the engine behind it can be missing for a while.
    """

    name: str
    metadata: dict[str, str]

    def run(self, crop: npt.NDArray[np.uint8]) -> NetworkOutput:
        """crop: (128, 128, 3) RGB."""
        ...

    def close(self) -> None:
        """Free what the engine holds; further runs are an error."""
        ...
