"""The parts of a web page that stands alone: style, tables and pictures within one HTML file."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

_STYLE = """
body{font-family:sans-serif;max-width:1000px;margin:24px auto;padding:0 12px;color:#222;background:#fff}
table{border-collapse:collapse;margin:8px 0 16px}
td,th{border:1px solid #ddd;padding:3px 9px;text-align:left}
td.n{text-align:right;font-variant-numeric:tabular-nums}
svg{width:100%;height:auto;display:block;margin:6px 0}
figure{display:inline-block;width:235px;margin:4px;vertical-align:top}
figure img{width:100%;display:block}
figcaption{font-size:12px}
"""


def page(title: str, parts: Sequence[str]) -> str:
    """A whole HTML document; ``parts`` are HTML already."""
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>\n" + "\n".join(parts) + "\n</body></html>\n"
    )


def heading(text: str) -> str:
    """A section's heading."""
    return f"<h2>{escape(text)}</h2>"


def paragraph(text: str) -> str:
    """Plain text."""
    return f"<p>{escape(text)}</p>"


def table(rows: Sequence[Sequence[object]], header: Sequence[str] = ()) -> str:
    """Cells as :func:`shown`; numbers stand at the right."""
    head = "<tr>" + "".join(f"<th>{escape(name)}</th>" for name in header) + "</tr>" if header else ""
    return f"<table>{head}" + "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows) + "</table>"


def _cell(value: object) -> str:
    kind = ' class="n"' if isinstance(value, (int, float)) else ""
    return f"<td{kind}>{escape(shown(value))}</td>"


def shown(value: object) -> str:
    """A value for people: to four digits, from a thousand on to a tenth, unknown as an en dash."""
    if value is None or value != value:
        return "–"  # noqa: RUF001
    if isinstance(value, float):
        return f"{value:.1f}" if abs(value) >= 1e3 else f"{value:.4g}"
    return str(value)


def picture(jpeg: bytes, caption: str) -> str:
    """A JPEG within the page."""
    data = base64.b64encode(jpeg).decode("ascii")
    return f'<figure><img alt="{escape(caption)}" src="data:image/jpeg;base64,{data}">' + (
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )
