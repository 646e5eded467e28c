# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Write docs/images/demo.webp, the moving picture of README.md, from the folder of a demo run."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from segformer_ros import draw
from segformer_ros.bags.synced_frames import read_synced_frames, SyncedFrame
from segformer_ros.demo.output_video import shrunk
from segformer_ros.demo.scenario import world_scenario
from segformer_ros.labels import CARLA_0914, LabelSet, with_palette

PICTURE = Path(__file__).parent / 'images' / 'demo.webp'
RATE_HZ = 10.0
_PANEL_WIDTH_PX = 384
_STRIP_PX = 30
_DARK = 24
_QUALITY = 55
_CLASSES = with_palette(CARLA_0914.classes)

Image = npt.NDArray[np.uint8]


def chosen(frames: Sequence[SyncedFrame], first_s: float, seconds: float) -> Sequence[SyncedFrame]:
    """
    Return the frames of a part of the drive.

    :raises ValueError: The drive has ended before.
    """
    first = int(first_s * RATE_HZ)
    part = frames[first : first + int(seconds * RATE_HZ)]
    if not part:
        raise ValueError(f'the recording has {len(frames)} frames, none from frame {first} on')
    return part


def pictures(frames: Sequence[SyncedFrame]) -> list[Image]:
    """
    Draw camera, labels and depth of each frame side by side.

    The legend names the classes of all frames, so that it does not change from one to the next.

    :param frames: Each with image, labels and depth, all of one size.
    """
    small = [shrunk(frame, _PANEL_WIDTH_PX) for frame in frames]
    labels = np.concatenate([item.labels for item in small])
    palette = LabelSet('', _CLASSES).palette()
    result = []
    for item in small:
        colours = draw.overlay(item.image, item.labels, palette, 0.65)
        left = np.hstack([draw.caption(item.image, 'camera'), draw.caption(colours, 'labels')])
        right = draw.caption(draw.colorize_depth(item.depth), 'depth')
        left, right = (_with_strip(panel) for panel in (left, right))
        draw.put_legend(left, labels, _CLASSES)
        draw.put_depth_scale(right)
        result.append(np.hstack([left, right]))
    return result


def _with_strip(picture: Image) -> Image:
    """Add room for two lines of small text below a picture."""
    strip = np.full((_STRIP_PX, *picture.shape[1:]), _DARK, np.uint8)
    return np.vstack([picture, strip])


def write(path: Path, images: Sequence[Image], rate_hz: float = RATE_HZ) -> None:
    """
    Write an animated WebP that repeats for ever.

    :param images: (H, W, 3) RGB of one size.
    :raises OSError: The file cannot be written.
    """
    animation = cv2.Animation()
    animation.frames = [np.ascontiguousarray(image[..., ::-1]) for image in images]
    animation.durations = np.full(len(images), round(1000.0 / rate_hz), np.int32)
    if not cv2.imwriteanimation(str(path), animation, [cv2.IMWRITE_WEBP_QUALITY, _QUALITY]):
        raise OSError(f'{path} cannot be written')


def main() -> None:
    """Read the arguments and write the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('demo', type=Path, help='folder that `make demo` has written')
    parser.add_argument(
        '--first', type=float, default=5.0, help='begin here, in seconds (default: 5)'
    )
    parser.add_argument(
        '--seconds', type=float, default=8.0, help='length in seconds (default: 8)'
    )
    parser.add_argument('--out', type=Path, default=PICTURE, help='file to write')
    args = parser.parse_args()
    scenario = world_scenario(seed=3, rate_hz=RATE_HZ, width=512, height=256)
    topics = {name: scenario.recorded[name] for name in ('image', 'labels', 'depth')}
    frames = sorted(
        read_synced_frames(args.demo / 'bag', topics), key=lambda frame: frame.stamp_ns
    )
    write(args.out, pictures(chosen(frames, args.first, args.seconds)))


if __name__ == '__main__':
    main()
