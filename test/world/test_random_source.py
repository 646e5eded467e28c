# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Random choices and noise that are the same everywhere."""

import subprocess
import sys

import numpy as np
import pytest
from segformer_ros.world.random_source import mix, RandomSource
from segformer_ros.world.texture import hash01, noise, tiles

_CHECK = """
import sys
class Forbid:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in {'rclpy', 'torch', 'cv2', 'onnxruntime'}:
            raise AssertionError(name + ' imported')
sys.meta_path.insert(0, Forbid())
import segformer_ros.world
"""


def test_the_numbers_are_those_of_the_first_release():
    """A change of these numbers is a change of every scene."""
    rng = RandomSource(1, 2)
    assert mix(1, 2, 3) == mix(1, 2, 3) != mix(3, 2, 1)
    assert [round(rng.uniform(0.0, 1.0), 6) for _ in range(3)] == [0.080384, 0.201687, 0.576923]
    assert mix(7) == 17039259473404265729


def test_choices_keep_to_their_ranges():
    """Both ends of integers occur; colours stay at most 1."""
    rng = RandomSource(5)
    assert {rng.integer(2, 4) for _ in range(100)} == {2, 3, 4}
    assert {rng.sign() for _ in range(50)} == {-1, 1}
    assert {rng.pick('abc') for _ in range(100)} == {'a', 'b', 'c'}
    assert max(max(rng.vary((0.9, 0.9, 0.9), 0.5)) for _ in range(100)) <= 1.0
    assert 0.2 < np.mean([rng.chance(0.3) for _ in range(1000)]) < 0.4


def test_noise_repeats_without_a_seam():
    """The tiles wrap, also at negative places, and stay in 0..1."""
    for k in (0, 1):
        assert tiles()[k].min() >= 0.0
        assert tiles()[k].max() <= 1.0
        assert noise(tiles(), k, 3.3, -2.7) == pytest.approx(noise(tiles(), k, 259.3, 253.3))
        assert noise(tiles(), k, 255.999, 7.0) == pytest.approx(
            noise(tiles(), k, 256.0, 7.0), abs=0.01
        )


def test_hashes_are_spread_over_0_to_1():
    """Also those of negative numbers."""
    values = np.array([hash01(a, -b, 3) for a in range(40) for b in range(40)])
    assert values.min() >= 0.0
    assert values.max() <= 1.0
    assert np.histogram(values, 4, (0.0, 1.0))[0].min() > 300


def test_the_world_needs_numpy_and_numba_alone():
    """It renders where there is no ROS, no torch and no OpenCV."""
    result = subprocess.run([sys.executable, '-c', _CHECK], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
