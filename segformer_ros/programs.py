# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Where the programs of this package begin: the signals first, then everything that takes seconds.

`python -m segformer_ros.programs NAME ...` runs the program of that name.
"""

from __future__ import annotations

from functools import partial
import importlib
import sys

from segformer_ros import interrupts, process_memory


def _run(module: str, code: int | None) -> int:
    """
    Import a module and run its main().

    :param code: Exit code of a signal that comes before; None is 128 and its number.
    """
    interrupts.install(code)
    result: int = importlib.import_module(f'segformer_ros.{module}').main()
    interrupts.end()
    process_memory.leave_objects()
    return result


# An interrupted node ends in order, an interrupted command does not.
segformer = partial(_run, 'cli', None)
segformer_node = partial(_run, 'nodes.segformer_node', 0)
world_node = partial(_run, 'nodes.world_node', 0)
carla_world_node = partial(_run, 'nodes.carla_world_node', 0)
evaluation_node = partial(_run, 'nodes.evaluation_node', 0)
grid_node = partial(_run, 'nodes.grid_node', 0)
viewer_node = partial(_run, 'nodes.viewer_node', 0)
recorder_node = partial(_run, 'nodes.recorder_node', 0)
dataset_recorder_node = partial(_run, 'nodes.dataset_recorder_node', 0)
replay_node = partial(_run, 'nodes.replay_node', 0)


def main() -> int:
    """Run the program that the first argument names."""
    programs = {name: item for name, item in globals().items() if isinstance(item, partial)}
    name = ''.join(sys.argv[1:2])
    if name not in programs:
        sys.stderr.write(f'expected one of {", ".join(programs)}, got {name or "nothing"}\n')
        return 2
    del sys.argv[1]
    result: int = programs[name]()
    return result


if __name__ == '__main__':
    sys.exit(main())
