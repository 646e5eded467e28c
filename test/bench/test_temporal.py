# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The motion along which bench/temporal.py counts flicker."""

import cv2
import numpy as np
from segformer_ros import world
import temporal


def test_ground_truth_hardly_flickers_along_the_exact_motion():
    """At the same pixel it changes several times as often; most of what stands still is known."""
    rig = world.CameraRig(256, 128)
    before, now = world.drive(3, rig, rate_hz=10.0, count=2)
    motion = temporal.exact_motion(before, now)
    assert motion.known.mean() > 0.6
    still = np.mean((before.labels != now.labels)[motion.known])
    assert motion.change(before.labels, now.labels) < 0.4 * still
    distance = np.hypot(*(motion.x - np.arange(256), motion.y - np.arange(128)[:, np.newaxis]))
    assert np.median(distance[100:][motion.known[100:]]) > 4.0


def test_a_shift_is_followed():
    """A picture that moves five pixels to the left, and what leaves it is not known."""
    noise = np.random.default_rng(0).uniform(0, 255, (64, 160)).astype(np.float32)
    picture = 4.0 * (cv2.GaussianBlur(noise, (0, 0), 2.0) - 127.0) + 127.0
    picture = picture.clip(0, 255).astype(np.uint8)
    motion = temporal.farneback_motion(picture[:, :150], picture[:, 5:155])
    inner = motion.x[10:-10, 20:-20] - np.arange(20, 130)
    assert abs(np.median(inner) - 5.0) < 0.2
    assert motion.known[10:-10, 20:-20].mean() > 0.9
    assert not motion.known[:, -3:].any()
