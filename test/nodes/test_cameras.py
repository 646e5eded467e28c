# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Several cameras in one node."""

from diagnostic_msgs.msg import DiagnosticStatus
from node_rig import camera_info, image_message, pixels_of
import numpy as np
import pytest

_RNG = np.random.default_rng(9)
_NAMES = ['front', 'left']


def _pixels():
    return _RNG.integers(0, 256, (4, 6, 3), np.uint8)


@pytest.fixture
def rig(make_rig, own):
    """Return a node with two cameras whose labels somebody wants."""
    made = make_rig(cameras=_NAMES)
    for name in _NAMES:
        made.connect(name)
        made.listen(f'/{name}/label/image')
    made.listen('/segformer_node/frame_stats', own.FrameStats)
    return made


def _occupy(rig):
    """Let the network work on a first image of the front camera until its gate is opened."""
    rig.pipeline.gate.clear()
    rig.send(image_message(_pixels()), camera='front')
    rig.until(lambda: len(rig.pipeline.calls) == 1)


def test_each_camera_has_its_own_topics(rig):
    """Labels and header of one never come out of the other."""
    images = {name: _pixels() for name in _NAMES}
    for number, name in enumerate(_NAMES):
        message = image_message(images[name], stamp_ns=number + 1, frame_id=name)
        rig.send(message, camera_info(4, 6, 50.0 + number), camera=name)
        label = rig.get(f'/{name}/label/image')
        assert label.header == message.header
        np.testing.assert_array_equal(pixels_of(label), images[name][..., 0])
        assert rig.pipeline.calls[-1].focal == [50.0 + number]


def test_waiting_frames_run_as_one_batch(rig):
    """Two cameras that came while the network was busy share its next run."""
    _occupy(rig)
    for name in _NAMES:
        rig.send(image_message(_pixels()), camera=name)
    rig.until(lambda: rig.counts(0).received == 2 and rig.counts(1).received == 1)
    rig.pipeline.gate.set()
    rig.get('/left/label/image')
    rig.get('/front/label/image', 2)
    assert [len(call.images) for call in rig.pipeline.calls] == [1, 2]
    rig.get('/segformer_node/frame_stats', 3)
    stats = rig.received['/segformer_node/frame_stats']
    assert sorted((item.camera, item.batch_size) for item in stats) == [
        ('front', 1),
        ('front', 2),
        ('left', 2),
    ]


def test_fast_camera_does_not_starve_a_slow_one(rig):
    """The slow one's only image is in the next run, beside the newest of the fast one."""
    _occupy(rig)
    rig.send(image_message(_pixels(), stamp_ns=7), camera='left')
    for number in range(50):
        rig.send(image_message(_pixels(), stamp_ns=number), camera='front')
        rig.until(lambda count=number + 2: rig.counts(0).received == count)
    rig.until(lambda: rig.counts(1).received == 1)
    rig.pipeline.gate.set()
    assert rig.get('/left/label/image').header.stamp.nanosec == 7
    assert rig.get('/front/label/image', 2).header.stamp.nanosec == 49
    assert (rig.counts(0).replaced, rig.counts(1).replaced) == (49, 0)


def test_broken_camera_does_not_stop_the_other(rig):
    """An image that is refused is left out of the run."""
    _occupy(rig)
    broken = image_message(_pixels())
    broken.height += 1
    rig.send(broken, camera='left')
    rig.send(image_message(_pixels()), camera='front')
    rig.until(lambda: rig.counts(0).received == 2 and rig.counts(1).received == 1)
    rig.pipeline.gate.set()
    rig.get('/front/label/image', 2)
    rig.until(lambda: rig.counts(1).refused == 1)
    assert rig.status('camera left').level == DiagnosticStatus.ERROR
    assert rig.status('camera front').level != DiagnosticStatus.ERROR


def test_batch_that_fails_is_tried_one_by_one(rig):
    """Only the frame that the network cannot take is lost."""
    good = rig.pipeline.predict_batch

    def picky(images, *args):
        if any(image[0, 0, 0] == 13 for image in images):
            raise ValueError('unlucky')
        return good(images, *args)

    _occupy(rig)
    rig.pipeline.predict_batch = picky
    unlucky, fine = _pixels(), _pixels()
    unlucky[0, 0, 0], fine[0, 0, 0] = 13, 14
    rig.send(image_message(unlucky), camera='front')
    rig.send(image_message(fine), camera='left')
    rig.until(lambda: rig.counts(0).received == 2 and rig.counts(1).received == 1)
    rig.pipeline.gate.set()
    np.testing.assert_array_equal(pixels_of(rig.get('/left/label/image')), fine[..., 0])
    rig.until(lambda: rig.counts(0).failed == 1)
    assert rig.counts(1).failed == 0


def test_a_camera_without_subscribers_is_not_computed(make_rig):
    """Its images are not computed."""
    rig = make_rig(cameras=_NAMES)
    for name in _NAMES:
        rig.connect(name)
    rig.listen('/front/label/image')
    rig.send(image_message(_pixels()), camera='left')
    rig.send(image_message(_pixels()), camera='front')
    rig.get('/front/label/image')
    rig.until(lambda: rig.counts(1).idle == 1)
    assert all(len(call.images) == 1 for call in rig.pipeline.calls)
