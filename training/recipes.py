"""Named training recipes: everything that decides what a network becomes, except the time given to it."""

from __future__ import annotations

from dataclasses import dataclass

from training.terms import BACKGROUNDS, FREE, PHOTOGRAPHS, PORTRAITS, RENDERINGS, RESEARCH, told


@dataclass(frozen=True)
class Recipe:
    """One way to train.

    Attributes:
        name: as on the command line.
        architecture, width, share_encoders, resolution, blocks: see :func:`training.network.make_network`.
        template_kind: see :class:`dense_face_ros.template.Template`.
        synthetic_share, turned_share: how often a rendering is drawn, and a photograph turned out of plane; the rest
            are photographs as they are. All renderings, without ``pairs``: no data is needed, and neither of the next
            two has any effect.
        repeated_share: share of the renderings that are followed by the same head with a blink, another mouth or a
            turned camera: a second sample.
        faceless_share: how often a crop without a face is drawn, :mod:`training.faceless`.
        photographs: ``collections`` with the fits of ``training.photographs.fit``, or the London ``portraits``.
        pairs: samples carry a second rendering, ``target``, to map to, instead of the template.
        loss: a key of :data:`training.loss.LOSSES`.
        pose_weight: of the cost of what the errors make of the head's pose, :mod:`training.pose_error`.
        batch_size: samples per step and device.
        learning_rate: after the warm-up, at its highest.
        schedule: ``cosine`` to 1 % of it, or ``drop``: constant, a tenth in the last third (the paper's).
        warmup_steps: steps of linear rise.
        weight_decay: AdamW's, on weights but not on offsets and normalisations.
        gradient_clip: largest gradient norm.
        average_decay: of the moving average of the weights, which is what gets validated and exported.
        steps: length where the command line gives neither steps nor minutes.
        precision: Lightning's name, e.g. ``bf16-mixed``.
        validation_samples, validation_minutes: how many samples, and how often.
        training_data, licence: go into the exported file. Those here are of the shipped networks' data;
            ``training.train`` asks the data folder (:func:`training.photographs.sources.learned_from`).
        seed: of weights, order and augmentation.
    """

    name: str
    architecture: str
    synthetic_share: float
    loss: str
    training_data: str
    licence: str
    turned_share: float = 0.0
    repeated_share: float = 0.0
    faceless_share: float = 0.0
    photographs: str = "collections"
    width: float = 1.0
    share_encoders: bool = False
    resolution: tuple[int, int] = (128, 64)
    blocks: tuple[int, int, int] = (1, 2, 2)
    template_kind: str = "cylindrical"
    pairs: bool = False
    pose_weight: float = 0.0
    batch_size: int = 32
    learning_rate: float = 3e-3
    schedule: str = "cosine"
    warmup_steps: int = 300
    weight_decay: float = 0.02
    gradient_clip: float = 1.0
    average_decay: float = 0.999
    steps: int = 100_000
    precision: str = "bf16-mixed"
    validation_samples: int = 512
    validation_minutes: float = 5.0
    seed: int = 1

    @property
    def learns_from(self) -> str:
        """One of :data:`training.photographs.sources.KINDS`."""
        if self.pairs:
            return "backgrounds"
        return "renderings" if self.synthetic_share == 1.0 else self.photographs


RECIPES = {
    recipe.name: recipe
    for recipe in (
        # Sec. 4.1: 200,000 pairs, about two epochs, batches of 12 at 1e-4.
        Recipe(
            name="paper_synthetic",
            architecture="paper",
            synthetic_share=1.0,
            loss="paper",
            training_data=told([BACKGROUNDS])[0],
            licence=RESEARCH,
            share_encoders=True,
            template_kind="frontal",
            pairs=True,
            batch_size=12,
            learning_rate=1e-4,
            schedule="drop",
            weight_decay=0.0,
            gradient_clip=100.0,
            steps=33_000,
        ),
        # Sec. 4.1: starts from paper_synthetic; two epochs at 1e-4, one at 1e-5, over 300W-LP's 61,000 images.
        Recipe(
            name="paper_photographs",
            architecture="paper",
            synthetic_share=0.0,
            turned_share=0.5,
            loss="paper",
            training_data=PHOTOGRAPHS,
            licence=RESEARCH,
            template_kind="frontal",
            batch_size=12,
            learning_rate=1e-4,
            schedule="drop",
            weight_decay=0.0,
            gradient_clip=100.0,
            steps=15_000,
        ),
        Recipe(
            name="best",
            architecture="compact",
            synthetic_share=0.3,
            turned_share=0.4,
            repeated_share=0.5,
            faceless_share=0.03,
            loss="likelihood",
            pose_weight=0.5,
            batch_size=32,
            learning_rate=1e-3,
            validation_minutes=8.0,
            training_data=PHOTOGRAPHS,
            licence=RESEARCH,
        ),
        # Only what leaves no terms on the weights but to name the sources.
        Recipe(
            name="free",
            architecture="compact",
            blocks=(2, 4, 4),
            synthetic_share=0.6,
            turned_share=0.4,  # no portrait as it is: all of them look ahead, and a network learns that real faces do
            repeated_share=0.5,
            faceless_share=0.03,
            photographs="portraits",
            loss="likelihood",
            pose_weight=0.3,
            batch_size=32,
            learning_rate=1.5e-3,
            validation_minutes=8.0,
            training_data=PORTRAITS,
            licence=FREE,
        ),
        # Seconds long: shows that the whole way from data to an exported file works.
        Recipe(
            name="smoke",
            architecture="compact",
            synthetic_share=1.0,
            loss="likelihood",
            training_data=RENDERINGS,
            licence=FREE,
            width=0.25,
            batch_size=4,
            warmup_steps=2,
            steps=10,
            validation_samples=8,
        ),
    )
}


def recipe_named(name: str) -> Recipe:
    """Raises ValueError with the known names."""
    if name not in RECIPES:
        raise ValueError(f"recipe is '{name}'; known are {', '.join(RECIPES)}")
    return RECIPES[name]
