"""Training, export, rendering and benchmarks: everything that is done offline."""

import dense_face_ros.blas_threads  # noqa: F401
