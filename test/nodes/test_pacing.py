# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Waiting for recorded moments."""

import pytest
from segformer_ros.nodes.pacing import Pacer


class _Time:
    """A steady clock that moves on by waiting, and oversleeps every time."""

    def __init__(self, oversleep_s=0.0):
        self.now = 100.0
        self.stop_at = None
        self._oversleep_s = oversleep_s

    def __call__(self):
        return self.now

    def wait(self, seconds):
        if seconds:
            self.now += seconds + self._oversleep_s
        return self.stop_at is not None and self.now >= self.stop_at


def _moments(pacer, time, moments_ns):
    found = []
    for moment in moments_ns:
        assert pacer.reach(moment)
        found.append(time.now)
    return found


@pytest.mark.parametrize('rate', [0.5, 1.0, 4.0])
def test_moments_come_at_their_distance_from_the_first(rate):
    """The first one is now, whatever its time."""
    time = _Time()
    found = _moments(Pacer(rate, time, time.wait), time, [5_000, 500_005_000, 750_005_000])
    assert found == pytest.approx([100.0, 100.0 + 0.5 / rate, 100.0 + 0.75 / rate])


def test_pacing_errors_do_not_add_up():
    """Every wait oversleeps by 3 ms, yet the thousandth moment is late by no more than that."""
    time = _Time(oversleep_s=0.003)
    pacer = Pacer(1.0, time, time.wait)
    found = _moments(pacer, time, range(0, 40_000_000_000, 40_000_000))
    assert 0.0 <= found[-1] - (100.0 + 39.96) <= 0.0031
    assert pacer.latest_s <= 0.0031


def test_moments_that_have_passed_are_reached_at_once():
    """How late they are is remembered."""
    time = _Time()
    pacer = Pacer(1.0, time, time.wait)
    pacer.reach(0)
    time.now += 0.5
    assert _moments(pacer, time, [100_000_000, 600_000_000]) == pytest.approx([100.5, 100.6])
    assert pacer.latest_s == pytest.approx(0.4)


def test_waiting_ends_when_asked_to():
    """Also where there is nothing to wait for."""
    time = _Time()
    pacer = Pacer(1.0, time, time.wait)
    assert pacer.reach(0)
    time.stop_at = 100.2
    assert not pacer.reach(10_000_000_000)
    assert time.now < 100.3
    assert not pacer.reach(0)


def test_recorded_time_is_reported_while_waiting():
    """In steps that never fall and end at the moment itself."""
    time, told = _Time(), []
    pacer = Pacer(2.0, time, time.wait, told.append)
    _moments(pacer, time, [1_000_000_000, 2_000_000_000])
    assert told[0] == 1_000_000_000
    assert told[-1] == 2_000_000_000
    assert told == sorted(told)
    assert len(told) >= 20


def test_a_jump_starts_again_after_a_pause():
    """As at the end of a loop."""
    time = _Time()
    pacer = Pacer(1.0, time, time.wait)
    _moments(pacer, time, [0, 1_000_000_000])
    pacer.jump(0.25)
    assert _moments(pacer, time, [0]) == pytest.approx([101.25])
