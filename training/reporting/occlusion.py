"""The section on what is told of landmarks that something covers."""

from __future__ import annotations

from collections.abc import Mapping

from training.benchmarks.covers import COLOURS
from training.reporting.tables import Named, made_by, table
from training.result_files import Result

_PEOPLE = {"synthesis_ai_sample": "Synthesis AI", "aflw2000_sample": "AFLW2000-3D"}
_SHAPES = {
    "band": "a band over the lower face",
    "box": "a box over it",
    "ellipse": "an ellipse over it",
    "eye": "a box over an eye",
    "cheek": "a box over a cheek",
}
_KINDS = {"mask": "a mask", "bare": "nothing before the mouth"}


def occlusion(results: Named) -> list[str]:
    """Covered landmarks told hidden, others told so wrongly, and real masks."""
    colours = " / ".join(COLOURS)
    header = (
        "heads", "cover", "refused, %", "covered points told hidden, %", "the same points without the cover, %",
        "others told hidden wrongly, %", "others move, % of the box: median head", "nine of ten heads below",
    )  # fmt: skip
    worn: list[list[object]] = []
    parts = [
        "## Covered faces",
        f"Things drawn over heads with known points, in four colours each ({colours}; skin is the face's own middle "
        "colour). Points count that the face itself does not hide and that are not next to the edge; others are those "
        "beside the cover, told hidden wrongly where they are told visible without it. Heads are those fitted without "
        "a cover; one that is refused with it is in none of the other shares.",
    ]
    for name, result in results:
        rows: list[list[object]] = []
        for people, told in result["people"].items():
            heads = f"{_PEOPLE[people]}, {told['n'] - told['refused']} of {told['n']}"
            rows += [[heads, _SHAPES[shape], *_columns(figures)] for shape, figures in told["covers"].items()]
        parts += [made_by(name, result, "python -m training.benchmarks.occlusion DATA --json"), table(header, rows)]
        worn += [
            [name, _KINDS[kind], row["n"], row["refused"], row["mouth_visible"]]
            for kind, row in result["worn_masks"].items()
        ]
    parts += [
        "Real masks: validation photographs of `masked_faces`, of which the others taught the default network that a "
        "mask is face (the licence-clean one saw none).",
        table(("file", "worn", "heads", "refused", "share of the mouth's points told visible"), worn),
    ]
    return parts


def _columns(figures: Mapping[str, Result]) -> list[str]:
    """The cells of a shape, its colours beside each other."""

    def cell(key: str, factor: float, decimals: int) -> str:
        values = [row[key] for row in figures.values()]
        return " / ".join("–" if value is None else f"{factor * value:.{decimals}f}" for value in values)  # noqa: RUF001

    percent = [cell(key, 100.0, 0) for key in ("refused", "recall", "recall_bare")]
    return [*percent, cell("false_hides", 100.0, 1), cell("moved", 1.0, 1), cell("moved_p90", 1.0, 1)]
