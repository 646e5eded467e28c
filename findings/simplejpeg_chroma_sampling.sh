#!/usr/bin/env bash
# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
#
# simplejpeg 1.9.0 (libjpeg-turbo's TurboJPEG inside) refuses whole baseline JPEG files whose chroma
# is sampled in a rare way, such as 4x2 (4:1:0), already when it reads the header; OpenCV 4.13.0.92,
# with the same libjpeg-turbo under its other interface, decodes them. Seen:
#
#   cv2: (16, 32, 3), all pixels 200
#   simplejpeg: tjDecompressHeader3(): Could not determine subsampling level of JPEG image
#
# Ends with another code than 0 when either has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    simplejpeg==1.9.0 opencv-python-headless==4.13.0.92 numpy==2.2.6
"$folder/venv/bin/python" - <<'PYTHON'
import cv2
import numpy as np
import simplejpeg

# One MCU of 32x16 pixels: 8 blocks of luma with one DC level, one block of each chroma with none.
# The tables are those that OpenCV writes, the codes those of ITU-T T.81, annex K.
grey = np.full((16, 32, 3), 128, np.uint8)
done, data = cv2.imencode('.jpg', grey, (cv2.IMWRITE_JPEG_QUALITY, 50))
file = bytearray(data.tobytes())
file[file.index(b'\xff\xc0') + 11] = 0x42
dc = (200 - 128) * 8 // file[file.index(b'\xff\xdb') + 5]
assert dc.bit_length() == 6
bits = '1110' + f'{dc:06b}' + '1010' + 7 * ('00' + '1010') + 2 * ('00' + '00')
bits += '1' * (-len(bits) % 8)
scan = bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8))
file = bytes(file[: file.index(b'\xff\xda') + 14]) + scan + b'\xff\xd9'

image = cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR)
print(f'cv2: {image.shape}, all pixels {int(image.min())}')
assert image.min() == image.max() == 200
try:
    found = simplejpeg.decode_jpeg(file)
except ValueError as error:
    print(f'simplejpeg: {error}')
    assert 'subsampling' in str(error)
else:
    raise SystemExit(f'simplejpeg reads it now: {found.shape}')
PYTHON
