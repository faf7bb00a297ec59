"""Evaluation of recordings (rosbag2, video, folder of images) on any machine, with or without ROS."""
