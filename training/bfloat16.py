"""Whether training on this machine's CPU is faster in bfloat16, or many times slower."""

from __future__ import annotations

import torch

#: To be told where single precision takes its place.
WITHOUT = "this CPU has no instructions for bfloat16, which would take many times as long; single precision is used"


def cpu_has_bfloat16() -> bool:
    """Whether oneDNN, which convolves for torch, has instructions for bfloat16 here; True where torch cannot tell."""
    try:
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    except (AttributeError, RuntimeError):  # torch promises nothing of such a name
        return True
