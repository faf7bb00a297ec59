"""From head poses and eyelids to whether the driver attends: values with stamps in, states out; no clock, no ROS."""
