# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Images to calibrate with: of a folder, a bag, or a dataset such as the built-in world."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from segformer_ros.bags import cameras
from segformer_ros.bags.rosbag import BagReader, is_bag
from segformer_ros.datasets.dataset_spec import parse
from segformer_ros.datasets.registry import KINDS, open_dataset
from segformer_ros.files import images
from segformer_ros.image_encoding import decode_message

Image = npt.NDArray[np.uint8]


def calibration_images(source: str, count: int, topics: Sequence[str] = ()) -> list[Image]:
    """
    Read images that are spread evenly over a source.

    :param source: A folder of images, a bag, or a dataset as KIND:PATH, such as 'world'.
    :param count: How many; all, where there are fewer.
    :param topics: Of a bag; none: the one that can only be meant.
    :returns: (H, W, 3) RGB each.
    :raises ValueError: There is no image, or one is damaged.
    """
    if count < 1:
        raise ValueError(f'expected one calibration image or more, got {count}')
    if source.partition(':')[0] in KINDS:
        dataset = open_dataset(parse(source))
        return [dataset[index].image for index in _spread(len(dataset), count)]
    path = Path(source).expanduser()
    if is_bag(path):
        return _of_bag(path, count, topics)
    if not path.exists():
        raise ValueError(
            f'expected a folder of images, a bag or one of {", ".join(sorted(KINDS))}, found '
            f'nothing at {path}'
        )
    found = images.find(path)
    return [images.read(found[index].path) for index in _spread(len(found), count)]


def _of_bag(path: Path, count: int, names: Sequence[str]) -> list[Image]:
    with BagReader(path) as reader:
        topics = [camera.topic for camera in cameras.choose(reader, names)]
        total = sum(1 for _ in reader.messages(topics))
        chosen = set(_spread(total, count))
        return [
            decode_message(reader.deserialize(raw, connection.msgtype))
            for index, (connection, _, raw) in enumerate(reader.messages(topics))
            if index in chosen
        ]


def _spread(length: int, count: int) -> list[int]:
    """Choose positions at equal distances."""
    count = min(length, count)
    return [index * length // count for index in range(count)]
