"""The ROS 2 nodes: they convert messages, own life cycle and timing, and hold no mathematics."""

import dense_face_ros.blas_threads  # noqa: F401
