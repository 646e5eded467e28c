# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Wait in an executor for something to become so."""

import time

# A busy machine may take half a minute for what is done in milliseconds on a quiet one.
# Never the time that a test takes: it only ends one that fails.
DEADLINE_S = 240.0


def spin_until(executor, condition, *, check=lambda: None):
    """
    Spin until the condition holds; an error after the deadline.

    :param check: Called before every turn; may raise.
    """
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end, 'the deadline has passed'
        check()
        executor.spin_once(timeout_sec=0.05)
