#!/usr/bin/env bash
# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
#
# OpenCV 4.13.0.92 gives the colours of an RGBA TIFF with unassociated alpha multiplied by alpha, with
# IMREAD_UNCHANGED too; of the same pixels as PNG it gives them as they are stored. A TIFF without an
# ExtraSamples tag, which OpenCV itself writes, is not changed either. Seen for (200, 100, 50, 128):
#
#   png IMREAD_COLOR [200, 100, 50], IMREAD_UNCHANGED [200, 100, 50, 128]
#   tiff of Pillow IMREAD_COLOR [100, 50, 25], IMREAD_UNCHANGED [100, 50, 25, 128]
#   tiff of OpenCV IMREAD_COLOR [200, 100, 50], IMREAD_UNCHANGED [200, 100, 50, 128]
#
# Ends with another code than 0 when this has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    pillow==12.3.0 opencv-python-headless==4.13.0.92 numpy==2.2.6
"$folder/venv/bin/python" - <<'PYTHON'
import io

import cv2
import numpy as np
from PIL import Image

stored = [200, 100, 50, 128]
pixels = np.full((4, 6, 4), stored, np.uint8)


def pillow(kind):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


def opencv():
    return cv2.imencode('.tif', cv2.cvtColor(pixels, cv2.COLOR_RGBA2BGRA))[1].tobytes()


def read(file, flags):
    pixel = cv2.imdecode(np.frombuffer(file, np.uint8), flags)[0, 0].tolist()
    return pixel[2::-1] + pixel[3:]


dark = [100, 50, 25, 128]
for name, file, seen in (
    ('png', pillow('PNG'), stored),
    ('tiff of Pillow', pillow('TIFF'), dark),
    ('tiff of OpenCV', opencv(), stored),
):
    color, unchanged = read(file, cv2.IMREAD_COLOR), read(file, cv2.IMREAD_UNCHANGED)
    print(f'{name} IMREAD_COLOR {color}, IMREAD_UNCHANGED {unchanged}')
    assert (color, unchanged) == (seen[:3], seen)
PYTHON
