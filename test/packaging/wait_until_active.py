# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Ask a lifecycle node for its state until it is active; fail when it does not answer.

    wait_until_active.py /NAMESPACE/NAME
"""

from __future__ import annotations

import sys
import time

from lifecycle_msgs.srv import GetState
import rclpy

DEADLINE_S = 240.0


def main() -> int:
    """Return 0 once the node is active, 1 at the deadline."""
    deadline = time.monotonic() + DEADLINE_S
    state = 'not there'
    rclpy.init()
    node = rclpy.create_node('wait_until_active')
    client = node.create_client(GetState, f'{sys.argv[1]}/get_state')
    if client.wait_for_service(timeout_sec=DEADLINE_S):
        while state != 'active' and time.monotonic() < deadline:
            answer = client.call_async(GetState.Request())
            rclpy.spin_until_future_complete(node, answer, timeout_sec=DEADLINE_S)
            state = answer.result().current_state.label if answer.done() else 'silent'
    node.destroy_node()
    rclpy.try_shutdown()
    if state != 'active':
        sys.stderr.write(f'{sys.argv[1]} is {state}\n')
    return int(state != 'active')


if __name__ == '__main__':
    sys.exit(main())
