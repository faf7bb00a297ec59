"""Figures of other systems, to stand beside ours in ``docs/results.md``; each table says where they come from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Published:
    """One system: NME in % of the box for |yaw| in [0, 30], (30, 60], (60, 90] and their mean."""

    system: str
    bins: tuple[float, float, float]
    mean: float


#: Yu et al. 2017, Table 1: all of AFLW2000-3D, 68 points.
PAPER_68 = (
    Published("RCPR", (4.26, 5.96, 13.18), 7.80),
    Published("ESR", (5.60, 6.70, 12.67), 8.32),
    Published("SDM", (3.67, 4.94, 9.76), 6.12),
    Published("Zhu et al. (3DDFA)", (3.78, 4.54, 7.93), 5.42),
    Published("Yu et al. (the paper)", (3.62, 6.06, 9.56), 6.41),
)

#: Yu et al. 2017, Table 2: all of AFLW2000-3D, visible inner points; its last column is over all images.
PAPER_VISIBLE_INNER = (
    Published("Zhu et al. (3DDFA)", (4.30, 4.41, 6.68), 4.60),
    Published("Yu et al. (the paper)", (3.14, 3.84, 5.53), 3.58),
)


#: Yu et al. 2017, Table 3: AFLW, those of 21 points that can be seen; the mean of the bins is ours to compute.
PAPER_AFLW = (
    Published("Zhu et al. (3DDFA)", (5.00, 5.06, 6.74), 5.60),
    Published("Yu et al. (the paper)", (5.94, 6.48, 7.96), 6.79),
)

#: Yu et al. 2017, Table 4: AFLW-PIFA, AFLW's own 21 points.
PAPER_PIFA = {"Jourabloo et al.": 4.72, "Yu et al. (the paper)": 5.42}


@dataclass(frozen=True)
class Peer:
    """One system as measured on the 16 images of the AFLW2000-3D sample, one thread of a 2-core CPU.

    NME in % of the true box, mean of the yaw bins; pose MAE and geodesic in degrees; times in ms, median: the network
    alone, a frame given a box or track, a frame with detection. None: not given.
    """

    system: str
    nme68: float | None
    nme51: float | None
    pose_mae: float
    geodesic: float
    network: float
    tracked: float
    searched: float


#: The images, whose figures alone may stand beside those of the peers.
SAMPLE = frozenset({
    "image00050", "image00081", "image00251", "image00430", "image00475", "image00514", "image00516", "image01038",
    "image01322", "image02283", "image02420", "image02545", "image02616", "image03324", "image03614", "image04331",
})  # fmt: skip

#: Measured before this project, with the systems' own releases; not measured again by a command here.
PEERS = (
    Peer("3DDFA_V2, half width", 3.72, 3.01, 3.09, 6.0, 1.2, 1.7, 10.7),
    Peer("68-point net of FaceSynthetics (FDFAT)", 4.26, 3.40, 2.64, 4.5, 0.9, 2.3, 12.5),
    Peer("opentrack neuralnet 0.4 small int8", None, None, 2.53, 5.0, 2.4, 3.0, 6.1),
    Peer("OpenSeeFace model 0 (trained on these images)", 4.07, 3.44, 3.83, 6.4, 5.0, 8.1, 17.6),
    Peer("MediaPipe Face Landmarker 1.2 (misses 1 of 16)", 6.08, 4.16, 3.69, 6.7, 6.2, 9.1, 10.3),
    Peer("MediaPipe face mesh 0.10.21 (other jaw line)", 6.39, 4.37, 4.59, 7.8, 1.6, 3.7, 5.4),
    Peer("dlib 68 (Kazemi; finds 12 of 16)", 6.53, 3.91, 4.24, 8.0, 3.2, 4.3, 77.0),
)

#: Yu et al. 2017, Table 5 and Sec. 4.4, Titan X: the network alone, and with the 3-D fit.
PAPER_TIMES = (9.35, 19.0)
