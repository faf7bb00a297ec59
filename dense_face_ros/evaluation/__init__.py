"""Evaluation of recordings (rosbag2, video, folder of images) on any machine, with or without ROS."""

import dense_face_ros.blas_threads  # noqa: F401
