"""The sections of the page of results: each turns the results of one kind into Markdown."""

from __future__ import annotations

from collections.abc import Callable

from training.reporting import accuracy, driving, learning, occlusion, speed, tracking
from training.reporting.tables import Named

#: Kind of result -> what makes its section of named results, in the order of the page.
SECTIONS: dict[str, Callable[[Named], list[str]]] = {
    "aflw2000": accuracy.aflw2000,
    "aflw2000_reannotated": accuracy.reannotated,
    "peers": accuracy.peers,
    "aflw": accuracy.aflw,
    "aflw_pifa": accuracy.aflw_pifa,
    "afw": accuracy.afw,
    "biwi": accuracy.biwi,
    "pointing04": accuracy.pointing04,
    "ibug300w": accuracy.ibug300w,
    "synthesis_ai": accuracy.synthesis_ai,
    "occlusion": occlusion.occlusion,
    "label_error": learning.label_error,
    "validation": learning.validation,
    "consistency": tracking.consistency,
    "steadiness": tracking.steadiness,
    "light": tracking.light,
    "passing": tracking.passing,
    "ablation": learning.ablation,
    "new_heads": learning.new_heads,
    "finding": tracking.finding,
    "blinks": tracking.blinks,
    "node_drives": driving.node_drives,
    "recording": tracking.recording,
    "video": tracking.video,
    "times": speed.times,
    "node": speed.node,
    "cold_start": speed.cold_start,
    "precision": speed.precision,
    "gpu": speed.gpu,
}
