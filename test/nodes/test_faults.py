# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Faults of the camera, the clock and the network, one by one.

Every test ends the same way: the first good image after the fault is published right. Wrong images
are never published, which the rig checks after every test.
"""

import gc
import re
import weakref

from diagnostic_msgs.msg import DiagnosticStatus
from node_rig import camera_info, FakePipeline, HEIGHT, image_message, pixels_of, WIDTH
import numpy as np
import pytest
from rosgraph_msgs.msg import Clock
from segformer_ros.inference.backend import BackendError
from sensor_msgs.msg import CameraInfo, PointCloud2

_RNG = np.random.default_rng(5)


def _pixels(height=HEIGHT, width=WIDTH, channels=3):
    return _RNG.integers(0, 256, (height, width, channels), np.uint8)


def _seconds_in(message, pattern):
    """Return the seconds that a message names: those of the test and those that it took."""
    return float(re.search(pattern, message)[1])


class _Camera:
    """A camera whose every good image is remembered by its stamp."""

    def __init__(self, rig):
        self.rig = rig
        self.stamp_ns = 1_000_000_000_000_000_000
        self.good = {}

    def message(self, pixels=None, encoding='rgb8', rgb=None):
        """Make the next good image."""
        pixels = _pixels() if pixels is None else pixels
        self.stamp_ns += 1_000_000
        self.good[self.stamp_ns] = pixels if rgb is None else rgb
        return image_message(pixels, stamp_ns=self.stamp_ns, encoding=encoding)

    def broken(self, **changes):
        """Make an image that contradicts itself."""
        message = self.message()
        del self.good[self.stamp_ns]
        data = changes.pop('data', None)
        for name, value in changes.items():
            setattr(message, name, value)
        if data is not None:
            del message.data[:]
            message.data.frombytes(data)
        return message

    def works(self, **kwargs):
        """Send a good image, and get its labels and depth: the very next ones."""
        count = len(self.rig.received['/depth/image']) + 1
        self.rig.exchange(self.message(**kwargs), '/label/image')
        self.rig.get('/depth/image', count)

    def refused(self, message, reason):
        """Send a bad image: it is counted and reported with the reason, and nothing comes out."""
        before = self.rig.counts()
        self.rig.status()
        self.rig.send(message)
        self.rig.until(lambda: self.rig.counts().refused == before.refused + 1)
        assert self.rig.counts().published == before.published
        status = self.rig.status()
        assert status.level == DiagnosticStatus.ERROR
        assert reason in status.message

    def check(self):
        """Find every published image equal to what the network says of the image it is of."""
        for topic, channel, scale in (('/label/image', 0, 1), ('/depth/image', 1, np.float32(10))):
            for message in self.rig.received[topic]:
                stamp = message.header.stamp
                rgb = self.good[stamp.sec * 1_000_000_000 + stamp.nanosec]
                expected = rgb[..., channel] / scale if topic == '/depth/image' else rgb[..., 0]
                np.testing.assert_array_equal(pixels_of(message), expected)


@pytest.fixture
def camera(make_rig):
    """Yield a camera whose node publishes labels and depth; check all of them at the end."""
    rig = make_rig()
    rig.connect()
    rig.listen('/label/image')
    rig.listen('/depth/image')
    made = _Camera(rig)
    made.works()
    yield made
    made.check()


def test_camera_that_pauses(camera):
    """No image for five seconds is a warning, and the next image is published."""
    assert camera.rig.status().level != DiagnosticStatus.ERROR
    camera.rig.clock.offset_s += 5.0
    status = camera.rig.status()
    assert status.level == DiagnosticStatus.WARN
    assert _seconds_in(status.message, r'no image on /image for ([\d.]+) s') >= 5.0
    camera.works()
    assert 'no image' not in camera.rig.status().message


def test_camera_that_changes_its_size(camera):
    """Larger, smaller, of another shape: every output is of the size of its own image."""
    for height, width in ((2 * HEIGHT, 2 * WIDTH), (3, 5), (1, 1), (HEIGHT, WIDTH)):
        camera.works(pixels=_pixels(height, width))
        label = camera.rig.received['/label/image'][-1]
        assert (label.height, label.width) == (height, width)


def test_camera_that_changes_its_encoding(camera):
    """From colour to grey to colour with alpha."""
    camera.works()
    grey = _pixels(channels=1)
    camera.works(pixels=grey, encoding='mono8', rgb=np.repeat(grey, 3, axis=2))
    bgra = _pixels(channels=4)
    camera.works(pixels=bgra, encoding='bgra8', rgb=bgra[..., 2::-1])


@pytest.mark.parametrize(
    ('changes', 'reason'),
    [
        ({'height': 0}, 'too small'),
        ({'width': 0}, 'too small'),
        ({'height': 0, 'width': 0, 'step': 0, 'data': b''}, 'too small'),
        ({'data': bytes(HEIGHT * WIDTH * 3 - 1)}, 'needs 144 bytes of data, got 143'),
        ({'data': b''}, 'got 0'),
        ({'data': bytes(HEIGHT * WIDTH * 3 + 1)}, 'got 145'),
        ({'height': HEIGHT + 1}, 'needs 168 bytes of data, got 144'),
        ({'step': WIDTH * 3 - 1}, 'a row needs 24 bytes'),
        ({'step': 0}, 'a row needs 24 bytes'),
        ({'width': 2**32 - 1}, 'a row needs'),
        ({'height': 2**32 - 1, 'step': 2**32 - 1}, 'needs 18446744065119617025 bytes'),
        ({'encoding': 'rgba8'}, 'a row needs 32 bytes'),
        ({'encoding': '16UC1'}, 'found a depth image (16UC1)'),
        ({'encoding': '32FC1', 'width': 2}, 'found a depth image (32FC1)'),
        ({'encoding': 'theora'}, 'encoding must be one of rgb8'),
        ({'encoding': ''}, "not ''"),
        ({'encoding': 'yuv422', 'width': 7, 'step': 24}, 'its width must be even'),
    ],
)
def test_image_that_contradicts_itself(camera, changes, reason):
    """It is refused with a reason, and the next good one is published."""
    camera.refused(camera.broken(**changes), reason)
    camera.works()
    assert camera.rig.counts().refused == 1


@pytest.mark.parametrize(
    ('info', 'reason'),
    [
        (camera_info(focal_px=0.0), 'not calibrated (K: fx = 0)'),
        (camera_info(HEIGHT * 2, WIDTH), f'for {WIDTH}x{HEIGHT * 2} images, not for {WIDTH}x'),
        (camera_info(0, 0), 'for 0x0 images'),
        (camera_info(focal_px=float('nan')), 'not calibrated (K: fx = nan)'),
        (camera_info(focal_px=-4.0), 'not calibrated (K: fx = -4)'),
        (camera_info(focal_px=289307.0), f'cannot be right for an image of {WIDTH} pixels'),
    ],
)
def test_camera_info_that_does_not_help(camera, info, reason):
    """
    Labels and depth go on, unscaled; points stop; a good camera_info brings them back.

    Beside the outputs goes what fits the image, also when it is not calibrated.
    """
    rig = camera.rig
    rig.listen('/depth/points', PointCloud2)
    rig.listen('/depth/camera_info', CameraInfo)
    rig.exchange(camera.message(), '/depth/points', info=camera_info())
    assert rig.pipeline.calls[-1].focal == [100.0]

    rig.exchange(camera.message(), '/depth/image', info=info)
    rig.until(lambda: rig.counts().published == 3)
    assert rig.pipeline.calls[-1].focal == [None]
    assert len(rig.received['/depth/points']) == 1
    status = rig.status()
    assert status.level == DiagnosticStatus.WARN
    assert reason in status.message

    rig.exchange(camera.message(), '/depth/points', info=camera_info())
    assert len(rig.received['/depth/points']) == 2
    fits = (info.height, info.width) == (HEIGHT, WIDTH)
    rig.get('/depth/camera_info', 2 + fits)
    beside = [item.k[0] for item in rig.received['/depth/camera_info']]
    np.testing.assert_array_equal(beside, [100.0, *([info.k[0]] * fits), 100.0])
    assert rig.status().level == DiagnosticStatus.OK


def test_flood_of_images(camera):
    """A thousand images while one is computed cost no delay: the newest is next."""
    rig = camera.rig
    rig.pipeline.gate.clear()
    rig.send(camera.message())
    rig.until(lambda: len(rig.pipeline.calls) == 2)
    before = rig.counts()
    for _ in range(1000):
        rig.send(camera.message())
        rig.executor.spin_once(timeout_sec=0.0)
    last_ns = camera.stamp_ns
    rig.send(camera.message(pixels=camera.good[last_ns]))
    newest = camera.good[camera.stamp_ns]
    rig.until(lambda: rig.counts().received - before.received >= 300)
    rig.until(lambda: _idle_round(rig))
    rig.pipeline.gate.set()
    rig.until(lambda: rig.counts().published == 3)

    after = rig.counts()
    assert len(rig.pipeline.calls) == 3
    np.testing.assert_array_equal(rig.pipeline.calls[-1].images[0], newest)
    assert after.replaced - before.replaced == after.received - before.received - 1
    # What the middleware has dropped for newer ones is counted too: nothing is lost in silence.
    missed = int(rig.status().values['missed'])
    assert after.received - before.received + missed == 1001
    camera.works()


def test_images_that_never_arrive(camera):
    """More than half of them lost before the node is a warning that says what helps."""
    rig = camera.rig
    rig.status()
    for _ in range(6):
        rig.send(camera.message())
    rig.exchange(camera.message())
    status = rig.status()
    assert status.values['missed'] == '6'
    assert status.level == DiagnosticStatus.WARN
    assert status.message.startswith('6 of 7 images on /image never arrived: give their publisher')
    camera.works()
    rig.until(lambda: 'arrived' not in rig.status().message)


def _idle_round(rig):
    """Spin once, and tell whether no image came."""
    before = rig.counts().received
    rig.executor.spin_once(timeout_sec=0.05)
    return rig.counts().received == before


def test_clock_that_goes_backwards(camera):
    """A simulator that was reset: frames go on, and the diagnostics say it."""
    camera.works()
    camera.stamp_ns = 5_000_000_000
    camera.works()
    status = camera.rig.status()
    assert status.level == DiagnosticStatus.WARN
    assert 'backwards' in status.message
    assert status.values['clock_jumps'] == '1'
    camera.works()


def test_simulated_time_that_jumps_back(make_rig):
    """The clock of the node itself, while no image comes."""
    rig = make_rig(use_sim_time=True)
    clock = rig.probe.create_publisher(Clock, '/clock', 10)
    rig.until(lambda: clock.get_subscription_count() > 0)
    for seconds in (100, 5):
        message = Clock()
        message.clock.sec = seconds
        clock.publish(message)
        now_ns = seconds * 1_000_000_000
        rig.until(lambda now_ns=now_ns: rig.node.get_clock().now().nanoseconds == now_ns)
    status = rig.status()
    assert status.level == DiagnosticStatus.WARN
    assert 'backwards' in status.message
    assert status.values['clock_jumps'] == '1'


@pytest.mark.parametrize(
    'error',
    [
        BackendError('the device is gone'),
        ValueError('no'),
        MemoryError(),
        RuntimeError('x'),
        OSError(5, 'input/output error'),
        ArithmeticError('y'),
        IndexError('z'),
        TypeError('t'),
    ],
)
def test_network_that_fails(camera, error):
    """The frame counts as failed with the reason, and the next one is computed."""
    rig = camera.rig
    rig.status()
    rig.pipeline.error = error
    rig.send(camera.message())
    rig.until(lambda: rig.counts().failed == 1)
    status = rig.status()
    assert status.level == DiagnosticStatus.ERROR
    assert f'{type(error).__name__}: {error}' in status.message
    rig.pipeline.error = None
    # A backend that has failed is restarted after half a second.
    rig.clock.offset_s += 1.0
    camera.works()


def test_network_that_gives_an_image_of_another_size(camera):
    """It is not published."""
    rig = camera.rig
    good = rig.pipeline.predict_batch

    def cut(images, *args):
        return good([image[:-1] for image in images], *args)

    rig.pipeline.predict_batch = cut
    rig.send(camera.message())
    rig.until(lambda: rig.counts().failed == 1)
    assert 'expected labels of shape (6, 8)' in rig.status().message
    rig.pipeline.predict_batch = good
    camera.works()


def test_network_that_hangs_is_seen(camera):
    """The diagnostics come from another thread, and say for how long."""
    rig = camera.rig
    rig.pipeline.gate.clear()
    rig.send(camera.message())
    rig.until(lambda: len(rig.pipeline.calls) == 2)
    rig.clock.offset_s += 7.0
    status = rig.status('network')
    assert status.level == DiagnosticStatus.WARN
    assert _seconds_in(status.message, r'one frame has taken ([\d.]+) s') >= 7.0
    rig.pipeline.gate.set()
    camera.works()
    assert rig.status('network').level == DiagnosticStatus.OK


class _Fresh(FakePipeline):
    """Fails every time with an error of its own; of the images it keeps no more than where."""

    def __init__(self):
        super().__init__()
        self.images = []

    def predict_batch(self, images, *_):
        """Fail."""
        self.images += [weakref.ref(image) for image in images]
        raise RuntimeError('as it was told')


def test_images_of_failed_frames_are_freed_at_once(make_rig):
    """A hundred that wait for the garbage collector are a gigabyte."""
    pipeline = _Fresh()
    rig = make_rig(pipeline=pipeline, lazy=False)
    rig.connect()
    gc.collect()
    gc.disable()
    try:
        for count in range(1, 4):
            rig.send(image_message(_pixels()))
            rig.until(lambda count=count: rig.counts().failed == count)
        rig.until(lambda: not any(image() is not None for image in pipeline.images))
    finally:
        gc.enable()
    assert len(pipeline.images) == 3
