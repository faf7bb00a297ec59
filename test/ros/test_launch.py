"""The launch and config files. With launch_ros the description is made for real; without it its text is read."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import sys
from inspect import isfunction
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock
from xml.etree import ElementTree

import pytest
import yaml

from dense_face_ros.ros.parameter_spec import ParameterSpec, defaults
from dense_face_ros.ros.parameters import ATTENTION, IMAGE_SOURCE, TRACKER

ROOT = Path(__file__).parents[2]
LAUNCH = ROOT / "launch" / "tracker.launch.py"
#: What ``ros2 launch FILE NAME:=VALUE ...`` does.
LAUNCHER = """
import sys
from launch import LaunchDescription, LaunchService
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource

file, *given = sys.argv[1:]
arguments = [tuple(argument.split(":=", 1)) for argument in given]
service = LaunchService(noninteractive=True)
service.include_launch_description(
    LaunchDescription([IncludeLaunchDescription(PythonLaunchDescriptionSource(file), launch_arguments=arguments)])
)
sys.exit(service.run())
"""
PACKAGES = "ament_index_python.packages"
WANTED = {
    "namespace", "params_file", "image", "camera_info", "rviz", "use_sim_time", "backend", "source", "compressed",
    "overlay",
}  # fmt: skip


@pytest.fixture(scope="module")
def tree() -> ast.Module:
    return ast.parse(LAUNCH.read_text(), str(LAUNCH))


def arguments(tree: ast.Module) -> list[tuple[str, str, str]]:
    values = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "ARGUMENTS"
    ]
    return list(ast.literal_eval(values[0]))


def calls(tree: ast.Module, name: str) -> list[dict[str, ast.expr]]:
    """Keyword arguments of every call of ``name``."""
    return [
        {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name
    ]


def test_arguments_are_described(tree: ast.Module) -> None:
    declared = arguments(tree)
    assert {name for name, _, _ in declared} >= WANTED
    assert len({name for name, _, _ in declared}) == len(declared)
    assert all(text.endswith(".") for _, _, text in declared)


def test_every_argument_used_is_declared(tree: ast.Module) -> None:
    declared = {name for name, _, _ in arguments(tree)}
    texts = [node.slice for node in ast.walk(tree) if isinstance(node, ast.Subscript) and _is(node.value, "given")]
    texts += [node.args[0] for node in ast.walk(tree) if isinstance(node, ast.Call) and _reads(node.func)]
    used = {text.value for text in texts if isinstance(text, ast.Constant)}
    assert used == declared


def _reads(function: ast.expr) -> bool:
    return _is(function, "typed") or _is(function, "flag")


def _is(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def test_own_executables_are_modules_with_a_main(tree: ast.Module) -> None:
    own = [
        node["executable"].value  # type: ignore[attr-defined]
        for node in calls(tree, "Node") + calls(tree, "LifecycleNode")
        if isinstance(node["package"], ast.Name)
    ]
    assert sorted(own) == ["attention", "image_source", "tracker"]
    for executable in own:
        source = (ROOT / "dense_face_ros" / "ros" / f"{executable}_node.py").read_text()
        functions = {node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)}
        assert "main" in functions


def test_parameters_and_files_exist(tree: ast.Module) -> None:
    known = defaults(TRACKER).keys() | defaults(IMAGE_SOURCE).keys() | {"use_sim_time"}
    keys = {key.value for node in ast.walk(tree) if isinstance(node, ast.Dict) for key in node.keys if key}
    assert keys and keys <= known
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    files = {text for text in texts if text.endswith((".yaml", ".rviz", ".xml")) and "/" not in text}
    assert files == {"tracker.yaml", "attention.yaml", "tracker.rviz", "fastdds.xml"}
    assert all((ROOT / "config" / file).is_file() for file in files)


def loaded() -> Any:
    """The launch file as a module."""
    spec = importlib.util.spec_from_file_location("tracker_launch", LAUNCH)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_description_is_made() -> None:
    launch = pytest.importorskip("launch", reason="launch is not installed; it comes with a ROS installation")
    pytest.importorskip("launch_ros", reason="launch_ros is not installed; it comes with a ROS installation")
    description: Any = loaded().generate_launch_description()
    assert isinstance(description, launch.LaunchDescription)
    assert {argument.name for argument in description.get_launch_arguments()} >= WANTED


def test_the_nodes_run(start: Any, observer: Any, tmp_path: Path) -> None:
    pytest.importorskip("launch_ros", reason="launch_ros is not installed; it comes with a ROS installation")
    packages = importlib.import_module(PACKAGES)
    try:
        packages.get_package_prefix("dense_face_ros")
    except LookupError:
        pytest.skip("dense_face_ros is not installed; build it with colcon and source it")
    from ros.materials import write_bag

    bag = write_bag(tmp_path / "drive", "mcap", compressed=True)
    arguments = ["namespace:=/car/cabin", f"source:={bag}", "use_sim_time:=1"]
    launch = start("-c", LAUNCHER, str(LAUNCH), *arguments)
    wanted = ("active: images on /car/cabin/image/compressed", "attention]: configured", "playing")
    observer.wait_until(lambda: all(text in launch.output for text in wanted), "all nodes run", timeout=60.0)
    observer.wait_until(lambda: observer.node.count_subscribers("/car/cabin/head_pose") == 1, "attention is active")
    assert launch.stop() == 0, launch.output
    # The player may have come to its end before.
    assert launch.output.count("process has finished cleanly") == 3 and "Traceback" not in launch.output, launch.output


@pytest.fixture
def recording(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The launch file with stand-ins for launch, which note what they are given."""
    pytest.importorskip("lifecycle_msgs", reason="lifecycle_msgs is not installed; it comes with ROS")
    for name in ("launch", "launch_ros"):
        for part in ("", ".actions", ".event_handlers", ".events", ".substitutions"):
            monkeypatch.setitem(sys.modules, name + part, MagicMock())
    for name in ("launch_ros.events.lifecycle", "launch_ros.parameter_descriptions"):
        monkeypatch.setitem(sys.modules, name, MagicMock())
    module = loaded()
    monkeypatch.setattr(module, "get_package_prefix", lambda package: "/opt/ros")
    return module


def started(recording: Any, pushed: str = "/", **given: str) -> dict[str, dict[str, Any]]:
    """Executable -> how it is started, of the nodes for these launch arguments, in a namespace that launch pushed."""
    values = {name: default for name, default, _ in recording.ARGUMENTS} | given
    recording.LaunchConfiguration.side_effect = lambda name, default=None: SimpleNamespace(
        name=name, default=default, perform=lambda context: values[name]
    )
    recording.ParameterValue.side_effect = _value
    recording.FindPackageShare.return_value.perform.return_value = str(ROOT)
    for kind in (recording.Node, recording.LifecycleNode):
        kind.side_effect = lambda **how: SimpleNamespace(how=how)
    recording.GroupAction.side_effect = list
    recording.OpaqueFunction.side_effect = lambda function: function
    (group,) = recording.nodes(None)
    context = SimpleNamespace(launch_configurations={"ros_namespace": pushed})
    opened = [action(context) if isfunction(action) else [action] for action in group]
    made = [action.how for part in opened for action in part if isinstance(action, SimpleNamespace)]
    return {how["executable"]: how for how in made}


def overridden(node: dict[str, Any]) -> dict[str, Any]:
    """What a node is told after its parameter file."""
    return {name: value for given in node["parameters"][1:] for name, value in given.items()}


def _value(argument: Any, value_type: type) -> Any:
    text = argument.perform(None)
    return text.lower() == "true" if value_type is bool else text and value_type(text)


def test_what_is_asked_for_is_started(recording: Any) -> None:
    assert started(recording).keys() == {"tracker", "attention"}
    everything = started(recording, source="0", rviz="True", overlay="1", attention="false", namespace="/car/cabin/")
    assert everything.keys() == {"tracker", "image_source", "rqt_image_view", "rviz2"}
    assert everything["rqt_image_view"]["arguments"] == ["/overlay"]
    assert started(recording, "/fleet/car", overlay="1")["rqt_image_view"]["arguments"] == ["/fleet/car/overlay"]
    assert started(recording, rviz="true", fixed_frame="optical")["rviz2"]["arguments"][-2:] == ["-f", "optical"]
    for argument in ("attention", "use_sim_time"):
        with pytest.raises(ValueError, match=f"launch argument {argument}:=yes: it must be true or false"):
            started(recording, **{argument: "yes"})
    assert overridden(started(recording, use_sim_time="1")["tracker"]) == {"use_sim_time": True}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"params_file": "/missing.yaml"}, "launch argument params_file:=/missing.yaml: there is no such file"),
        ({"attention_params_file": "/missing.yaml"}, "attention_params_file:=/missing.yaml: there is no such file"),
        ({"source_params_file": "/missing.yaml"}, "source_params_file:=/missing.yaml: there is no such file"),
        ({"field_of_view": "wide"}, "launch argument field_of_view:=wide: it must be a number of degrees"),
        ({"rviz": "true"}, r"rviz:=true: package rviz2 is not installed; apt install ros-\$ROS_DISTRO-rviz2"),
        ({"overlay": "1"}, r"package rqt_image_view is not installed; apt install ros-\$ROS_DISTRO-rqt-image-view"),
    ],
)
def test_what_cannot_be_started_is_told_before_anything_is(
    recording: Any, monkeypatch: pytest.MonkeyPatch, given: dict[str, str], message: str
) -> None:
    """launch passes over a missing file with a warning, and leaves nodes alone that ran before a missing package."""
    monkeypatch.setattr(recording, "get_package_prefix", importlib.import_module(PACKAGES).get_package_prefix)
    monkeypatch.setenv("AMENT_PREFIX_PATH", "/nowhere")
    with pytest.raises(ValueError, match=message):
        started(recording, **given)


def test_nodes_that_are_started_again_activate_themselves(recording: Any) -> None:
    """After a crash launch's requests would go to the dead process."""
    nodes = started(recording)
    assert recording.RegisterEventHandler.called and not any(how["respawn"] for how in nodes.values())
    recording.RegisterEventHandler.reset_mock()
    nodes = started(recording, respawn="true")
    assert all(how["respawn"] and how["parameters"][1] == {"autostart": True} for how in nodes.values())
    assert nodes.keys() == {"tracker", "attention"} and not recording.RegisterEventHandler.called


def test_arguments_reach_the_nodes(recording: Any) -> None:
    plain = started(recording, rviz="true")
    for name in ("tracker", "attention"):
        assert len(plain[name]["parameters"]) == 1, "else as the file says, whose use_sim_time was overridden once"
    assert plain["rviz2"]["parameters"] == []
    asked = {"field_of_view": "70", "backend": "tensorrt", "network": "correspondence_free.onnx"}
    nodes = started(recording, source="0", source_topic="/b", **asked)
    assert overridden(nodes["tracker"]) == {**asked, "field_of_view": 70.0}
    source = {"source": "0", "topic": "/b"}
    assert nodes["image_source"]["parameters"] == [source], "what is assumed is not told as calibrated"
    unknown = started(recording, source="0")["image_source"]["parameters"]
    assert unknown == [{"source": "0"}], "an unknown camera is not told to be calibrated"
    nodes = started(recording, source="0", rviz="true", use_sim_time="false")
    assert [overridden(nodes[name]) for name in ("tracker", "attention")] == [{"use_sim_time": False}] * 2
    assert nodes["rviz2"]["parameters"] == [{"use_sim_time": False}]
    assert nodes["image_source"]["parameters"] == [{"source": "0", "publish_clock": False}]


def test_topics_files_and_time_are_those_that_are_given(recording: Any, tmp_path: Path) -> None:
    plain = started(recording)
    assert plain["tracker"]["remappings"] == [("image", "image")], "camera_info is found beside the images"
    assert [plain[name]["parameters"][0] for name in ("tracker", "attention")] == [
        str(ROOT / "config" / "tracker.yaml"), str(ROOT / "config" / "attention.yaml")
    ]  # fmt: skip
    files = {name: str(tmp_path / name) for name in ("params_file", "attention_params_file", "source_params_file")}
    for file in files.values():
        Path(file).touch()
    nodes = started(recording, source="0", use_sim_time="true", image="/cam", camera_info="/calibration", **files)
    for name in ("tracker", "image_source"):
        assert nodes[name]["remappings"] == [("image", "/cam"), ("camera_info", "/calibration")]
    assert [nodes[name]["parameters"] for name in ("tracker", "attention")] == [
        [files["params_file"], {"use_sim_time": True}], [files["attention_params_file"], {"use_sim_time": True}]
    ]  # fmt: skip
    source = {"source": "0", "publish_clock": True}
    assert nodes["image_source"]["parameters"] == [files["source_params_file"], source]


@pytest.mark.parametrize("variable", ["", "FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE"])
def test_a_profile_of_the_user_s_own_is_left_alone(
    recording: Any, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    for name in ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE"):
        monkeypatch.delenv(name, raising=False)
    if variable:
        monkeypatch.setenv(variable, "own.xml")
    recording.SetEnvironmentVariable.reset_mock()
    recording.generate_launch_description()
    assert recording.SetEnvironmentVariable.call_count == (0 if variable else 2)


def test_a_bag_is_listened_to_as_it_was_recorded(recording: Any, tmp_path: Path) -> None:
    pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install requirements/ros-jazzy.txt")
    from ros.materials import write_bag

    for compressed in (False, True):
        bag = write_bag(tmp_path / str(compressed), "mcap", compressed=compressed)
        parameters = overridden(started(recording, source=str(bag))["tracker"])
        assert parameters.get("compressed", False) is compressed
    parameters = overridden(started(recording, source=str(bag), compressed="false")["tracker"])
    assert parameters["compressed"] is False, "what is asked for is done"
    two = str(write_bag(tmp_path / "two", "mcap", compressed=True, rear=True))
    for topic, compressed in (("", False), ("/rear/image_raw", False), ("/cabin/image_raw/compressed", True)):
        parameters = overridden(started(recording, source=two, source_topic=topic)["tracker"])
        assert parameters.get("compressed", False) is compressed
    told = tmp_path / "source.yaml"
    told.write_text("image_source: {ros__parameters: {topic: /cabin/image_raw/compressed}}")
    parameters = overridden(started(recording, source=two, source_params_file=str(told))["tracker"])
    assert parameters["compressed"] is True
    rear = {"source_params_file": str(told), "source_topic": "/rear/image_raw"}
    parameters = overridden(started(recording, source=two, **rear)["tracker"])
    assert "compressed" not in parameters, "the argument counts before the file"
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("image_source: 3")
    parameters = overridden(started(recording, source=two, source_params_file=str(wrong))["tracker"])
    assert "compressed" not in parameters
    parameters = overridden(started(recording, source=str(tmp_path / "missing.mcap"))["tracker"])
    assert "compressed" not in parameters


class Starting:
    """The automatic start of a node that launch follows by its changes of state."""

    def __init__(self, module: Any) -> None:
        for action in ("EmitEvent", "ChangeState", "TimerAction", "OpaqueFunction", "LogInfo"):
            getattr(module, action).side_effect = lambda **given: SimpleNamespace(**given)
        module.activation("node", "tracker")
        (self._follow,) = module.OnStateTransition.call_args.kwargs["entities"]

    def after(self, before: str, state: str) -> list[Any]:
        """The actions that a change of state has launch do."""
        event = SimpleNamespace(start_state=before, goal_state=state)
        return list(self._follow.function(SimpleNamespace(locals=SimpleNamespace(event=event))))


def asked(actions: list[Any]) -> list[Any]:
    """The transitions that actions ask for."""
    return [action.event.transition_id for action in actions]


def test_a_node_that_is_not_ready_is_asked_again_until_it_is_active(recording: Any) -> None:
    start, wanted = Starting(recording), [recording.Transition.TRANSITION_ACTIVATE]
    (first,) = recording.OnProcessStart.call_args.kwargs["on_start"]
    assert first.event.transition_id is recording.Transition.TRANSITION_CONFIGURE
    assert not start.after("unconfigured", "configuring")
    assert asked(start.after("configuring", "inactive")) == wanted
    for _ in range(2):
        assert not start.after("inactive", "activating")
        (timer,) = start.after("activating", "inactive")
        assert timer.period == recording.RETRY
        (again,) = timer.actions
        assert asked(again.function(None)) == wanted
    assert not start.after("inactive", "activating") and not start.after("activating", "active")
    assert not again.function(None), "somebody else was faster"


def test_only_the_automatic_start_activates(recording: Any) -> None:
    """A lifecycle manager configures first and activates in its own order."""
    steps = {
        "it was active": [("configuring", "inactive"), ("activating", "active"), ("deactivating", "inactive")],
        "it failed": [("configuring", "unconfigured")],
        "it waited": [("configuring", "inactive"), ("activating", "inactive"), ("inactive", "cleaningup")],
    }
    for before, changes in steps.items():
        start = Starting(recording)
        for change in changes:
            start.after(*change)
        assert not start.after("unconfigured", "configuring") and not start.after("configuring", "inactive"), before
        assert not start.after("activating", "inactive"), before


@pytest.mark.parametrize("failed", [[("configuring", "unconfigured")], [("activating", "errorprocessing")]])
def test_a_node_that_could_not_be_started_is_told(recording: Any, failed: list[tuple[str, str]]) -> None:
    start = Starting(recording)
    (told,) = [action for change in (*failed, ("errorprocessing", "unconfigured")) for action in start.after(*change)]
    assert told.msg.startswith("The tracker node could not be started")


@pytest.mark.parametrize(("node", "table"), [("tracker", TRACKER), ("attention", ATTENTION)])
def test_parameter_file_holds_the_defaults(node: str, table: tuple[ParameterSpec, ...]) -> None:
    content = yaml.safe_load((ROOT / "config" / f"{node}.yaml").read_text())
    wanted = defaults(table)
    del wanted["autostart"]  # for use without a launch file
    assert content == {f"/**/{node}": {"ros__parameters": wanted}}


def test_rviz_shows_topics_of_the_tracker() -> None:
    content = yaml.safe_load((ROOT / "config" / "tracker.rviz").read_text())
    displays = content["Visualization Manager"]["Displays"]
    topics = {display["Topic"]["Value"] for display in displays if "Topic" in display}
    assert topics == {"markers", "attention/markers", "landmarks", "head_pose", "overlay"}


def test_fast_dds_profile_has_room_for_images() -> None:
    root = ElementTree.parse(ROOT / "config" / "fastdds.xml").getroot()
    names = {"d": "http://www.eprosima.com"}
    sizes = [int(element.text or 0) for element in root.iterfind(".//d:segment_size", names)]
    messages = [int(element.text or 0) for element in root.iterfind(".//d:maxMessageSize", names)]
    full_hd = 1920 * 1080 * 3
    assert messages[0] > full_hd and sizes[0] > 4 * full_hd
