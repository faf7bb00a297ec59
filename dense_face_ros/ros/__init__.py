"""The ROS 2 nodes: they convert messages, own life cycle and timing, and hold no mathematics."""

import os

# The solver's matrices are small: BLAS threads on them wait for each other, five times longer than they work when the
# cores are busy. NumPy reads this once, when it is first imported; who sets one of these keeps it.
if not {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"} & os.environ.keys():
    os.environ |= {"OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
