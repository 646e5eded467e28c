# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Images and videos through the network."""

import os

from avif_grid import avif_grid
import cv2
from damaged_images import encoded, picture, with_hole
import numpy as np
import pytest
from segformer_ros.files import images
from segformer_ros.files.process import FileOptions, FrameProcessor
from segformer_ros.files.video import VideoReader
from segformer_ros.files.video_writer import VideoWriter
from segformer_ros.inference.pipeline import Options
from segformer_ros.run_folder import Report


@pytest.fixture
def run(pipeline, tmp_path):
    """Process images or a video into tmp_path / 'out'; the result is the report."""

    def run(path, max_frames=None, **options):
        report, ticks = Report(), []
        out = tmp_path / 'out'
        out.mkdir(exist_ok=True)
        work = FrameProcessor(
            pipeline, out, FileOptions(**options), report, lambda: ticks.append(1)
        )
        if path.suffix == '.mp4':
            with VideoReader(path) as reader:
                work.process_video(reader, max_frames)
        else:
            work.process_images(images.find(path))
        frames = report.as_dict()['frames']['total']
        assert len(ticks) == frames
        return report

    return run


def _files(folder):
    return sorted(
        item.relative_to(folder).as_posix() for item in folder.rglob('*') if item.is_file()
    )


def test_a_folder_becomes_labels_depth_and_overlays(run, folder, pipeline, tmp_path):
    """Each image in its own size; a damaged one is counted."""
    report = run(folder)
    names = ['a10', 'a2', 'left/b']
    assert _files(tmp_path / 'out') == sorted(
        [f'depth/{name}.npy' for name in names]
        + [f'label/{name}.png' for name in names]
        + [f'overlay/{name}.png' for name in names]
    )
    assert (report.done, report.reused, len(report.failed)) == (3, 0, 1)
    assert report.failed[0]['name'] == 'damaged.png'
    for name in names:
        expected = pipeline.predict(images.read(folder / f'{name}.png'))
        stored = cv2.imread(str(tmp_path / 'out' / f'label/{name}.png'), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(stored, expected.labels)
        depth = np.load(tmp_path / 'out' / f'depth/{name}.npy')
        np.testing.assert_array_equal(depth, expected.depth)
        height, width = expected.labels.shape
        overlay = cv2.imread(str(tmp_path / 'out' / f'overlay/{name}.png'))
        assert overlay.shape == (height, 3 * width, 3)


def test_finished_images_are_not_computed_again(run, folder, tmp_path):
    """Not even read; a missing file of a frame makes it unfinished."""
    run(folder)
    (tmp_path / 'out' / 'depth' / 'a2.npy').unlink()
    (folder / 'a10.png').write_bytes(b'')
    for result in (tmp_path / 'out').rglob('*.*'):
        os.utime(result)
    report = run(folder)
    assert (report.done, report.reused, len(report.failed)) == (1, 2, 1)


def test_a_single_image_without_a_picture(run, folder, tmp_path):
    """Millimetres and confidence on request."""
    run(
        folder / 'a2.png',
        overlay=False,
        depth_format='png16',
        inference=Options(confidence=True),
    )
    assert _files(tmp_path / 'out') == ['confidence/a2.png', 'depth/a2.png', 'label/a2.png']
    depth = cv2.imread(str(tmp_path / 'out' / 'depth' / 'a2.png'), cv2.IMREAD_UNCHANGED)
    assert (depth.dtype, depth.shape) == (np.uint16, (48, 96))


@pytest.mark.parametrize('options', [{'focal_px': 48.0}, {'camera_fov_deg': 90.0}])
def test_the_camera_scales_depth(run, folder, pipeline, tmp_path, options):
    """By its focal length, however it is told."""
    run(folder / 'a2.png', **options)
    expected = pipeline.predict(images.read(folder / 'a2.png'), focal_length_px=48.0)
    depth = np.load(tmp_path / 'out' / 'depth' / 'a2.npy')
    np.testing.assert_allclose(depth, expected.depth, rtol=1e-6)


def test_a_video_becomes_frames_and_a_video(run, video, tmp_path):
    """With the times of the source, three panels wide."""
    report = run(video)
    names = [f'{index:06d}' for index in range(5)]
    assert _files(tmp_path / 'out') == sorted(
        ['overlay.mp4', 'frames.csv']
        + [f'depth/{name}.npy' for name in names]
        + [f'label/{name}.png' for name in names]
    )
    assert report.done == 5
    with VideoReader(tmp_path / 'out' / 'overlay.mp4') as reader:
        frames = list(reader)
    assert [frame.time_s for frame in frames] == pytest.approx(
        [0, 0.04, 0.08, 0.12, 0.3], abs=1e-3
    )
    assert frames[0].image.shape == (48, 288, 3)
    assert {'decode', 'network', 'draw', 'write'} <= set(report.seconds)


def test_a_table_has_the_time_of_every_frame(run, video, tmp_path):
    """Those of the source; also where the frames were finished before."""
    for _ in range(2):
        run(video)
        assert (tmp_path / 'out' / 'frames.csv').read_text() == (
            'frame,time_s,error\n000000,0.000000,\n000001,0.040000,\n000002,0.080000,\n'
            '000003,0.120000,\n000004,0.300000,\n'
        )


@pytest.fixture
def drawn(monkeypatch):
    """Return what is drawn: each picture and its time, as the encoder gets them."""
    # Of the same pictures the encoder does not always make the same bytes.
    pictures, add = [], VideoWriter.add

    def remember(writer, image, time_s):
        pictures.append((image.tobytes(), time_s))
        add(writer, image, time_s)

    monkeypatch.setattr(VideoWriter, 'add', remember)
    return pictures


def test_a_video_that_was_stopped_is_continued(run, video, drawn, tmp_path):
    """The overlay is whole in the end, and the same as of one run."""
    run(video)
    for name in ('label/000003.png', 'depth/000004.npy', 'overlay.mp4'):
        (tmp_path / 'out' / name).unlink()
    report = run(video)
    assert (report.done, report.reused) == (2, 3)
    assert len(drawn) == 10
    assert drawn[5:] == drawn[:5]
    with VideoReader(tmp_path / 'out' / 'overlay.mp4') as reader:
        assert len(list(reader)) == 5


def test_a_video_may_end_early_and_go_without_a_picture(run, video, tmp_path):
    """Two frames of labels."""
    report = run(video, max_frames=2, overlay=False, inference=Options(depth=False))
    assert report.done == 2
    assert _files(tmp_path / 'out') == ['frames.csv', 'label/000000.png', 'label/000001.png']


def test_rounded_depth_is_drawn_alike_when_continued(run, video, drawn, tmp_path):
    """Millimetres are drawn as they are stored."""
    run(video, depth_format='png16')
    report = run(video, depth_format='png16')
    assert (report.done, report.reused) == (0, 5)
    assert len(drawn) == 10
    assert drawn[5:] == drawn[:5]


def test_files_that_cannot_be_read_are_counted_and_the_others_continue(run, folder):
    """Damage, too many pixels, and a kind that is not read; a photo in tiles is read whole."""
    (folder / 'hole.jpg').write_bytes(with_hole(encoded(picture(), '.jpg')))
    whole = encoded(picture(), '.bmp')
    side = (65500).to_bytes(4, 'little')
    (folder / 'huge.bmp').write_bytes(whole[:18] + side + side + whole[26:])
    (folder / 'phone.heic').write_bytes(b'\0\0\0\x18ftypheic\0\0\0\0mif1heic')
    (folder / 'z.png').write_bytes((folder / 'a2.png').read_bytes())
    photo = np.zeros((128, 192, 3), np.uint8)
    (folder / 'phone.avif').write_bytes(avif_grid(photo, 2, 3))
    (folder / 'torn.avif').write_bytes(avif_grid(photo, 2, 3)[:-5])
    report = run(folder)
    assert report.done == 5
    failed = [item['name'] for item in report.failed]
    assert sorted(failed) == ['damaged.png', 'hole.jpg', 'huge.bmp', 'phone.heic', 'torn.avif']
