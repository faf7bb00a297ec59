"""The ROS 2 nodes: they convert messages, own life cycle and timing, and hold no mathematics."""
