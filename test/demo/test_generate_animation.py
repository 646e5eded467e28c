# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""docs/generate_animation.py draws the moving picture of README.md."""

from pathlib import Path
import runpy

import cv2
import numpy as np
import pytest
from segformer_ros.bags.synced_frames import SyncedFrame

ROOT = Path(__file__).parents[2]
TOOL = runpy.run_path(str(ROOT / 'docs' / 'generate_animation.py'))


def _frame(number, class_id):
    labels = np.full((256, 512), 1, np.uint8)
    labels[:64] = class_id
    return SyncedFrame(
        stamp_ns=number,
        image=np.full((256, 512, 3), 40 * number, np.uint8),
        labels=labels,
        depth=np.full((256, 512), 5.0, np.float32),
    )


def test_the_legend_does_not_change_between_frames():
    """It names the classes of all frames, below the pictures."""
    first, second = TOOL['pictures']([_frame(0, 11), _frame(1, 10)])
    assert first.shape == second.shape == (192 + 30, 3 * 384, 3)
    np.testing.assert_array_equal(first[192:], second[192:])
    assert (first[:192] != second[:192]).any()


def test_the_animation_has_every_frame_and_repeats(tmp_path):
    """The same number of pictures, 100 ms each at 10 frames/s."""
    path = tmp_path / 'a.webp'
    TOOL['write'](path, TOOL['pictures']([_frame(number, 11) for number in range(3)]))
    complete, animation = cv2.imreadanimation(str(path))
    assert complete
    assert len(animation.frames) == 3
    assert list(animation.durations) == [100, 100, 100]
    assert animation.loop_count == 0


def test_a_drive_without_frames_in_the_chosen_seconds_is_refused():
    """With the length of the recording."""
    with pytest.raises(ValueError, match='2 frames, none from frame 50'):
        TOOL['chosen']([_frame(0, 11), _frame(1, 10)], 5.0, 8.0)


def test_the_picture_of_the_readme_is_animated_and_small():
    """GitHub shows it, and a page with it loads quickly."""
    path = TOOL['PICTURE']
    assert f'](docs/images/{path.name})' in (ROOT / 'README.md').read_text(encoding='utf-8')
    assert path.stat().st_size < 3_000_000
    complete, animation = cv2.imreadanimation(str(path))
    assert complete
    assert len(animation.frames) >= 40
