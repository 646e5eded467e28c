# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Of what a process wrote to standard error: what is not of the middleware."""

import re

# Of the loggers below rclpy, and of Fast DDS, whose threads write whenever something happens to
# other processes, such as "2026-11-29 12:00:00.123 [RTPS_TRANSPORT_SHM Error] Failed ...".
_MIDDLEWARE = re.compile(
    r'\[\w+\] \[[\d.]+\] \[(rcl|rmw|rcutils)[\w.]*\]: '
    r'|(\x1b\[\S*m)*\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ .*\[\w+ (Error|Warning)\]'
)


def own_lines(text):
    """Return the lines that the program itself has written."""
    return [line for line in text.splitlines() if not _MIDDLEWARE.match(line)]
