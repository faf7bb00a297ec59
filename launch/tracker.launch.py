"""The tracker and the attention node, configured and activated; on request an image source, an overlay and RViz.

For example:

    ros2 launch dense_face_ros tracker.launch.py image:=/camera/image_raw rviz:=true
    ros2 launch dense_face_ros tracker.launch.py source:=/dev/video0 field_of_view:=70 rviz:=true
"""

import os
from pathlib import Path

from ament_index_python.packages import PackageNotFoundError, get_package_prefix
from launch.actions import (
    DeclareLaunchArgument,
    EmitEvent,
    GroupAction,
    LogInfo,
    OpaqueFunction,
    RegisterEventHandler,
    SetEnvironmentVariable,
    TimerAction,
)
from launch.event_handlers import OnProcessStart
from launch.events import matches_action
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import LifecycleNode, Node, PushRosNamespace
from launch_ros.event_handlers import OnStateTransition
from launch_ros.events.lifecycle import ChangeState
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare
from lifecycle_msgs.msg import Transition

from launch import LaunchDescription

PACKAGE = "dense_face_ros"
TRUE, FALSE = ("true", "1"), ("false", "0")  # as launch's conditions take them, in any case
WINDOWS = (("overlay", "rqt_image_view"), ("rviz", "rviz2"))  # argument, and the package that it needs
RESPAWN_DELAY = 1.0  # seconds
RETRY = 5.0  # seconds until a node that was not ready is asked to activate again

#: Name, default, description.
ARGUMENTS = (
    ("namespace", "", "Namespace of the nodes and their topics."),
    ("params_file", "", "Parameter file of the tracker; empty: config/tracker.yaml of this package."),
    ("image", "image", "Topic of the images; with compressed the topic /compressed under it."),
    ("camera_info", "", "Topic of the camera's calibration; empty: camera_info beside the images."),
    ("compressed", "", "Whether to subscribe to compressed images; empty: as the parameter file says."),
    ("network", "", "Correspondence network, with its finder and eyelids; empty: as the parameter file says."),
    ("backend", "", "auto, tensorrt, onnxruntime or onnxruntime-cpu; empty: as the parameter file says."),
    (
        "use_sim_time",
        "",
        "Take the time from /clock, which a source then publishes; empty: as the nodes' files say.",
    ),
    ("source", "", "Webcam, video file, folder of images or rosbag2 to play as the camera; empty: none."),
    ("source_topic", "", "Image topic inside the bag; empty: its only one, or as source_params_file says."),
    ("source_params_file", "", "Parameter file of the source: its calibration file, rate; empty: none."),
    ("field_of_view", "", "Degrees across the longer side, assumed without calibration; empty: as the parameter file."),
    ("attention", "true", "Judge the driver's attention."),
    ("attention_params_file", "", "Parameter file of the attention node; empty: config/attention.yaml."),
    ("overlay", "false", "Show the overlay in a window (rqt_image_view)."),
    ("rviz", "false", "Start RViz."),
    ("fixed_frame", "camera", "Frame that RViz shows the head in: the frame_id of the images."),
    ("respawn", "false", "Start the tracker and the attention node again when their process ends."),
)


def nodes(context):
    """The nodes for the arguments as given."""
    given = {name: LaunchConfiguration(name).perform(context) for name, _, _ in ARGUMENTS}
    check(given, context)
    config = os.path.join(FindPackageShare(PACKAGE).perform(context), "config")
    respawn = flag("respawn", context)
    # For some seconds after a crash requests still go to the dead process, and launch waits for its answer for ever:
    # nodes that are started again activate themselves.
    started_again = {"autostart": True} if respawn else {}
    sim_time = flag("use_sim_time", context) if given["use_sim_time"] else None
    use_sim_time = {} if sim_time is None else {"use_sim_time": sim_time}
    publish_clock = {} if sim_time is None else {"publish_clock": sim_time}
    remappings = [("image", given["image"])]
    if given["camera_info"]:
        remappings.append(("camera_info", given["camera_info"]))

    source_topic = {"topic": typed("source_topic", str)} if given["source_topic"] else {}
    overrides = {**use_sim_time, **started_again}
    # Not for the source: its camera_info would make a measured camera of one that is assumed.
    if given["field_of_view"]:
        overrides["field_of_view"] = typed("field_of_view", float)
    if given["network"]:
        overrides["network"] = typed("network", str)
    if given["backend"]:
        overrides["backend"] = typed("backend", str)
    if given["compressed"]:
        overrides["compressed"] = flag("compressed", context)
    elif is_compressed(given["source"], given["source_topic"], given["source_params_file"]):
        overrides["compressed"] = True
    tracker = LifecycleNode(
        package=PACKAGE,
        executable="tracker",
        name="tracker",
        namespace="",
        output="screen",
        parameters=[
            given["params_file"] or os.path.join(config, "tracker.yaml"),
            *filter(None, [overrides]),
        ],
        remappings=remappings,
        respawn=respawn,
        respawn_delay=RESPAWN_DELAY,
    )
    attention = LifecycleNode(
        package=PACKAGE,
        executable="attention",
        name="attention",
        namespace="",
        output="screen",
        parameters=[
            given["attention_params_file"] or os.path.join(config, "attention.yaml"),
            *filter(None, [{**use_sim_time, **started_again}]),
        ],
        respawn=respawn,
        respawn_delay=RESPAWN_DELAY,
    )
    image_source = Node(
        package=PACKAGE,
        executable="image_source",
        name="image_source",
        output="screen",
        parameters=[
            *filter(None, [given["source_params_file"]]),
            {
                "source": typed("source", str),
                **publish_clock,
                **source_topic,
            },
        ],
        remappings=remappings,
    )
    rviz = Node(
        package="rviz2",
        executable="rviz2",
        arguments=["-d", os.path.join(config, "tracker.rviz"), "-f", given["fixed_frame"]],
        parameters=[*filter(None, [use_sim_time])],
    )
    optional = (
        ([*([] if respawn else activation(attention, "attention")), attention], flag("attention", context)),
        ([image_source], given["source"]),
        ([OpaqueFunction(function=overlay_window)], flag("overlay", context)),
        ([rviz], flag("rviz", context)),
    )
    wanted = [action for actions, asked in optional if asked for action in actions]
    namespace = [PushRosNamespace(given["namespace"])] if given["namespace"] else []
    return [GroupAction([*namespace, *([] if respawn else activation(tracker, "tracker")), tracker, *wanted])]


def overlay_window(context):
    """The window for the overlay, in the namespace in which the nodes are started."""
    # Launch files that include this one may have pushed a part of it; of none it may be "/".
    namespace = context.launch_configurations.get("ros_namespace", "").rstrip("/")
    return [Node(package="rqt_image_view", executable="rqt_image_view", arguments=[f"{namespace}/overlay"])]


def check(given, context):
    """Raise ValueError for what would fail when some nodes run already, or be passed over with a warning."""
    for argument in ("params_file", "source_params_file", "attention_params_file"):
        if given[argument] and not os.path.isfile(given[argument]):
            raise ValueError(f"launch argument {argument}:={given[argument]}: there is no such file")
    try:
        float(given["field_of_view"] or 0.0)
    except ValueError:
        text = f"launch argument field_of_view:={given['field_of_view']}: it must be a number of degrees"
        raise ValueError(text) from None
    for argument, package in WINDOWS:
        if flag(argument, context):
            try:
                get_package_prefix(package)
            except PackageNotFoundError:
                cure = f"apt install ros-$ROS_DISTRO-{package.replace('_', '-')}"
                text = f"launch argument {argument}:=true: package {package} is not installed; {cure}"
                raise ValueError(text) from None


def flag(argument, context):
    """The value of a launch argument that is true or false."""
    text = LaunchConfiguration(argument).perform(context)
    if text.lower() not in TRUE + FALSE:
        raise ValueError(f"launch argument {argument}:={text}: it must be true or false")
    return text.lower() in TRUE


def is_compressed(source, topic, params_file):
    """Whether a source is a bag of compressed images, on the topic or, if that is empty, on the parameter file's.

    What cannot be read is for the image source to name.
    """
    from dense_face_ros.ros.bag_source import holds_compressed
    from dense_face_ros.ros.parameter_file import read_parameters

    try:
        said = read_parameters(Path(params_file) if params_file else None, "image_source")
        return holds_compressed(source, topic or said["topic"])
    except (OSError, ValueError):
        return False


def typed(argument, kind):
    """A launch argument as a parameter of the given type, whatever its text looks like."""
    return ParameterValue(LaunchConfiguration(argument), value_type=kind)


def activation(node, name):
    """Configure a node when its process runs, activate it when it is configured, again and again if it is not ready.

    The tracker is not ready while its engine is built and nothing may stand in (backend tensorrt). Once it has been
    active, could not be started or was asked for another transition, whoever asks leads it, as a lifecycle manager.
    """
    starting = True

    def change(transition):
        return EmitEvent(event=ChangeState(lifecycle_node_matcher=matches_action(node), transition_id=transition))

    def again(context):
        return [change(Transition.TRANSITION_ACTIVATE)] if starting else []

    def follow(context):
        nonlocal starting
        event = context.locals.event
        before, after = event.start_state, event.goal_state
        if not starting or after in ("configuring", "activating", "errorprocessing"):
            return []
        if (before, after) == ("configuring", "inactive"):
            return again(context)
        if (before, after) == ("activating", "inactive"):
            return [TimerAction(period=RETRY, actions=[OpaqueFunction(function=again)])]
        starting = False
        failed = after == "unconfigured" and before in ("configuring", "errorprocessing")
        return [LogInfo(msg=f"The {name} node could not be started; its error above says why.")] if failed else []

    followed = OnStateTransition(target_lifecycle_node=node, entities=[OpaqueFunction(function=follow)])
    started = OnProcessStart(target_action=node, on_start=[change(Transition.TRANSITION_CONFIGURE)])
    return [RegisterEventHandler(handler) for handler in (followed, started)]


def generate_launch_description():
    """What ``ros2 launch`` runs."""
    profile = PathJoinSubstitution([FindPackageShare(PACKAGE), "config", "fastdds.xml"])
    # Without it Fast DDS loses most images between processes; a profile of the user's own is left alone.
    variables = ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE")
    own_profile = any(variable in os.environ for variable in variables)
    return LaunchDescription(
        [
            *([] if own_profile else [SetEnvironmentVariable(variable, profile) for variable in variables]),
            *(DeclareLaunchArgument(name, default_value=value, description=text) for name, value, text in ARGUMENTS),
            OpaqueFunction(function=nodes),
        ]
    )
