"""MediaPipe Face Mesh (the last release that carries its models), its detector before it; in its own environment.

Prints what ``training.peers.answers`` describes. Every image is taken by itself (``static_image_mode``), so
the detector runs each time, as ours does; iris refinement is off.
"""

from __future__ import annotations

import argparse
import json
import time

import cv2
import mediapipe  # type: ignore[import-not-found]


def main() -> None:
    """Answer for every image on the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeats", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("images", nargs="+")
    options = parser.parse_args()
    cv2.setNumThreads(options.threads)
    mesh = mediapipe.solutions.face_mesh.FaceMesh(static_image_mode=True, max_num_faces=1, refine_landmarks=False)
    for path in options.images:
        image = cv2.cvtColor(cv2.imread(path, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
        height, width = image.shape[:2]
        times, points = [], None
        for _ in range(options.repeats + 1):
            started = time.perf_counter()
            found = mesh.process(image).multi_face_landmarks
            times.append(1e3 * (time.perf_counter() - started))
            # Into pixels as its own drawing functions do it: shares of the image's sides.
            points = [[p.x * width, p.y * height, p.z * width] for p in found[0].landmark] if found else None
        name = path.replace("\\", "/").rsplit("/", 1)[-1].rsplit(".", 1)[0]
        median = sorted(times[1:])[options.repeats // 2]
        print(json.dumps({"name": name, "milliseconds": median, "points": points}), flush=True)


if __name__ == "__main__":
    main()
