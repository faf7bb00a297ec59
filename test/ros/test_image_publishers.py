from __future__ import annotations

from types import SimpleNamespace

import pytest

from dense_face_ros.ros.image_publishers import who_publishes

RAW, COMPRESSED = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"


@pytest.mark.parametrize(
    ("published", "text"),
    [
        ({}, "which nobody publishes"),
        ({"/image": [RAW, RAW]}, "though it is published"),
        ({"/image": [COMPRESSED, RAW]}, "though it is published"),
        ({"/image": [COMPRESSED]}, f"which is published as {COMPRESSED} and not as {RAW}"),
        ({"/image/compressed": [COMPRESSED]}, f"which nobody publishes; /image/compressed is, as {COMPRESSED}"),
    ],
)
def test_what_may_be_wrong_where_no_images_come(published: dict[str, list[str]], text: str) -> None:
    def publishers_of(topic: str) -> list[SimpleNamespace]:
        return [SimpleNamespace(topic_type=kind) for kind in published.get(topic, [])]

    node = SimpleNamespace(get_publishers_info_by_topic=publishers_of)
    assert who_publishes(node, "/image", RAW, "/image/compressed") == text
