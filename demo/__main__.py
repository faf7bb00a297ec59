"""``make demo``: image_source, tracker and attention as processes of their own over DDS, watched from a fourth.

    python -m demo [--source VIDEO | /dev/video0 | IMAGES/ | BAG/ [--topic TOPIC]] [--output FOLDER]

Without a source it renders a clip whose true poses are known and reports the error. A browser shows the picture live.
Leaves in the output folder: overlay.mp4, contact_sheet.png, report.json and the nodes' logs.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path

from demo.processes import TRACKER, DemoError, end_in_order
from demo.report import LEFT, report
from demo.session import play
from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import Array
from dense_face_ros.ros.frame_sources import SourceError


def main(arguments: list[str] | None = None, tracker: tuple[str, ...] = TRACKER) -> int:
    """Run the demo: 0, or 1 after saying why it failed. ``tracker`` is the program that runs the tracker node."""
    options = _parser().parse_args(arguments)
    end_in_order()
    source, field_of_view = options.source, 0.0
    truth: Array | None = None
    try:
        options.output.mkdir(parents=True, exist_ok=True)
        for path in (options.output / name for name in LEFT):  # of another source
            if source and path.exists() and path.samefile(source):
                raise DemoError(f"source '{source}' would be written over; name another --output")
            path.unlink(missing_ok=True)
        if not source:
            source, field_of_view, truth = _clip(options.output)
        watcher = play(source, field_of_view, options.output, tracker, options.topic)
        report(watcher, source, options.output, truth)
    except (DemoError, SourceError, OSError) as error:
        print(f"demo failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m demo", description="See the tracker work.")
    parser.add_argument("--source", default="", help="video, webcam (/dev/video0), folder of images or rosbag2")
    parser.add_argument("--topic", default="", help="image topic inside the bag; its only one without")
    parser.add_argument("--output", type=Path, default=Path("demo_output"), help="folder for what is left behind")
    return parser


def _clip(folder: Path) -> tuple[str, float, Array]:
    """The rendered clip, its field of view in degrees and its true poses (N, 4, 4).

    It is made again only when the face model or the renderer has changed.
    """
    from training.rendering import clip  # numba, which other sources do not need

    model = FaceModel.load()
    digest = hashlib.sha256(model.content_hash.encode())
    for module in sorted(Path(clip.__file__).parent.glob("*.py")):
        digest.update(module.read_bytes())
    made_from = folder / "clip_made_from.txt"
    if made_from.is_file() and made_from.read_text() == digest.hexdigest() and (folder / clip.VIDEO).is_file():
        print(f"using the clip rendered before, {folder / clip.VIDEO}")
    else:
        made_from.unlink(missing_ok=True)
        print(f"rendering a clip of {clip.DURATION:.0f} s with known poses (the first time takes longest)", flush=True)
        clip.write_clip(folder, model)
        made_from.write_text(digest.hexdigest())
    return str(folder / clip.VIDEO), clip.FIELD_OF_VIEW, clip.Truth.load(folder / clip.TRUTH).pose


if __name__ == "__main__":
    sys.exit(main())
