#!/usr/bin/env bash
# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
# PyAV 15.1.0 (FFmpeg 7.1): two traps of valid video files beside each other.
#
# 1. VideoFrame.rotation of a mirrored display matrix (front cameras of phones) is a plain number of
#    degrees that does not show the mirror: a left-right mirror reads -180, an upside-down one 0.
#    The matrix itself is in VideoFrame.side_data.
# 2. add_stream_from_template(stream) with a stream that encodes: guess, its parameters are copied.
#    Seen: the copy opens an encoder of its own with default options, and the file carries the
#    parameter sets of that one. Copied packets then decode to other pictures, without an error.
#    A stream of a file that was opened to be read is copied as it is.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check av==15.1.0 numpy==2.2.6
cd "$work"
"$work/venv/bin/python" - <<'PYTHON'
from fractions import Fraction
import io
from pathlib import Path
import struct

import av
import numpy as np

options = {'bf': '2', 'crf': '18', 'g': '10'}


def packets_of(container, stream):
    for index in range(20):
        picture = np.full((64, 96, 3), 40, np.uint8)
        picture[:, : 4 * (index + 1)] = 220
        frame = av.VideoFrame.from_ndarray(picture, format='rgb24').reformat(format='yuv420p')
        frame.pts, frame.time_base = index, Fraction(1, 10)
        yield from stream.encode(frame)
    yield from stream.encode()


def add(container):
    stream = container.add_stream('libx264', rate=10, options=options)
    stream.width, stream.height, stream.pix_fmt = 96, 64, 'yuv420p'
    return stream


def copy(template, packets, name):
    with av.open(name, 'w') as target:
        stream = target.add_stream_from_template(template)
        for packet in packets:
            again = av.Packet(bytes(packet))
            again.pts, again.dts, again.time_base = packet.pts, packet.dts, packet.time_base
            again.is_keyframe, again.stream = packet.is_keyframe, stream
            target.mux(again)
    with av.open(name) as found:
        return [frame.to_ndarray(format='gray') for frame in found.decode(video=0)]


with av.open('a.mp4', 'w') as container:
    stream = add(container)
    for packet in packets_of(container, stream):
        container.mux(packet)
content = bytearray(Path('a.mp4').read_bytes())
place = content.index(b'tkhd') + 44
for a, d, expected in ((-1, 1, 180), (1, -1, 0)):
    struct.pack_into('>9i', content, place, a << 16, 0, 0, 0, d << 16, 0, 0, 0, 1 << 30)
    Path('mirrored.mp4').write_bytes(content)
    with av.open('mirrored.mp4') as found:
        rotation = next(found.decode(video=0)).rotation
    print('matrix', (a, 0, 0, d), 'rotation', rotation)
    assert abs(rotation) == expected

scratch = av.open(io.BytesIO(), 'w', format='matroska')
encoder = add(scratch)
packets = list(packets_of(scratch, encoder))
of_encoder = copy(encoder, packets, 'encoder.mkv')
with av.open('a.mkv', 'w') as container:
    stream = add(container)
    for packet in packets_of(container, stream):
        container.mux(packet)
with av.open('a.mkv') as source:
    read = [packet for packet in source.demux(video=0) if packet.pts is not None]
    of_file = copy(source.streams.video[0], read, 'file.mkv')
    source.seek(0)
    right = [frame.to_ndarray(format='gray') for frame in source.decode(video=0)]
same = sum(np.array_equal(one, two) for one, two in zip(right, of_file, strict=True))
wrong = len(right) - sum(
    np.array_equal(one, two) for one, two in zip(right, of_encoder, strict=False)
)
print('template of a file:', same, 'of', len(right), 'frames right; of an encoder:', wrong, 'wrong')
assert same == len(right)
assert wrong > 0
PYTHON
