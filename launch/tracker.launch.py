"""The tracker and the attention node, configured and activated; on request an image source, an overlay and RViz.

For example:

    ros2 launch dense_face_ros tracker.launch.py image:=/camera/image_raw rviz:=true
    ros2 launch dense_face_ros tracker.launch.py source:=/dev/video0 field_of_view:=70 rviz:=true
"""

import os

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
from launch.conditions import IfCondition
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
RETRY = 5.0  # seconds until a node that was not ready is asked to activate again

#: Name, default, description.
ARGUMENTS = (
    ("namespace", "", "Namespace of the nodes and their topics."),
    ("params_file", "", "Parameter file of the tracker; empty: config/tracker.yaml of this package."),
    ("image", "image", "Topic of the images; with compressed the topic /compressed under it."),
    ("camera_info", "", "Topic of the camera's calibration; empty: camera_info beside the images."),
    ("compressed", "", "Whether to subscribe to compressed images; empty: as the parameter file says."),
    ("backend", "", "auto, tensorrt, onnxruntime or onnxruntime-cpu; empty: as the parameter file says."),
    ("use_sim_time", "false", "Take the time from /clock; a source then publishes it."),
    ("source", "", "Webcam, video file, folder of images or rosbag2 to play as the camera; empty: none."),
    ("field_of_view", "0.0", "Degrees across the longer side of the source's images, where known; 0: unknown."),
    ("attention", "true", "Judge the driver's attention."),
    ("attention_params_file", "", "Parameter file of the attention node; empty: config/attention.yaml."),
    ("overlay", "false", "Show the overlay in a window (rqt_image_view)."),
    ("rviz", "false", "Start RViz."),
)


def nodes(context):
    """The nodes for the arguments as given."""
    given = {name: LaunchConfiguration(name).perform(context) for name, _, _ in ARGUMENTS}
    config = os.path.join(FindPackageShare(PACKAGE).perform(context), "config")
    use_sim_time = {"use_sim_time": typed("use_sim_time", bool)}
    remappings = [("image", given["image"])]
    if given["camera_info"]:
        remappings.append(("camera_info", given["camera_info"]))

    overrides = {"backend": typed("backend", str), "compressed": typed("compressed", bool)}
    tracker = LifecycleNode(
        package=PACKAGE,
        executable="tracker",
        name="tracker",
        namespace="",
        output="screen",
        parameters=[
            given["params_file"] or os.path.join(config, "tracker.yaml"),
            {**use_sim_time, **{name: value for name, value in overrides.items() if given[name]}},
        ],
        remappings=remappings,
    )
    attention = LifecycleNode(
        package=PACKAGE,
        executable="attention",
        name="attention",
        namespace="",
        output="screen",
        parameters=[given["attention_params_file"] or os.path.join(config, "attention.yaml"), use_sim_time],
    )
    image_source = Node(
        package=PACKAGE,
        executable="image_source",
        name="image_source",
        output="screen",
        parameters=[
            {
                "source": typed("source", str),
                "field_of_view": typed("field_of_view", float),
                "publish_clock": typed("use_sim_time", bool),
            }
        ],
        remappings=remappings,
    )
    overlay_window = Node(
        package="rqt_image_view",
        executable="rqt_image_view",
        arguments=["/".join(["", *filter(None, given["namespace"].split("/")), "overlay"])],
        condition=IfCondition(given["overlay"]),
    )
    rviz = Node(
        package="rviz2",
        executable="rviz2",
        arguments=["-d", os.path.join(config, "tracker.rviz")],
        parameters=[use_sim_time],
        condition=IfCondition(given["rviz"]),
    )
    sources = [image_source] if given["source"] else []
    judges = [*activation(attention), attention] if given["attention"].lower() in ("true", "1") else []
    namespace = [PushRosNamespace(given["namespace"])] if given["namespace"] else []
    return [GroupAction([*namespace, *activation(tracker), tracker, *judges, *sources, overlay_window, rviz])]


def typed(argument, kind):
    """A launch argument as a parameter of the given type, whatever its text looks like."""
    return ParameterValue(LaunchConfiguration(argument), value_type=kind)


def activation(node):
    """Configure the node when its process runs, activate it when it is configured, again and again if it is not ready.

    The tracker is not ready while its engine is built and nothing may stand in (backend tensorrt).
    """

    def change(transition):
        return EmitEvent(event=ChangeState(lifecycle_node_matcher=matches_action(node), transition_id=transition))

    def activate():
        return change(Transition.TRANSITION_ACTIVATE)

    configured = OnStateTransition(
        target_lifecycle_node=node,
        start_state="configuring",
        goal_state="inactive",
        entities=[activate()],
    )
    not_ready = OnStateTransition(
        target_lifecycle_node=node,
        start_state="activating",
        goal_state="inactive",
        entities=[OpaqueFunction(function=lambda context: [TimerAction(period=RETRY, actions=[activate()])])],
    )
    refused = [
        OnStateTransition(
            target_lifecycle_node=node,
            start_state=state,
            goal_state="unconfigured",
            entities=[LogInfo(msg="A node could not be started; its error above says why.")],
        )
        for state in ("configuring", "errorprocessing")
    ]
    started = OnProcessStart(target_action=node, on_start=[change(Transition.TRANSITION_CONFIGURE)])
    return [RegisterEventHandler(handler) for handler in (configured, not_ready, *refused, started)]


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
