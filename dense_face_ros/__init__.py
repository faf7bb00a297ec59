"""Dense facial correspondences and driver head tracking (after Yu et al. 2017), free of ROS except in `ros`."""
