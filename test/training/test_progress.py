# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A run says how far it is, how fast, and when it will end."""

import pytest

pytest.importorskip('torch', reason='training needs torch')

from segformer_ros.training import progress
from segformer_ros.training.progress import Clock, duration, ProgressBar


@pytest.fixture
def now(monkeypatch):
    """Return a clock that is set by hand."""
    times = [100.0]
    monkeypatch.setattr(progress.time, 'monotonic', lambda: times[0])
    return times


def test_line_says_step_time_left_losses_and_rate(now):
    """Without a terminal a line comes at most every twenty seconds."""
    lines = []
    bar = ProgressBar(100, 40, lines.append, bar=False)
    for _ in range(12):
        now[0] += 2.0
        bar.step(4, 'large', {'loss': 0.5})
    bar.close()

    (line,) = lines
    assert line.startswith('step 50 of 100 (50 %, ends in 2 min), large, loss 0.5')
    assert line.endswith('2.0 samples/s')


def test_rate_is_of_the_time_since_it_was_asked_for(now):
    """Samples count once."""
    bar = ProgressBar(10, 0, print, bar=False)
    now[0] += 1.0
    bar.step(8, 'all', {})
    assert bar.rate() == pytest.approx(8.0)
    now[0] += 4.0
    assert bar.rate() == 0.0


def test_bar_is_drawn_on_a_terminal_and_lines_go_past_it(now, capsys):
    """The bar has the number of steps; what is said stands on lines of its own."""
    lines = []
    bar = ProgressBar(3, 1, lines.append, bar=True)
    now[0] += 2.0
    bar.step(4, 'small', {'loss': 0.25})
    bar.say('measured')
    bar.close()

    assert lines == ['measured']
    assert '1/3' in capsys.readouterr().err


def test_clock_is_due_once_per_interval(now):
    """Being due starts the next interval."""
    clock = Clock()
    assert not clock.due('save', 10.0)
    now[0] += 10.0
    assert clock.due('save', 10.0)
    assert not clock.due('save', 10.0)
    assert clock.due('other', 5.0)


@pytest.mark.parametrize(
    ('seconds', 'text'), [(0.4, '0 s'), (89.0, '89 s'), (600.0, '10 min'), (9000.0, '2.5 h')]
)
def test_durations_are_written_as_people_say_them(seconds, text):
    """Seconds, minutes or hours."""
    assert duration(seconds) == text
