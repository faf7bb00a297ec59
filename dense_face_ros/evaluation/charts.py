"""Line charts and scatter plots as SVG text, for pages that need no other file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from dense_face_ros.geometry import Array

#: Colours that the common kinds of colour blindness keep apart (Okabe & Ito).
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
_MOST = 1500  # points drawn of a line
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 14, 30, 40  # pixels around the plot


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
        return np.asarray(_LEFT + (np.asarray(x) - x_low) / (x_high - x_low) * (width - _LEFT - _RIGHT))

    def to_v(y: Array | float) -> Array:
        share = (np.clip(np.asarray(y), y_low, y_high) - y_low) / (y_high - y_low)
        return np.asarray(height - _BOTTOM - share * (height - _TOP - _BOTTOM))

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif">']
    parts.append(f'<rect width="{width}" height="{height}" fill="#ffffff"/>')
    for band in bands:
        start, end = float(to_u(max(band.start, x_low))), float(to_u(min(band.end, x_high)))
        parts.append(
            f'<rect x="{start:.1f}" y="{_TOP}" width="{max(end - start, 0.5):.1f}" '
            f'height="{height - _TOP - _BOTTOM}" fill="{band.colour}"/>'
        )
    for tick in ticks(x_low, x_high, width // 110):
        u = float(to_u(tick))
        parts.append(f'<path d="M{u:.1f} {_TOP}V{height - _BOTTOM}" stroke="#e4e4e4"/>')
        parts.append(_text(u, height - _BOTTOM + 15, f"{tick:g}", "middle"))
    for tick in ticks(y_low, y_high, height // 35):
        v = float(to_v(tick))
        parts.append(f'<path d="M{_LEFT} {v:.1f}H{width - _RIGHT}" stroke="#e4e4e4"/>')
        parts.append(_text(_LEFT - 6, v + 4, f"{tick:g}", "end"))
    for index, one in enumerate(series):
        colour = COLOURS[index % len(COLOURS)]
        parts.append(_drawn(one, to_u(one.x), to_v(one.y), colour))
    parts += _legend(series, width)
    parts.append(_text(_LEFT, 18, title, "start", bold=True))
    parts.append(_text(0.5 * (_LEFT + width - _RIGHT), height - 6, x_label, "middle"))
    middle = 0.5 * (_TOP + height - _BOTTOM)
    parts.append(f'<g transform="rotate(-90 14 {middle})">{_text(14, middle, y_label, "middle")}</g>')
    return "".join([*parts, "</svg>"])


def ticks(low: float, high: float, most: int) -> list[float]:
    """Up to about ``most`` round numbers (1, 2 or 5 times a power of ten apart) within [low, high]."""
    raw = (high - low) / max(most, 1)
    power = 10.0 ** np.floor(np.log10(raw))
    step = next(power * factor for factor in (1.0, 2.0, 5.0, 10.0) if power * factor >= raw * (1 - 1e-9))
    first, last = np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9)
    return [float(round(i * step, 12)) + 0.0 for i in np.arange(first, last + 1)]


def _drawn(series: Series, u: Array, v: Array, colour: str) -> str:
    known = np.isfinite(u) & np.isfinite(v)
    if series.dots:
        dots = "".join(f'<circle cx="{a:.1f}" cy="{b:.1f}" r="2.6"/>' for a, b in zip(u[known], v[known], strict=True))
        return f'<g fill="{colour}" fill-opacity="0.65">{dots}</g>'
    u, v = _thinned(u, v)
    commands, pen_down = [], False
    for a, b in zip(u.tolist(), v.tolist(), strict=True):
        if not (np.isfinite(a) and np.isfinite(b)):
            pen_down = False
            continue
        commands.append(f"{'L' if pen_down else 'M'}{a:.1f} {b:.1f}")
        pen_down = True
    return (
        f'<path d="{"".join(commands)}" fill="none" stroke="{colour}" stroke-width="1.3" '
        'stroke-linejoin="round" stroke-linecap="round"/>'
    )


def _thinned(u: Array, v: Array) -> tuple[Array, Array]:
    """The lowest and highest of each stretch of points, so that a long curve keeps its spikes."""
    if len(u) <= _MOST:
        return u, v
    stretches = np.array_split(np.arange(len(u)), _MOST // 2)
    kept: list[int] = []
    for stretch in stretches:
        finite = stretch[np.isfinite(v[stretch])]
        if len(finite) < len(stretch):
            kept.append(int(stretch[~np.isfinite(v[stretch])][0]))
        if len(finite):
            kept += [int(finite[np.argmin(v[finite])]), int(finite[np.argmax(v[finite])])]
    order = np.unique(kept)
    return u[order], v[order]


def _legend(series: Sequence[Series], width: int) -> list[str]:
    parts, right = [], float(width - _RIGHT)
    for index in reversed(range(len(series))):
        name = series[index].name
        if not name:
            continue
        right -= 6.6 * len(name) + 26
        colour = COLOURS[index % len(COLOURS)]
        parts.append(f'<rect x="{right:.0f}" y="10" width="12" height="4" fill="{colour}"/>')
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
