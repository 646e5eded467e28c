# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The numbers of one camera, and what the diagnostics make of them."""

from dataclasses import asdict

from diagnostic_msgs.msg import DiagnosticStatus
import pytest
from segformer_ros.nodes.diagnostics import camera_status
from segformer_ros.nodes.frame_statistics import FrameStatistics, FrameTimes
from segformer_ros.nodes.parameters import Parameters

_TIMES = FrameTimes(
    wait_ms=1.0,
    preprocess_ms=2.0,
    network_ms=30.0,
    postprocess_ms=4.0,
    publish_ms=5.0,
    latency_ms=43.0,
)


class _Camera:
    """Statistics with a clock in the hand of the test."""

    def __init__(self, window=100):
        self.now_s = 1000.0
        self.statistics = FrameStatistics(lambda: self.now_s, window)
        self.stamp_ns = 0

    def run(self, count, period_s=0.1):
        """Let images arrive and be published at a rate."""
        for _ in range(count):
            self.now_s += period_s
            self.stamp_ns += round(period_s * 1e9)
            self.statistics.received(self.stamp_ns)
            self.statistics.published(_TIMES)

    def status(self, **values):
        """Evaluate the camera now."""
        summary = self.statistics.summary()
        found = camera_status('n: camera', '/image', summary, Parameters(**values))
        return found.level, found.message, {item.key: item.value for item in found.values}


@pytest.fixture
def camera():
    """Return a camera that has sent nothing."""
    return _Camera()


def test_rates_are_of_the_last_seconds(camera):
    """Ten a second in and out, then silence."""
    camera.run(200)
    summary = camera.statistics.summary()
    assert summary.input_rate_hz == pytest.approx(10.0, abs=0.3)
    assert summary.output_rate_hz == pytest.approx(10.0, abs=0.3)
    camera.now_s += 6.0
    assert camera.statistics.summary().input_rate_hz == 0.0
    assert camera.statistics.summary().silent_s == pytest.approx(6.0)


def test_latency_is_split(camera):
    """Median and 99th percentile of every part; what is never known is left out."""
    camera.run(98)
    slow = FrameTimes(**{**asdict(_TIMES), 'latency_ms': 500.0})
    camera.statistics.published(slow)
    camera.statistics.published(slow)
    found = camera.statistics.summary().percentiles
    assert found['latency_ms'] == (43.0, 500.0)
    assert found['network_ms'] == (30.0, 30.0)
    assert set(found) == set(asdict(_TIMES)) - {'age_ms'}
    assert _TIMES.overhead_ms == pytest.approx(12.0)


def test_window_is_the_number_of_frames_that_count(camera):
    """Old frames leave the percentiles."""
    camera.run(50)
    camera.statistics.set_window(10)
    for _ in range(10):
        camera.statistics.published(FrameTimes(**{**asdict(_TIMES), 'wait_ms': 9.0}))
    assert camera.statistics.summary().percentiles['wait_ms'] == (9.0, 9.0)


def test_diagnostics_hold_every_number(camera):
    """Rates, drops by cause, and the split of the latency at both percentiles."""
    camera.run(20)
    camera.statistics.replaced()
    camera.statistics.idle()
    level, message, values = camera.status()
    assert level == DiagnosticStatus.OK
    assert message.endswith('frames/s out')
    assert (values['received'], values['published']) == ('20', '20')
    assert (values['replaced'], values['idle']) == ('1', '1')
    assert (values['refused'], values['failed']) == ('0', '0')
    for part in ('latency', 'wait', 'preprocess', 'network', 'postprocess', 'publish'):
        assert float(values[f'{part}_p50_ms']) <= float(values[f'{part}_p99_ms'])
    assert float(values['input_rate_hz']) == pytest.approx(10.0, abs=0.5)


def test_stale_input_is_a_warning_that_ends_with_the_next_image(camera):
    """The message names the topic and what to look at."""
    camera.run(5)
    camera.now_s += 5.0
    level, message, _ = camera.status(stale_after_s=2.0)
    assert level == DiagnosticStatus.WARN
    assert 'no image on /image for 5.0 s' in message
    camera.run(1)
    assert camera.status()[0] == DiagnosticStatus.OK


@pytest.mark.parametrize('kind', ['refused', 'failed'])
def test_lost_frame_is_an_error_with_its_reason(camera, kind):
    """It stays one until a frame is good again, and is told once more after that."""
    camera.run(5)
    getattr(camera.statistics, kind)('the reason')
    level, message, values = camera.status()
    assert (level, message) == (DiagnosticStatus.ERROR, '1 frames lost: the reason')
    assert values[kind] == '1'
    level, message, _ = camera.status()
    assert (level, message) == (DiagnosticStatus.ERROR, 'no frame since this error: the reason')
    camera.run(1)
    level, _, values = camera.status()
    assert level == DiagnosticStatus.OK
    assert values['last_error'] == 'the reason'


def test_error_between_two_reports_is_not_missed(camera):
    """Good frames after it do not hide it."""
    camera.statistics.failed('the reason')
    camera.run(5)
    assert camera.status()[:2] == (DiagnosticStatus.ERROR, '1 frames lost: the reason')
    assert camera.status()[0] == DiagnosticStatus.OK


def test_stamps_that_go_backwards_restart_the_rates(camera):
    """A simulator that was reset is told once as a warning; the counts go on."""
    camera.run(50)
    camera.stamp_ns = 0
    camera.run(1)
    level, message, values = camera.status()
    assert level == DiagnosticStatus.WARN
    assert 'backwards' in message
    assert (values['received'], values['clock_jumps']) == ('51', '1')
    camera.run(50)
    assert camera.statistics.summary().input_rate_hz == pytest.approx(10.0, abs=0.3)
    assert camera.status()[0] == DiagnosticStatus.OK


def test_camera_problem_matters_where_depth_is_computed(camera):
    """Without depth nobody needs the camera_info."""
    camera.run(5)
    camera.statistics.camera('no camera_info: no points', 'no camera_info')
    level, message, values = camera.status()
    assert (level, message) == (DiagnosticStatus.WARN, 'no camera_info: no points')
    assert values['camera_info'] == 'no camera_info'
    assert camera.status(depth=False)[0] == DiagnosticStatus.OK


def test_idle_is_no_drop_and_no_error(camera):
    """A node that nobody listens to is in order."""
    camera.now_s += 0.1
    camera.statistics.received(1)
    camera.statistics.idle()
    level, message, values = camera.status()
    assert (level, message) == (DiagnosticStatus.OK, 'idle: no output has a subscriber')
    assert (values['idle'], values['replaced']) == ('1', '0')


def test_a_jump_back_is_said_even_when_nothing_came_after_it():
    """It is said once, the silence again and again."""
    camera = _Camera()
    camera.run(5)
    camera.stamp_ns = 0
    camera.run(1)
    camera.now_s += 10.0
    assert 'the time went backwards' in camera.status()[1]
    assert 'no image on /image for 10.0 s' in camera.status()[1]
