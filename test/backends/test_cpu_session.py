"""How ONNX Runtime is set up on the CPU."""

from __future__ import annotations

import pytest

from dense_face_ros.backends import cpu_session


@pytest.mark.parametrize(
    ("machine", "flags", "overflows"),
    [
        ("x86_64", "flags : fma avx2 bmi2", True),
        ("x86_64", "flags : avx2 avx512_vnni", False),
        ("AMD64", "flags : avx2 avx_vnni", False),
        ("AMD64", None, True),
        ("aarch64", "Features : fp asimd asimddp", False),
    ],
)
def test_where_products_of_bytes_overflow_they_are_computed_the_slow_way(
    machine, flags, overflows, monkeypatch, tmp_path
):
    cpuinfo = tmp_path / "cpuinfo"
    if flags is not None:
        cpuinfo.write_text(flags)
    monkeypatch.setattr(cpu_session.platform, "machine", lambda: machine)
    assert cpu_session.bytes_overflow(cpuinfo) is overflows
    monkeypatch.setattr(cpu_session, "bytes_overflow", lambda: overflows)
    options = cpu_session.session_options(threads=2)
    assert options.intra_op_num_threads == 2
    try:
        precise = options.get_session_config_entry("session.x64quantprecision")
    except RuntimeError:  # there is no such entry
        precise = "0"
    assert precise == ("1" if overflows else "0")
