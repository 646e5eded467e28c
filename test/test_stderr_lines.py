# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The lines of the middleware are told from those of the program."""

from stderr_lines import own_lines

_OF_OTHERS = [
    '2026-11-29 12:00:00.123 [RTPS_TRANSPORT_SHM Error] Failed init_port fastrtps_port7412',
    '\x1b[37;1m2026-11-29 12:00:00.123 \x1b[31;1m[RTPS_MSG_OUT Error]\x1b[37m [DDS] no buffer',
    '[ERROR] [1764419000.123456789] [rmw_fastrtps_shared_cpp]: failed to publish',
    '[WARN] [1764419000.123456789] [rcl.logging_rosout]: Publisher already registered',
]
_OWN = [
    '[ERROR] [1764419000.123456789] [segformer_node]: cannot be configured: no engine',
    'width must be 16 or more, got 4',
    'Traceback (most recent call last):',
    '',
]


def test_only_lines_of_the_middleware_are_left_out():
    """What the program says stays, in order."""
    assert own_lines('\n'.join([*_OF_OTHERS, *_OWN, *_OF_OTHERS]) + '\n') == _OWN
