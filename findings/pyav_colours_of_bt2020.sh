#!/usr/bin/env bash
# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
# PyAV 15.1.0 (FFmpeg 7.1): colours of valid video that names BT.2020 or SMPTE 240M.
#
# Guess: to_ndarray('rgb24') and reformat convert a frame by the matrix that it names.
# Seen: both are converted by the coefficients of BT.601 (a green of 160 comes out as 176), without
# a word. Right (within a level or two): the number of ITU-T H.273 as src_colorspace and another
# one as dst_colorspace, which means nothing for RGB; without the second nothing is set. 9, BT.2020,
# is no member of av.video.reformatter.Colorspace and is taken all the same.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check av==15.1.0 numpy==2.2.6
"$work/venv/bin/python" - <<'PYTHON'
import io

import av
import numpy as np


def roundtrip(pixel_format, planes, colorspace=None):
    memory = io.BytesIO()
    with av.open(memory, 'w', format='matroska') as container:
        stream = container.add_stream('ffv1', rate=5)
        stream.width, stream.height, stream.pix_fmt = 256, 16, pixel_format
        frame = av.VideoFrame(256, 16, pixel_format)
        for plane, content in zip(frame.planes, planes, strict=True):
            plane.update(content)
        if colorspace is not None:
            stream.codec_context.colorspace = frame.colorspace = colorspace
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with av.open(io.BytesIO(memory.getvalue())) as container:
        return next(container.decode(video=0))


color = np.array([60.0, 160.0, 40.0])
for number, red, blue in ((9, 0.2627, 0.0593), (7, 0.212, 0.087)):
    r, g, b = color / 255.0
    luma = red * r + (1 - red - blue) * g + blue * b
    coded = [16 + 219 * luma]
    coded += [128 + 112 * (b - luma) / (1 - blue), 128 + 112 * (r - luma) / (1 - red)]
    frame = roundtrip('yuv444p', [bytes([round(v)]) * 256 * 16 for v in coded], number)
    assert frame.colorspace == number
    plain = frame.to_ndarray(format='rgb24')[0, 0]
    told = frame.reformat(format='rgb24', src_colorspace=number, dst_colorspace=5)
    print(number, 'plain', plain, 'told', told.to_ndarray()[0, 0], 'coded', color)
    assert np.abs(plain - color).max() > 5
    assert np.abs(told.to_ndarray()[0, 0] - color).max() <= 2
PYTHON
