# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Video files, read and written."""

from fractions import Fraction
from pathlib import Path
import struct

import av
import numpy as np
import pytest
from segformer_ros.files.video import VideoReader
from segformer_ros.files.video_writer import VideoWriter

_COLORS = [(200, 40, 90), (20, 160, 60), (90, 90, 230), (255, 255, 255), (0, 0, 0)]


def _picture(color, height=48, width=64):
    return np.full((height, width, 3), color, np.uint8)


def _write(path, frames, rate=25, size=(48, 64)):
    with VideoWriter(path, rate) as writer:
        for time_s, color in frames:
            writer.add(_picture(color, *size), time_s)


def _read(path):
    with VideoReader(path) as reader:
        return list(reader)


@pytest.mark.parametrize('size', [(48, 64), (720, 1280)])
def test_colors_come_back_as_they_were(tmp_path, size):
    """The colour matrix is written into the file and honoured when read."""
    path = tmp_path / 'a.mp4'
    colors = _COLORS if size[0] < 100 else _COLORS[:2]
    _write(path, [(index / 25, color) for index, color in enumerate(colors)], size=size)
    frames = _read(path)
    assert len(frames) == len(colors)
    for frame, color in zip(frames, colors, strict=True):
        assert np.abs(frame.image.astype(int) - color).max() <= 4


@pytest.mark.parametrize(('size', 'matrix'), [((48, 64), 5), ((720, 1280), 1)])
def test_a_file_that_names_no_matrix_is_read_as_players_do(tmp_path, size, matrix):
    """Small pictures are BT.601, large ones BT.709."""
    path = tmp_path / 'a.mp4'
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('libx264', rate=25, options={'crf': '5'})
        stream.height, stream.width = size
        stream.pix_fmt = 'yuv420p'
        picture = av.VideoFrame.from_ndarray(_picture(_COLORS[0], *size), format='rgb24')
        frame = picture.reformat(
            format='yuv420p', src_colorspace=7, dst_colorspace=matrix, dst_color_range='MPEG'
        )
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    (frame,) = _read(path)
    assert np.abs(frame.image.astype(int) - _COLORS[0]).max() <= 4


def test_times_are_kept_to_a_millisecond(tmp_path):
    """Also where the rate varies, and after a gap."""
    times = [0.0, 0.04, 0.1, 0.101, 1.5]
    path = tmp_path / 'a.mp4'
    _write(path, [(time, (9, 9, 9)) for time in times])
    frames = _read(path)
    assert [frame.time_s for frame in frames] == pytest.approx(times, abs=1e-3)
    assert [frame.index for frame in frames] == [0, 1, 2, 3, 4]
    with VideoReader(path) as reader:
        assert reader.count == 5


def test_times_that_do_not_grow_are_moved_on(tmp_path):
    """A player would refuse them."""
    path = tmp_path / 'a.mp4'
    _write(path, [(0.0, (9, 9, 9)), (0.0, (9, 9, 9)), (-1.0, (9, 9, 9))])
    assert len(_read(path)) == 3


def test_the_file_plays_anywhere(tmp_path):
    """H.264, yuv420p, even size, index at the front; the rate is that of the source."""
    path = tmp_path / 'a.mp4'
    _write(path, [(index / 30, (9, 9, 9)) for index in range(30)], rate=30, size=(49, 65))
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.pix_fmt) == ('h264', 'yuv420p')
        assert (stream.height % 2, stream.width % 2) == (0, 0)
        assert stream.average_rate == pytest.approx(Fraction(30), rel=1e-3)
        assert float(stream.duration * stream.time_base) == pytest.approx(1.0, abs=0.01)
    content = path.read_bytes()
    assert content.index(b'moov') < content.index(b'mdat')


@pytest.mark.parametrize(
    ('size', 'shape'),
    [((400, 8000), (192, 3840, 3)), ((20000, 6), (4096, 2, 3)), ((4, 66000), (2, 3840, 3))],
)
def test_large_pictures_are_made_smaller(tmp_path, size, shape):
    """Hardware decoders end at 4096 pixels, and x264 at 16384; line cameras do not."""
    path = tmp_path / 'a.mp4'
    _write(path, [(0.0, (9, 9, 9))], size=size)
    (frame,) = _read(path)
    assert frame.image.shape == shape


def test_frames_drawn_before_an_error_are_kept_as_a_video(tmp_path):
    """Under a name of its own; a file without frames leaves nothing."""
    for name in ('a.unfinished.mp4', 'a.unfinished-2.mp4'):
        with pytest.raises(TypeError):
            _write(tmp_path / 'a.mp4', [(0.0, (9, 9, 9)), (0.1, (9, 9, 9)), (None, (9, 9, 9))])
        assert len(_read(tmp_path / name)) == 2
    with VideoWriter(tmp_path / 'b.mp4', 25):
        pass
    assert {item.name for item in tmp_path.iterdir()} == {
        'a.unfinished.mp4', 'a.unfinished-2.mp4',
    }  # fmt: skip


def test_broken_frames_in_the_middle_are_counted_and_passed(tmp_path):
    """The frames after them are read."""
    path = tmp_path / 'a.mkv'
    random = np.random.default_rng(0)
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('mjpeg', rate=25)
        stream.height, stream.width, stream.pix_fmt = 48, 64, 'yuvj420p'
        for index in range(6):
            image = random.integers(0, 256, (48, 64, 3), np.uint8)
            frame = av.VideoFrame.from_ndarray(image, format='rgb24')
            for packet in stream.encode(frame.reformat(format='yuvj420p')):
                if index == 3:
                    packet = _emptied(packet)
                container.mux(packet)
        container.mux(stream.encode())
    frames = _read(path)
    assert [frame.image is None for frame in frames] == [False] * 3 + [True] + [False] * 2
    assert frames[3].error
    assert frames[4].time_s == pytest.approx(0.16, abs=1e-3)


def _emptied(packet):
    broken = av.Packet(bytes(range(64)))
    broken.stream, broken.pts, broken.dts = packet.stream, packet.pts, packet.dts
    broken.time_base, broken.is_keyframe = packet.time_base, True
    return broken


@pytest.mark.parametrize('content', [b'', b'no video' * 100])
def test_another_file_is_refused(tmp_path, content):
    """In one sentence with its name."""
    path = tmp_path / 'a.mp4'
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r'expected a video in .*a\.mp4'):
        VideoReader(path)


def test_a_missing_file_is_an_os_error(tmp_path):
    """As everywhere else."""
    with pytest.raises(FileNotFoundError):
        VideoReader(tmp_path / 'a.mp4')


def test_a_file_with_sound_alone_is_refused(tmp_path):
    """There is nothing to look at."""
    path = tmp_path / 'a.wav'
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('pcm_s16le', rate=8000, layout='mono')
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), layout='mono')
        sound.sample_rate = 8000
        container.mux(stream.encode(sound))
        container.mux(stream.encode())
    with pytest.raises(ValueError, match='without pictures'):
        VideoReader(path)


@pytest.mark.parametrize(
    ('matrix', 'expected'),
    [
        ((1, 0, 0, 1), [[1, 2], [3, 4]]),
        ((0, -1, 1, 0), [[2, 4], [1, 3]]),
        ((0, 1, -1, 0), [[3, 1], [4, 2]]),
        ((-1, 0, 0, -1), [[4, 3], [2, 1]]),
        ((-1, 0, 0, 1), [[2, 1], [4, 3]]),
        ((1, 0, 0, -1), [[3, 4], [1, 2]]),
        ((0, 1, 1, 0), [[1, 3], [2, 4]]),
        ((0, -1, -1, 0), [[4, 2], [3, 1]]),
    ],
)
def test_videos_of_phones_are_turned_upright(tmp_path, matrix, expected):
    """By the display matrix of the file; front cameras write mirrored ones."""
    path = tmp_path / 'a.mp4'
    with VideoWriter(path, 25) as writer:
        quarters = np.array([[1, 2], [3, 4]], np.uint8).repeat(32, axis=0).repeat(32, axis=1)
        writer.add(np.repeat(quarters[..., None] * 50, 3, axis=2), 0.0)
    content = bytearray(path.read_bytes())
    place = content.index(b'tkhd') + 44
    a, b, c, d = (value << 16 for value in matrix)
    struct.pack_into('>9i', content, place, a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(content)
    (frame,) = _read(path)
    found = np.rint(frame.image[16::32, 16::32, 1] / 50.0)
    assert found.tolist() == expected


@pytest.mark.parametrize(('number', 'name'), [(9, 'bt2020'), (7, 'smpte240m'), (1, 'bt709')])
def test_every_matrix_is_its_own(tmp_path, number, name):
    """Coded by the coefficients of ITU-T H.273, decoded within two levels."""
    coefficients = {'bt2020': (0.2627, 0.0593), 'smpte240m': (0.212, 0.087)}
    red, blue = coefficients.get(name, (0.2126, 0.0722))
    color = np.array([60.0, 160.0, 40.0]) / 255.0
    luma = red * color[0] + (1 - red - blue) * color[1] + blue * color[2]
    pb, pr = (color[2] - luma) / (2 - 2 * blue), (color[0] - luma) / (2 - 2 * red)
    planes = [round(16 + 219 * luma), round(128 + 224 * pb), round(128 + 224 * pr)]
    path = tmp_path / 'a.mkv'
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('ffv1', rate=5)
        stream.height, stream.width, stream.pix_fmt = 48, 64, 'yuv444p'
        stream.codec_context.colorspace = number
        frame = av.VideoFrame(64, 48, 'yuv444p')
        for plane, value in zip(frame.planes, planes, strict=True):
            plane.update(bytes([value]) * plane.buffer_size)
        frame.colorspace = number
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    (frame,) = _read(path)
    assert np.abs(frame.image.astype(int) - (60, 160, 40)).max() <= 2


def test_an_unknown_matrix_is_a_failure(tmp_path):
    """Never other colours without a word."""
    path = tmp_path / 'a.mkv'
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('ffv1', rate=5)
        stream.height, stream.width, stream.pix_fmt = 48, 64, 'yuv444p'
        stream.codec_context.colorspace = 8
        frame = av.VideoFrame.from_ndarray(_picture((1, 2, 3)), format='rgb24')
        frame = frame.reformat(format='yuv444p')
        frame.colorspace = 8
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    (frame,) = _read(path)
    assert frame.image is None
    assert 'found number 8 of ITU-T H.273' in frame.error


@pytest.mark.parametrize('bits', [8, 10, 12, 16])
def test_grey_of_unknown_range_is_full(tmp_path, bits):
    """Nobody writes limited grey; a ramp comes back within a level."""
    path = tmp_path / 'a.mkv'
    ramp = np.tile(np.arange(256), (16, 1))
    name = 'gray' if bits == 8 else f'gray{bits}le'
    coded = np.rint(ramp * ((1 << bits) - 1) / 255).astype('u1' if bits == 8 else '<u2')
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('ffv1', rate=5)
        stream.height, stream.width, stream.pix_fmt = 16, 256, name
        frame = av.VideoFrame(256, 16, name)
        frame.planes[0].update(coded.tobytes())
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    (frame,) = _read(path)
    assert np.abs(frame.image.astype(int) - ramp[..., None]).max() <= 1


@pytest.mark.parametrize('name', ['12:30.mp4', 'file:a.mp4', 'a#b?c=%41.mp4'])
def test_names_are_only_names(tmp_path, monkeypatch, name):
    """A relative name with a colon is no address, read or written."""
    monkeypatch.chdir(tmp_path)
    _write(Path(name), [(0.0, (9, 9, 9))])
    assert [item.name for item in tmp_path.iterdir()] == [name]
    assert len(_read(Path(name))) == 1
