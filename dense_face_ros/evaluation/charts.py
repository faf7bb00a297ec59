"""Line charts, scatter plots and lanes of states as SVG text, for pages that need no other file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from dense_face_ros.geometry import Array

#: Colours that the common kinds of colour blindness keep apart (Okabe & Ito).
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
_MOST = 1500  # points drawn of a line
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 14, 30, 40  # pixels around the plot
_LANE = 26  # pixels from lane to lane


@dataclass(frozen=True)
class Series:
    """A curve, or a cloud of points when ``dots``: x and y (N,), broken where y is not finite."""

    name: str
    x: Array
    y: Array
    dots: bool = False


@dataclass(frozen=True)
class Band:
    """A coloured stretch of the x axis."""

    start: float
    end: float
    colour: str


def chart(
    title: str,
    series: Sequence[Series],
    x_label: str,
    y_label: str,
    bands: Sequence[Band] = (),
    y_range: tuple[float, float] | None = None,
    size: tuple[int, int] = (960, 210),
) -> str:
    """One ``<svg>`` element. Curves reach from edge to edge; axes carry round numbers."""
    width, height = size
    x_low, x_high = _extent([s.x for s in series])
    if any(s.dots for s in series):
        x_low, x_high = _padded(x_low, x_high)
    y_low, y_high = y_range or _padded(*_extent([s.y for s in series]))

    def to_u(x: Array | float) -> Array:
        return _to_u(x, x_low, x_high, width)

    def to_v(y: Array | float) -> Array:
        share = (np.clip(np.asarray(y), y_low, y_high) - y_low) / (y_high - y_low)
        return np.asarray(height - _BOTTOM - share * (height - _TOP - _BOTTOM))

    parts = [_opened(width, height)]
    parts += [_band(band, x_low, x_high, width, _TOP, height - _TOP - _BOTTOM) for band in bands]
    parts += _x_axis(x_low, x_high, x_label, width, height)
    for tick in ticks(y_low, y_high, height // 35):
        v = float(to_v(tick))
        parts.append(f'<path d="M{_LEFT} {v:.1f}H{width - _RIGHT}" stroke="#e4e4e4"/>')
        parts.append(_text(_LEFT - 6, v + 4, f"{tick:g}", "end"))
    for index, one in enumerate(series):
        colour = COLOURS[index % len(COLOURS)]
        parts.append(_drawn(one, to_u(one.x), to_v(one.y), colour))
    parts += _legend([(one.name, COLOURS[i % len(COLOURS)]) for i, one in enumerate(series)], width, thickness=4)
    parts.append(_text(_LEFT, 18, title, "start", bold=True))
    middle = 0.5 * (_TOP + height - _BOTTOM)
    parts.append(f'<g transform="rotate(-90 14 {middle})">{_text(14, middle, y_label, "middle")}</g>')
    return "".join([*parts, "</svg>"])


def lanes(
    title: str,
    rows: Mapping[str, Sequence[Band]],
    x_label: str,
    x_range: tuple[float, float],
    legend: Mapping[str, str],
    width: int = 960,
) -> str:
    """One ``<svg>`` element: a lane of bands for each short name, over the x axis of a :func:`chart` of this width.

    ``legend``: what the colours stand for, name -> colour.
    """
    x_low, x_high = _extent([np.array(x_range)])
    height = _TOP + _LANE * len(rows) + _BOTTOM
    parts = [_opened(width, height), *_x_axis(x_low, x_high, x_label, width, height)]
    for index, (name, bands) in enumerate(rows.items()):
        top = _TOP + _LANE * index + 2
        parts += [_band(band, x_low, x_high, width, top, _LANE - 4) for band in bands]
        parts.append(_text(_LEFT - 6, top + 15, name, "end"))
    parts += _legend(list(legend.items()), width, thickness=10)
    parts.append(_text(_LEFT, 18, title, "start", bold=True))
    return "".join([*parts, "</svg>"])


def stretches(
    seconds: Array,
    names: Sequence[str],
    colours: Mapping[str, str],
    pauses: Mapping[int, float] | None = None,
    nothing: str | None = None,
) -> list[Band]:
    """Bands where a name has a colour, each from its frame until the next, but through no pause of the recording.

    Args:
        seconds: (N,) of the frames.
        names: of the frames' states.
        colours: by name.
        pauses: frame before -> when the pause begins.
        nothing: colour of pauses.
    """
    times = seconds.tolist()
    bands: list[Band] = []
    for i, name in enumerate(names):
        following = times[min(i + 1, len(times) - 1)]
        end = (pauses or {}).get(i, following)
        for colour, begin, until in ((colours.get(name), times[i], end), (nothing, end, following)):
            if colour is None or until <= begin:
                continue
            if bands and bands[-1].colour == colour and bands[-1].end == begin:
                bands[-1] = Band(bands[-1].start, until, colour)
            else:
                bands.append(Band(begin, until, colour))
    return bands


def ticks(low: float, high: float, most: int) -> list[float]:
    """Up to about ``most`` round numbers (1, 2 or 5 times a power of ten apart) within [low, high]."""
    raw = (high - low) / max(most, 1)
    power = 10.0 ** np.floor(np.log10(raw))
    step = next(power * factor for factor in (1.0, 2.0, 5.0, 10.0) if power * factor >= raw * (1 - 1e-9))
    first, last = np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9)
    return [float(round(i * step, 12)) + 0.0 for i in np.arange(first, last + 1)]


def _to_u(x: Array | float, low: float, high: float, width: int) -> Array:
    return np.asarray(_LEFT + (np.asarray(x) - low) / (high - low) * (width - _LEFT - _RIGHT))


def _opened(width: int, height: int) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif">'
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>'
    )


def _band(band: Band, low: float, high: float, width: int, top: int, height: int) -> str:
    start, end = (float(_to_u(min(max(x, low), high), low, high, width)) for x in (band.start, band.end))
    return (
        f'<rect x="{start:.1f}" y="{top}" width="{max(end - start, 0.5):.1f}" height="{height}" fill="{band.colour}"/>'
    )


def _x_axis(low: float, high: float, label: str, width: int, height: int) -> list[str]:
    parts = []
    for tick in ticks(low, high, width // 110):
        u = float(_to_u(tick, low, high, width))
        parts.append(f'<path d="M{u:.1f} {_TOP}V{height - _BOTTOM}" stroke="#e4e4e4"/>')
        parts.append(_text(u, height - _BOTTOM + 15, f"{tick:g}", "middle"))
    parts.append(_text(0.5 * (_LEFT + width - _RIGHT), height - 6, label, "middle"))
    return parts


def _drawn(series: Series, u: Array, v: Array, colour: str) -> str:
    known = np.isfinite(u) & np.isfinite(v)
    if series.dots:
        dots = "".join(f'<circle cx="{a:.1f}" cy="{b:.1f}" r="2.6"/>' for a, b in zip(u[known], v[known], strict=True))
        return f'<g fill="{colour}" fill-opacity="0.65">{dots}</g>'
    u, v = _thinned(u, v)
    commands: list[str] = []
    alone = False  # a point of which no line went on, and which is painted as a dot
    pen_down = False
    for a, b in [*zip(u.tolist(), v.tolist(), strict=True), (np.nan, np.nan)]:
        if not (np.isfinite(a) and np.isfinite(b)):
            if alone:
                commands.append("h0")
            pen_down = alone = False
            continue
        commands.append(f"{'L' if pen_down else 'M'}{a:.1f} {b:.1f}")
        alone, pen_down = not pen_down, True
    return (
        f'<path d="{"".join(commands)}" fill="none" stroke="{colour}" stroke-width="1.3" '
        'stroke-linejoin="round" stroke-linecap="round"/>'
    )


def _thinned(u: Array, v: Array) -> tuple[Array, Array]:
    """The lowest and highest of each stretch of points: a long curve keeps its spikes, and is broken where nothing is
    known of a stretch."""
    if len(u) <= _MOST:
        return u, v
    stretches = np.array_split(np.arange(len(u)), _MOST // 2)
    kept: list[int] = []
    for stretch in stretches:
        finite = stretch[np.isfinite(v[stretch])]
        extremes = [np.argmin(v[finite]), np.argmax(v[finite])] if len(finite) else []
        kept += [int(finite[i]) for i in extremes] or [int(stretch[0])]
    order = np.unique(kept)
    return u[order], v[order]


def _legend(entries: Sequence[tuple[str, str]], width: int, thickness: int) -> list[str]:
    """Of (name, colour), at the right."""
    parts, right = [], float(width - _RIGHT)
    for name, colour in reversed(entries):
        if not name:
            continue
        right -= 6.6 * len(name) + 26
        parts.append(
            f'<rect x="{right:.0f}" y="{12 - thickness // 2}" width="12" height="{thickness}" fill="{colour}"/>'
        )
        parts.append(_text(right + 16, 17, name, "start"))
    return parts


def _extent(values: Sequence[Array]) -> tuple[float, float]:
    flat = np.concatenate([np.asarray(v, dtype=np.float64) for v in values]) if values else np.zeros(0)
    flat = flat[np.isfinite(flat)]
    if not len(flat):
        return 0.0, 1.0
    low, high = float(flat.min()), float(flat.max())
    return (low, high) if high - low > 1e-9 * max(1.0, abs(high)) else (low - 0.5, high + 0.5)


def _padded(low: float, high: float) -> tuple[float, float]:
    margin = 0.06 * (high - low)
    return low - margin, high + margin


def _text(x: float, y: float, text: str, anchor: str, bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="12" text-anchor="{anchor}"{weight}>{escape(text)}</text>'
