#!/usr/bin/env bash
# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
#
# cv2.estimateAffine2D of OpenCV 4.13.0.92 with RANSAC refuses every sample whose points lie on a line,
# of the goals as well as of the sources. Where an exact affine map puts all points on a line it finds
# none, or in noise another, bent one with a part of the inliers. Seen for 1000 points (x, y) without
# noise, a threshold of 0.02, and the map x -> 2 y + 1, which a level road makes of image rows:
#
#   goals (2 y + 1, y), on a line: inliers 0%, matrix None
#   goals (2 y + 1, x): inliers 100%, matrix [0, 2, 1]
#
# Ends with another code than 0 when this has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    opencv-python-headless==4.13.0.92 numpy==2.2.6
"$folder/venv/bin/python" - <<'PYTHON'
import cv2
import numpy as np

points = np.random.default_rng(0).uniform(-1, 1, (1000, 2))
x, y = points.T
value = 2.0 * y + 1.0


def fit(goals):
    matrix, inside = cv2.estimateAffine2D(
        points, goals, method=cv2.RANSAC, ransacReprojThreshold=0.02, confidence=0.999
    )
    return matrix, 0.0 if matrix is None else float(inside.mean())


matrix, part = fit(np.stack((value, y), axis=1))
print(f'goals (2 y + 1, y), on a line: inliers {part:.0%}, matrix {matrix}')
assert part < 0.5
matrix, part = fit(np.stack((value, x), axis=1))
print(f'goals (2 y + 1, x): inliers {part:.0%}, matrix {matrix[0].round(6)}')
assert part == 1.0 and np.allclose(matrix[0], [0, 2, 1], atol=1e-6)
PYTHON
