# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Videos with frames that are damaged, lost or built from such ones."""

from fractions import Fraction
import io

import av
import numpy as np
import pytest
from segformer_ros.files.process import FileOptions, FrameProcessor
from segformer_ros.files.video import VideoReader
from segformer_ros.run_folder import Report

_COUNT, _GOP = 30, 10
_SIZE = (64, 96)


def _picture(index):
    """Make a picture that tells its number by the width of its bright part."""
    image = np.full((*_SIZE, 3), 40, np.uint8)
    image[:, : 3 * (index + 1)] = 220
    return image


def _number(image):
    return round((image[..., 1] > 130).mean() * _SIZE[1] / 3) - 1


def _coded(codec, pixel_format, container_format, **options):
    memory = io.BytesIO()
    with av.open(memory, 'w', format=container_format) as container:
        stream = container.add_stream(codec, rate=10, options={'g': str(_GOP), **options})
        stream.height, stream.width, stream.pix_fmt = *_SIZE, pixel_format
        for index in range(_COUNT):
            picture = av.VideoFrame.from_ndarray(_picture(index), format='rgb24')
            frame = picture.reformat(format=pixel_format)
            frame.pts, frame.time_base = index, Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return memory.getvalue()


def _encoded(codec='libx264', pixel_format='yuv420p', **options):
    """Encode the pictures; the result is a stream to copy from, and its packets."""
    # A stream that encodes is no template: its copy gets parameter sets of another encoder.
    container = av.open(io.BytesIO(_coded(codec, pixel_format, 'matroska', **options)))
    packets = [packet for packet in container.demux() if packet.pts is not None]
    return container.streams.video[0], packets


def _like(packet, content):
    again = av.Packet(content)
    again.pts, again.dts, again.time_base = packet.pts, packet.dts, packet.time_base
    again.duration, again.is_keyframe = packet.duration, packet.is_keyframe
    return again


def _write(path, stream, packets, **options):
    with av.open(str(path), 'w', options=options) as container:
        copy = container.add_stream_from_template(stream)
        for packet in packets:
            again = _like(packet, bytes(packet))
            again.stream = copy
            container.mux(again)
    return path


def _read(path):
    with VideoReader(path) as reader:
        frames = list(reader)
    assert [frame.index for frame in frames] == list(range(len(frames)))
    return frames


def _check(frames, lost, first=0):
    """Check that the frames that are there are the right ones, at their times."""
    assert {frame.index for frame in frames if frame.image is None} == set(lost)
    for frame in frames:
        assert frame.time_s == pytest.approx(frame.index / 10, abs=1e-3)
        assert bool(frame.error) == (frame.image is None)
        if frame.image is not None:
            assert _number(frame.image) == frame.index + first


@pytest.fixture(scope='module')
def h264():
    """Encode once, with two B-frames in a row."""
    return _encoded(bf='2', sc_threshold='0', crf='18')


@pytest.mark.parametrize('suffix', ['mp4', 'mkv', 'ts'])
def test_whole_videos_have_all_frames(tmp_path, h264, suffix):
    """In the order in which they are shown."""
    _check(_read(_write(tmp_path / f'a.{suffix}', *h264)), lost=())


def test_a_damaged_packet_shifts_nothing(tmp_path, h264):
    """What is built from it is no picture either, though the decoder gives one."""
    stream, packets = h264
    place = next(i for i, packet in enumerate(packets) if packet.pts == 1000)
    broken = list(packets)
    broken[place] = _zeroed(packets[place])
    frames = _read(_write(tmp_path / 'a.mp4', stream, broken))
    assert len(frames) == _COUNT
    _check(frames, lost=range(10, 20))
    assert 'frame 10' in frames[19].error


def _zeroed(packet):
    return _like(packet, bytes(packet.size))


def test_the_results_of_a_damaged_video_keep_their_names(tmp_path, h264, pipeline):
    """The table and the report name what is missing; a run that continues changes nothing."""
    stream, packets = h264
    broken = [_zeroed(item) if item.pts == 1000 else item for item in packets]
    path, out = _write(tmp_path / 'a.mp4', stream, broken), tmp_path / 'out'
    out.mkdir()
    for again in (False, True):
        report = Report()
        work = FrameProcessor(pipeline, out, FileOptions(overlay=False), report)
        with VideoReader(path) as reader:
            work.process_video(reader)
        assert (report.done, report.reused) == ((0, 20) if again else (20, 0))
        assert [item['name'] for item in report.failed] == [f'frame {i}' for i in range(10, 20)]
        names = [f'{index:06d}' for index in range(30)]
        there = sorted(item.stem for item in (out / 'label').iterdir())
        assert there == names[:10] + names[20:]
        rows = (out / 'frames.csv').read_text().splitlines()[1:]
        assert [row.split(',')[0] for row in rows] == names
        assert [row.split(',')[2] != '' for row in rows] == [10 <= i < 20 for i in range(30)]


def test_a_stream_that_begins_inside_a_group_counts_what_is_lost(tmp_path, h264):
    """Frames before the first that stands alone are named, and times begin with them."""
    stream, packets = h264
    frames = _read(_write(tmp_path / 'a.mkv', stream, packets[4:]))
    first = min(packet.pts for packet in packets[4:]) // 100
    assert len(frames) == _COUNT - 4
    lost = [frame for frame in frames if frame.image is None]
    assert lost
    assert [frame.index for frame in lost] == list(range(len(lost)))
    good = [frame for frame in frames if frame.image is not None]
    assert [_number(frame.image) for frame in good] == list(range(10, 30))
    assert [frame.time_s for frame in good] == pytest.approx(
        [(number - first) / 10 for number in range(10, 30)], abs=1e-3
    )


@pytest.mark.parametrize(('suffix', 'options'), [('mp4', {'movflags': '+faststart'}), ('mkv', {})])
def test_a_file_that_was_cut_off_counts_what_is_lost(tmp_path, h264, suffix, options):
    """By the duration that it states at its beginning."""
    path = _write(tmp_path / f'a.{suffix}', *h264, **options)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 3 // 4])
    frames = _read(path)
    assert len(frames) == _COUNT
    good = sum(frame.image is not None for frame in frames)
    assert 0 < good < _COUNT
    _check(frames, lost=range(good, _COUNT))
    assert frames[-1].error == 'the file ends before it'


def test_a_picture_cut_off_in_the_middle_is_a_failure(tmp_path):
    """JPEG pictures are painted grey where they end, and nobody flags them but the demuxer."""
    path = tmp_path / 'a.avi'
    path.write_bytes(_coded('mjpeg', 'yuvj420p', 'avi'))
    content = path.read_bytes()
    movie = content.index(b'movi')
    places = [at for at in range(movie, len(content)) if content.startswith(b'00dc', at)]
    path.write_bytes(content[: places[5] + 200])
    frames = _read(path)
    assert len(frames) == _COUNT
    _check(frames, lost=range(5, _COUNT))


def test_damaged_jpeg_pictures_are_failures(tmp_path):
    """FFmpeg paints over a hole; every picture stands alone, one without end marker is whole."""
    stream, packets = _encoded('mjpeg', 'yuvj420p', qmin='2', qmax='2')
    content = bytes(packets[13])
    start = content.index(b'\xff\xda') + 14
    packets[13] = _like(packets[13], content[: start + 20] + content[start + 120 :])
    packets[15] = _like(packets[15], bytes(packets[15])[:-2])
    frames = _read(_write(tmp_path / 'a.mkv', stream, packets))
    _check(frames, lost=[13])
    assert 'damaged' in frames[13].error


@pytest.mark.parametrize('codec', ['mpeg4', 'mpeg2video'])
def test_what_the_decoder_flags_is_a_failure(tmp_path, codec):
    """It paints over what is damaged; what is built from that is not flagged, and wrong too."""
    stream, packets = _encoded(codec, bf='0', qscale='2')
    damaged = bytearray(bytes(packets[13]))
    damaged[len(damaged) // 2] ^= 0xFF
    packets[13] = _like(packets[13], bytes(damaged))
    frames = _read(_write(tmp_path / 'a.mkv', stream, packets))
    _check(frames, lost=range(13, 20))
    assert frames[13].error == 'the decoder flags it as damaged'
    assert frames[19].error == 'it is built from frame 13, which is damaged'


def test_a_packet_that_is_lost_without_an_error_is_noticed(tmp_path):
    """H.265 decoders leave out a picture without a word, and go on with the next."""
    stream, packets = _encoded('libx265', **{'x265-params': 'log-level=0:keyint=10:bframes=0'})
    packets[13] = _like(packets[13], bytes(packets[13])[:8] + bytes(packets[13].size - 8))
    frames = _read(_write(tmp_path / 'a.mkv', stream, packets))
    _check(frames, lost=range(13, 20))


def test_pictures_without_times_are_counted(tmp_path):
    """A raw stream has none; what follows a damaged picture is not trusted before the next key."""
    stream, packets = _encoded(bf='0', sc_threshold='0', crf='18')
    path = tmp_path / 'a.h264'
    _write(path, stream, packets)
    frames = _read(path)
    assert [_number(frame.image) for frame in frames] == list(range(_COUNT))
