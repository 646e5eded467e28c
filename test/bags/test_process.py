# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A bag through the network."""

import shutil

import bag_builder
from bag_builder import camera_info, drive, image, Message, read_bag, STORE, write_bag
import cv2
from damaged_images import encoded, picture, with_hole
import numpy as np
import pytest
from segformer_ros.bags.cameras import choose
from segformer_ros.bags.process import BagOptions, count_images, process
from segformer_ros.bags.rosbag import BagReader, qos
from segformer_ros.bags.writer import BagWriter
from segformer_ros.inference.pipeline import Options
from segformer_ros.output_topics.contents import CAMERA_INFO, COMPRESSED_IMAGE, IMAGE
from segformer_ros.output_topics.frame import OutputOptions
from segformer_ros.run_folder import Report


@pytest.fixture
def run(tmp_path, pipeline):
    """Put messages through the network; the result is the new bag by topic, and the report."""

    def run(
        messages, *, storage='sqlite3', topics=(), infos=(), offered=None, on_frame=None, **options
    ):
        source = write_bag(tmp_path / 'in', messages, storage, offered)
        report = Report()
        with (
            BagReader(source) as reader,
            BagWriter(tmp_path / 'out', storage, reader.store) as writer,
        ):
            process(
                reader,
                writer,
                choose(reader, topics, infos),
                pipeline,
                BagOptions(**options),
                report,
                on_frame=on_frame,
            )
        return read_bag(tmp_path / 'out'), report

    return run


def _rgb(message):
    return message.data.reshape(message.height, message.width, 3)[..., ::-1]


def _pixels(message, dtype):
    return message.data.view(dtype).reshape(message.height, message.width)


@pytest.mark.parametrize('storage', ['sqlite3', 'mcap'])
def test_every_image_becomes_labels_and_depth(run, pipeline, storage):
    """Those of the pipeline, with the header and the time of receipt of the image."""
    messages = drive(3)
    found, report = run(messages, storage=storage)
    names = ['label/image', 'label/camera_info', 'label/classes', 'depth/image']
    assert sorted(found) == sorted(f'/front/{name}' for name in [*names, 'depth/camera_info'])
    for index, source in enumerate(messages[1::2]):
        expected = pipeline.predict(_rgb(source.message), focal_length_px=80.0)
        label, depth = (found[f'/front/{name}/image'][index] for name in ('label', 'depth'))
        assert label.time_ns == depth.time_ns == source.time_ns
        assert label.message.header == depth.message.header == source.message.header
        assert (label.message.encoding, depth.message.encoding) == ('mono8', '32FC1')
        np.testing.assert_array_equal(_pixels(label.message, np.uint8), expected.labels)
        np.testing.assert_array_equal(_pixels(depth.message, '<f4'), expected.depth)
    assert (report.done, report.failed) == (3, [])
    assert {'decode', 'preprocess', 'network', 'postprocess', 'write'} <= set(report.seconds)


def test_the_camera_info_is_copied_next_to_each_output(run):
    """With the header of the image."""
    messages = drive(1)
    found, _ = run(messages)
    for name in ('label', 'depth'):
        (info,) = found[f'/front/{name}/camera_info']
        assert info.message.header == messages[1].message.header
        assert info.message.d.tolist() == [0.1, -0.2, 0.0, 0.0, 0.05]
        assert info.message.k.tolist() == messages[0].message.k.tolist()


def test_the_classes_are_written_once(run, pipeline):
    """At the time of the first image, to everyone who comes later."""
    messages = drive(2)
    found, _ = run(messages)
    (classes,) = found['/front/label/classes']
    assert classes.time_ns == messages[1].time_ns
    assert [
        (item.class_id, item.class_name, (item.red, item.green, item.blue))
        for item in classes.message.class_map
    ] == [(item.id, item.name, item.color) for item in pipeline.manifest.classes]
    assert classes.message.source == pipeline.manifest.source_of_labels()


def test_the_latest_camera_info_before_the_image_counts(run, pipeline):
    """One received in the same nanosecond is before it, whatever the order in the file."""
    pixels = drive(1)[1].message.data.reshape(48, 96, 3)
    messages = [
        Message('/a/image', IMAGE, 10, image(pixels, 'bgr8', 1)),
        Message('/a/camera_info', CAMERA_INFO, 11, camera_info(48, 96, 80.0)),
        Message('/a/image', IMAGE, 20, image(pixels, 'bgr8', 2)),
        Message('/a/image', IMAGE, 30, image(pixels, 'bgr8', 3)),
        Message('/a/camera_info', CAMERA_INFO, 30, camera_info(48, 96, 160.0)),
        Message('/a/camera_info', CAMERA_INFO, 31, camera_info(24, 48, 80.0)),
        Message('/a/image', IMAGE, 40, image(pixels, 'bgr8', 4)),
        Message('/a/camera_info', CAMERA_INFO, 41, camera_info(48, 96, 0.0)),
        Message('/a/image', IMAGE, 50, image(pixels, 'bgr8', 5)),
    ]
    found, report = run(messages)
    for item, focal in zip(found['/a/depth/image'], [None, 80.0, 160.0, None, None], strict=True):
        expected = pipeline.predict(pixels[..., ::-1], focal_length_px=focal)
        np.testing.assert_array_equal(_pixels(item.message, '<f4'), expected.depth)
    assert [item.time_ns for item in found['/a/depth/camera_info']] == [20, 30, 50]
    assert report.facts['frames_of_unknown_camera'] == 3
    doubt = (
        'camera_info has a lens model (D), but its P equals K: '
        'take the rectified image (image_proc makes it)'
    )
    assert report.facts['intrinsics'] == {
        '/a/image': {
            'no camera_info on /a/camera_info yet': 1,
            f'P of camera_info; {doubt}': 2,
            'camera_info is for 48x24 images, not for 96x48': 1,
            'camera_info is not calibrated (K: fx = 0)': 1,
        }
    }


def test_a_latched_camera_info_holds_from_the_start(run):
    """A recorder that is slow to subscribe receives it after the first images."""
    messages = [
        Message('/a/image', IMAGE, 10, drive(1)[1].message),
        Message('/a/camera_info', CAMERA_INFO, 20, camera_info(48, 96, 70.0)),
    ]
    found, report = run(messages, offered={'/a/camera_info': qos(latched=True)})
    assert 'frames_of_unknown_camera' not in report.facts
    (info,) = found['/a/depth/camera_info']
    assert info.message.k[0] == 70.0


def test_a_camera_info_elsewhere_is_named_or_chosen(run, tmp_path):
    """Nothing is guessed."""
    image_message = drive(1)[1].message
    messages = [
        Message('/calibration/a', CAMERA_INFO, 5, camera_info(48, 96, 70.0)),
        Message('/a/image', IMAGE, 10, image_message),
    ]
    _, report = run(messages)
    missing = 'no camera_info on /a/camera_info, but on /calibration/a: choose with --camera-info'
    assert report.facts['intrinsics'] == {'/a/image': {missing: 1}}
    for name in ('in', 'out'):
        shutil.rmtree(tmp_path / name)
    found, report = run(messages, infos=['/calibration/a'])
    (info,) = found['/a/depth/camera_info']
    assert info.message.k[0] == 70.0
    assert 'frames_of_unknown_camera' not in report.facts


def test_depth_is_scaled_with_p(run, pipeline):
    """K is of the image before it was rectified, and may be unknown; the report says P."""
    pixels = drive(1)[1].message.data.reshape(48, 96, 3)
    p = [60.0, 0.0, 40.0, 0.0, 0.0, 61.0, 20.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    messages = [
        Message('/a/camera_info', CAMERA_INFO, 10, camera_info(48, 96, 80.0, p=p)),
        Message('/a/image', IMAGE, 20, image(pixels, 'bgr8', 2)),
        Message('/a/camera_info', CAMERA_INFO, 30, camera_info(48, 96, 0.0, p=p)),
        Message('/a/image', IMAGE, 40, image(pixels, 'bgr8', 4)),
    ]
    found, report = run(messages)
    expected = pipeline.predict(pixels[..., ::-1], focal_length_px=60.0)
    for item in found['/a/depth/image']:
        np.testing.assert_array_equal(_pixels(item.message, '<f4'), expected.depth)
    assert [item.message.p.tolist() for item in found['/a/depth/camera_info']] == [p, p]
    assert report.facts['intrinsics'] == {'/a/image': {'P of camera_info': 2}}
    assert 'frames_of_unknown_camera' not in report.facts


@pytest.mark.parametrize('options', [{'camera_fov_deg': 90.0}, {'focal_px': 48.0}])
def test_the_user_may_replace_the_camera_info(run, pipeline, options):
    """By a field of view or a focal length; the camera_info of the outputs says the same."""
    messages = drive(1)
    found, _ = run(messages, **options)
    expected = pipeline.predict(_rgb(messages[1].message), focal_length_px=48.0)
    (depth,) = found['/front/depth/image']
    np.testing.assert_allclose(_pixels(depth.message, '<f4'), expected.depth, rtol=1e-6)
    (info,) = found['/front/depth/camera_info']
    assert info.message.k == pytest.approx([48.0, 0, 48.0, 0, 48.0, 24.0, 0, 0, 1])
    assert info.message.d.tolist() == [0.0] * 5


def test_an_image_that_cannot_be_read_costs_itself_alone(run):
    """It is named in the report."""
    messages = drive(4)
    messages[3].message.encoding = 'yuv444'
    messages[5].message.step = 5
    found, report = run(messages, topics=['/front/image'])
    stamps = [item.message.header.stamp.nanosec for item in found['/front/label/image']]
    assert stamps == [0, 300_000_000]
    assert [item['name'] for item in report.failed] == [
        f'/front/image at {messages[index].time_ns} ns' for index in (3, 5)
    ]
    assert 'yuv444' in report.failed[0]['reason']


def test_a_camera_info_that_cannot_be_read_is_no_frame(run, monkeypatch):
    """It is counted apart: all images were read."""
    deserialize = BagReader.deserialize

    def damaged(self, raw, name):
        return deserialize(self, raw[:20] if name == CAMERA_INFO else raw, name)

    monkeypatch.setattr(BagReader, 'deserialize', damaged)
    _, report = run(drive(2))
    frames = report.as_dict()['frames']
    assert frames == {'total': 2, 'done': 2, 'reused': 0, 'failed': 0}
    assert report.facts['camera_infos_not_read'] == 2
    assert report.facts['frames_of_unknown_camera'] == 2
    assert report.facts['intrinsics'] == {
        '/front/image': {'the camera_info on /front/camera_info is damaged': 2}
    }


def test_compressed_images_are_read(run, pipeline):
    """The outputs lie beside the topic of the raw images."""
    pixels = drive(1)[1].message.data.reshape(48, 96, 3)
    data = cv2.imencode('.png', pixels)[1].tobytes()
    message = bag_builder.compressed(data, 'bgr8; png compressed bgr8', 3)
    found, _ = run([Message('/a/image/compressed', COMPRESSED_IMAGE, 5, message)])
    expected = pipeline.predict(pixels[..., ::-1])
    (label,) = found['/a/label/image']
    np.testing.assert_array_equal(_pixels(label.message, np.uint8), expected.labels)
    assert label.message.header.stamp.nanosec == 3


def test_millimetres_on_request(run):
    """16UC1 with 0 for unknown, and labels with their confidence."""
    found, _ = run(
        drive(1),
        outputs=OutputOptions('16UC1'),
        inference=Options(confidence=True, max_depth_m=10.0),
    )
    (depth,) = found['/front/depth/image']
    assert (depth.message.encoding, depth.message.step) == ('16UC1', 192)
    values = _pixels(depth.message, '<u2')
    assert (values == 0).any()
    assert 0 < values.max() <= 10000
    (confidence,) = found['/front/label/confidence/image']
    assert (confidence.message.encoding, confidence.message.height) == ('mono8', 48)


def test_one_task_alone_has_the_topics_of_this_task(run):
    """Nothing is announced that never comes."""
    found, _ = run(drive(1), inference=Options(segmentation=False))
    assert sorted(found) == ['/front/depth/camera_info', '/front/depth/image']


def test_the_input_may_be_copied(run):
    """Byte for byte; a topic with the name of an output gives way."""
    messages = drive(2)
    old = image(np.zeros((2, 2), np.uint8), 'mono8')
    messages.append(Message('/front/label/image', IMAGE, messages[-1].time_ns + 1, old))
    found, report = run(messages, copy=True)
    assert len(found['/front/image']) == len(found['/front/camera_info']) == 2
    assert len(found['/front/label/image']) == 2
    for item, source in zip(found['/front/image'], messages[1::2], strict=False):
        assert item.time_ns == source.time_ns
        np.testing.assert_array_equal(item.message.data, source.message.data)
    assert report.facts['topics_not_copied'] == ['/front/label/image']


def test_a_limit_ends_the_run(run, tmp_path):
    """After so many images of all cameras."""
    found, report = run(drive(5), max_frames=2)
    assert len(found['/front/label/image']) == report.done == 2
    with BagReader(tmp_path / 'in') as reader:
        cameras = choose(reader, ())
        assert count_images(reader, cameras, None) == 5
        assert count_images(reader, cameras, 2) == 2


def test_two_cameras_keep_apart(run, pipeline):
    """Each has the camera_info and the outputs of its own namespace."""
    messages = sorted(
        drive(2) + drive(2, namespace='/rear', focal_px=160.0, encoding='rgb8'),
        key=lambda item: item.time_ns,
    )
    found, report = run(messages, topics=['/front/image', '/rear/image'])
    assert report.done == 4
    for namespace, focal, step in (('/front', 80.0, -1), ('/rear', 160.0, 1)):
        source = next(item for item in messages if item.topic == f'{namespace}/image')
        pixels = source.message.data.reshape(48, 96, 3)[..., ::step]
        expected = pipeline.predict(pixels, focal_length_px=focal)
        depth = found[f'{namespace}/depth/image'][0].message
        np.testing.assert_array_equal(_pixels(depth, '<f4'), expected.depth)


def test_every_frame_is_shown_to_the_caller(run):
    """The image as it was read, for pictures."""
    seen = []

    def on_frame(camera, time_ns, image, prediction):
        seen.append((camera.topic, time_ns, image.shape, prediction.labels.shape))

    messages = drive(2)
    run(messages, on_frame=on_frame)
    assert seen == [
        ('/front/image', item.time_ns, (48, 96, 3), (48, 96)) for item in messages[1::2]
    ]


def test_the_store_of_the_tests_is_the_one_of_the_package():
    """The builder writes what the package reads."""
    assert 'segformer_ros/msg/LabelClasses' in STORE.fielddefs


def test_a_compressed_image_with_a_hole_is_counted(run):
    """The frame after it is computed; neither is a picture of something else."""
    whole = encoded(picture(48, 96), '.jpg')
    messages = [
        Message(
            '/a/image/compressed',
            COMPRESSED_IMAGE,
            time_ns,
            bag_builder.compressed(file, 'jpeg', time_ns),
        )
        for time_ns, file in enumerate((whole, with_hole(whole, 800), whole))
    ]
    found, report = run(messages)
    assert [label.time_ns for label in found['/a/label/image']] == [0, 2]
    assert report.done == 2
    (failed,) = report.failed
    assert any('damaged (' in str(value) for value in failed.values())
