# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What every node of this package does when it runs as a process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
import sys
from typing import Any

import rclpy
from rclpy.exceptions import ParameterException
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos_overriding_options import InvalidQosOverridesError
from segformer_ros import interrupts, process_memory

# Imported by the first message and by OpenVINO, which both do without: what generates messages,
# and what converts models.
_UNUSED = ('rosidl_generator_py.generate_py_impl', 'openvino.tools.ovc')


def leave_out_generators() -> None:
    """Keep this process from importing what no node uses: a tenth of the time to the start."""
    for name in _UNUSED:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]


def run(make_node: Callable[[], Node], args: Sequence[str] | None = None) -> int:
    """
    Run one node until SIGINT, SIGTERM or a shutdown of ROS.

    A signal ends rclpy.spin(), and interrupts only what is in interrupts.interruptible(); none of
    those that follow disturbs the end.

    :param make_node: Called once ROS is up; destroy_node() of its result is called at the end.
    :param args: Command line; None takes that of the process.
    :returns: After an ordered end 0, or the exit_code of the node if it has one; 1 when the
        arguments or parameters are wrong (one line on stderr).
    """
    process_memory.keep_freed_memory()
    leave_out_generators()
    with interrupts.handled(0) as signals:
        node: Node | None = None
        try:
            _begin(args)
            # From here on rclpy ends what runs; only what says so is interrupted.
            signals.note()
            # One that waited for the end of an import came before rclpy listened.
            with signals.interruptible():
                pass
            node = _make(make_node)
            # A signal may have come while the node was made: rclpy would complain about it.
            if rclpy.ok():
                # Not the shared executor: Jazzy stumbles over a shutdown while it is made.
                rclpy.spin(node, _Executor())
        except _RefusedError as error:
            return _refuse(error)
        except (KeyboardInterrupt, ExternalShutdownException):
            pass
        except RuntimeError:
            # A call that a shutdown overtook; from a wait only in Jazzy.
            if rclpy.ok():
                raise
        finally:
            signals.note()
            if node is not None:
                node.destroy_node()
            rclpy.try_shutdown()
        return int(getattr(node, 'exit_code', 0))


class _Executor(SingleThreadedExecutor):
    """An executor whose end says nothing where a shutdown kept it from being made."""

    # Jazzy's __del__ looks for it, which its __init__ makes last.
    _sigint_gc: Any = None


class _RefusedError(Exception):
    """The arguments or parameters are wrong."""


def _begin(args: Sequence[str] | None) -> None:
    try:
        rclpy.init(args=list(args) if args is not None else None)
    except (RuntimeError, ValueError) as error:
        raise _RefusedError(error) from error


def _make(make_node: Callable[[], Node]) -> Node:
    try:
        return make_node()
    except (InvalidQosOverridesError, ParameterException, ValueError) as error:
        raise _RefusedError(error) from error


def _refuse(error: Exception) -> int:
    sys.stderr.write(f'{" ".join(str(error).split())}\n')
    return 1
