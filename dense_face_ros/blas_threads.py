"""Keeps BLAS to one thread, by being imported before NumPy.

The solver's matrices are small: BLAS threads on them wait for each other, many times longer than they work when the
cores are busy. NumPy reads the environment once, when it is first imported; who sets one of these variables keeps it.
"""

import os

if not {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"} & os.environ.keys():
    os.environ |= {"OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
