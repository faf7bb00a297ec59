"""dlib's 68 landmarks (Kazemi & Sullivan 2014), its detector before them; runs in its own environment.

Prints what ``training.peers.answers`` describes. The detector looks at the image at twice its size, as its own examples
do, and the largest face found is taken.
"""

from __future__ import annotations

import argparse
import json
import time

import cv2
import dlib  # type: ignore[import-not-found]
from face_recognition_models import pose_predictor_model_location  # type: ignore[import-not-found]

_UPSAMPLING = 1


def main() -> None:
    """Answer for every image on the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeats", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("images", nargs="+")
    options = parser.parse_args()
    cv2.setNumThreads(options.threads)
    detector, predictor = dlib.get_frontal_face_detector(), dlib.shape_predictor(pose_predictor_model_location())
    for path in options.images:
        image = cv2.cvtColor(cv2.imread(path, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
        times, points = [], None
        for _ in range(options.repeats + 1):
            started = time.perf_counter()
            faces = detector(image, _UPSAMPLING)
            points = None
            if faces:
                shape = predictor(image, max(faces, key=lambda face: face.area()))
                points = [[shape.part(i).x, shape.part(i).y] for i in range(68)]
            times.append(1e3 * (time.perf_counter() - started))
        name = path.replace("\\", "/").rsplit("/", 1)[-1].rsplit(".", 1)[0]
        median = sorted(times[1:])[options.repeats // 2]
        print(json.dumps({"name": name, "milliseconds": median, "points": points}), flush=True)


if __name__ == "__main__":
    main()
