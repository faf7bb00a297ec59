"""TensorRT 10.3 (JetPack 6) and 11.4, the ends of what is supported, have every name that the backend uses.

Their genuine Python bindings are fetched with pip and loaded over empty libraries, in a process of their own.
"""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from dense_face_ros.backends import engine_build, tensorrt

#: What the variables of the backend hold, as TensorRT calls it.
CLASSES = {
    "builder": "Builder",
    "parser": "OnnxParser",
    "config": "IBuilderConfig",
    "timings": "ITimingCache",
    "engine": "ICudaEngine",
    "_engine": "ICudaEngine",
    "_runtime": "Runtime",
    "_context": "IExecutionContext",
}
WHEELS = {"10": "tensorrt_cu12_bindings==10.3.0", "11": "tensorrt_cu13_bindings==11.4.0.106"}
#: What the RTX edition alone has, and is asked for.
RTX_ONLY = {
    "ComputeCapability", "IBuilderConfig.num_compute_capabilities", "IBuilderConfig.set_compute_capability",
}  # fmt: skip
LIBRARIES = ("libnvinfer.so", "libnvinfer_plugin.so", "libnvonnxparser.so")
SYMBOLS = (
    "createInferBuilder_INTERNAL",
    "createInferRefitter_INTERNAL",
    "createInferRuntime_INTERNAL",
    "createNvOnnxParser_INTERNAL",
    "createNvOnnxParserRefitter_INTERNAL",
    "getBuilderPluginRegistry",
    "getNvOnnxParserVersion",
    "getPluginRegistry",
    "initLibNvInferPlugins",
)
PROGRAM = """
import json, sys
sys.path.insert(0, sys.argv[1])
import tensorrt_bindings as trt
missing = []
for path in json.loads(sys.argv[2]):
    value = trt
    for name in path.split("."):
        if not hasattr(value, name):
            missing.append(path)
            break
        value = getattr(value, name)
print(json.dumps({"version": trt.__version__, "missing": missing}))
"""


def names_used() -> list[str]:
    """Dotted names that the backend takes from TensorRT's module and from its objects."""
    found = set()
    for module in (engine_build, tensorrt):
        for node in ast.walk(ast.parse(Path(module.__file__).read_text(encoding="utf-8"))):
            path = []
            while isinstance(node, ast.Attribute):
                path.insert(0, node.attr)
                node = node.value
            if path and isinstance(node, ast.Name):
                path.insert(0, node.id)
            if len(path) > 1 and path[0] == "self":
                path.pop(0)
            if len(path) > 1 and path[0] == "trt":
                found.add(".".join(path[1:]))
            elif len(path) > 1 and path[0] in CLASSES:
                found.add(f"{CLASSES[path[0]]}.{path[1]}")
    return sorted(found - {"__name__", "__version__"})


def test_the_names_are_those_of_the_source():
    names = names_used()
    assert {"Builder.build_serialized_network", "IExecutionContext.execute_async_v3", "DataType.UINT8"} <= set(names)
    assert len(names) > 25


@pytest.mark.parametrize("version", WHEELS)
def test_every_name_is_there(tmp_path, version):
    fetch = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--disable-pip-version-check", "--no-input"]
    fetched = subprocess.run(
        [*fetch, "--retries", "1", "--timeout", "10", "-d", str(tmp_path), WHEELS[version]],
        capture_output=True, text=True,
    )  # fmt: skip
    if fetched.returncode != 0:
        pytest.skip(f"{WHEELS[version]} cannot be fetched here: {fetched.stderr.strip().splitlines()[-1]}")
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler for the empty libraries")
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        wheel.extractall(tmp_path / "site")
    (tmp_path / "empty.c").write_text("".join(f"void *{symbol}(void) {{ return 0; }}\n" for symbol in SYMBOLS))
    for library in LIBRARIES:
        name = f"{library}.{version}"
        command = [compiler, "-shared", "-fPIC", "-o", name, "empty.c", f"-Wl,-soname,{name}"]
        subprocess.run(command, cwd=tmp_path, check=True)
    asked = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "site"), json.dumps(sorted({*names_used()} - RTX_ONLY))],
        env={"LD_LIBRARY_PATH": str(tmp_path)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    answer = json.loads(asked.stdout)
    assert answer["version"].startswith(WHEELS[version].split("==")[1])
    assert answer["missing"] == []


def test_the_rtx_edition_has_every_name_too():
    trt = pytest.importorskip("tensorrt_rtx", reason="tensorrt-rtx is not installed: pip install tensorrt-rtx")
    assert set(names_used()) >= RTX_ONLY
    for path in names_used():
        value = trt
        for name in path.split("."):
            assert hasattr(value, name), path
            value = getattr(value, name)
