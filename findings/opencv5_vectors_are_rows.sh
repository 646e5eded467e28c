#!/usr/bin/env bash
# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
# opencv-python-headless 5.0.0.93: an array of one dimension is a row, no longer a column.
#
# Guess: an array of shape (5,) is a column of 5 rows, as in 4.x: applyColorMap returns (5, 1, 3).
# Seen: 5.0 returns (1, 5, 3), so that `[:, 0]` on a table of colours keeps one colour, and flip(a, 0),
# which turned the values round, returns them as they were; nothing is raised. blur returns (1, 5)
# instead of (5, 1); what works element by element (LUT, add) returns (5,) instead of (5, 1).
# An array that says its two dimensions, (5, 1), is the same in both.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat > "$work/look.py" <<'PYTHON'
import cv2
import numpy as np

vector = np.arange(5, dtype=np.uint8)
table = np.arange(256, dtype=np.uint8)
shapes = [
    cv2.applyColorMap(vector, cv2.COLORMAP_TURBO).shape,
    cv2.blur(vector, (3, 1)).shape,
    cv2.LUT(vector, table).shape,
]
flipped = np.ravel(cv2.flip(vector, 0)).tolist()
column = cv2.applyColorMap(vector[:, None], cv2.COLORMAP_TURBO).shape
print(cv2.__version__, shapes, flipped, column)
PYTHON
for version in 4.13.0.92 5.0.0.93; do
    python3 -m venv "$work/$version"
    "$work/$version/bin/pip" install -q --disable-pip-version-check \
        "opencv-python-headless==$version" numpy==2.2.6
    "$work/$version/bin/python" "$work/look.py" | tee -a "$work/seen"
done
diff "$work/seen" - <<'SEEN'
4.13.0 [(5, 1, 3), (5, 1), (5, 1)] [4, 3, 2, 1, 0] (5, 1, 3)
5.0.0 [(1, 5, 3), (1, 5), (5,)] [0, 1, 2, 3, 4] (5, 1, 3)
SEEN
echo 'as stated'
