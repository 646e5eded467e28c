# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""bench/fleet.py with little to do."""

import re

import fleet


def test_few_inputs_are_scheduled_and_reported(capsys):
    """They do not come to the thousandth task, after which memory should not grow."""
    fleet.schedule(3)
    text = capsys.readouterr().out
    assert text.startswith('3 inputs: found in ')
    assert re.search(r'memory \d+ MB after no tasks, \d+ MB at the end$', text)
