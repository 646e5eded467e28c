# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Measure networks against one another: those that ship, or the bundles that are named.

Each has a process of its own for each engine, one thread, and they take turns at every input size
that all of them have.

    python bench/networks.py
    python bench/networks.py road_b0 my_network --engines onnxruntime openvino openvino_bfloat16
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from statistics import median
import sys

from backends import start, Variant
from comparison import machine
from segformer_ros import bundle

_SHIPPED = ['road_b0', 'world_b0_fast', 'world_b0_slim']
_ENGINES = ('onnxruntime', 'openvino', 'openvino_bfloat16')
_HEAD = '| size | engine | network | ms | CPU time, ms | ratio of these | MB |'
Row = tuple[str, str, str, float, float, float]


def common_sizes(networks: Sequence[bundle.Bundle]) -> list[tuple[int, int]]:
    """
    Return the (height, width) that all have, the smallest first.

    :raises ValueError: There is none.
    """
    sizes = [
        {(size.height, size.width) for size in item.manifest.input_sizes} for item in networks
    ]
    common = set.intersection(*sizes)
    if not common:
        found = '; '.join(
            f'{item.manifest.name}: {", ".join(f"{h}x{w}" for h, w in sorted(own))}'
            for item, own in zip(networks, sizes, strict=True)
        )
        raise ValueError(f'expected networks with an input size in common, found {found}')
    return sorted(common)


def measure(
    networks: Sequence[bundle.Bundle],
    sizes: Sequence[tuple[int, int]],
    engines: Sequence[str],
    repeats: int,
) -> Iterator[Row]:
    """
    Let all networks take turns, one size and one engine after another.

    :returns: Size, engine, network, milliseconds on the clock, of the CPU, memory in MB.
    """
    for height, width in sizes:
        for engine in engines:
            runners = [
                start(Variant(engine), item, _size(item, height, width)) for item in networks
            ]
            turns = [[runner.turn() for runner in runners] for _ in range(repeats)]
            for item, runner, times in zip(
                networks, runners, zip(*turns, strict=True), strict=True
            ):
                clock, processor = (1e3 * median(part) for part in zip(*times, strict=True))
                name = item.manifest.name
                yield f'{height}x{width}', engine, name, clock, processor, runner.peak_mb
                runner.close()


def _size(network: bundle.Bundle, height: int, width: int) -> bundle.InputSize:
    sizes = network.manifest.input_sizes
    return next(item for item in sizes if (item.height, item.width) == (height, width))


def report(rows: Sequence[Row]) -> str:
    """Write a table, with ratios to the first network of the same size and engine."""
    first: dict[tuple[str, str], float] = {}
    lines = [_HEAD, '|' + '---|' * (_HEAD.count('|') - 1)]
    for size, engine, name, clock, processor, memory in rows:
        base = first.setdefault((size, engine), processor)
        lines.append(
            f'| {size} | {engine} | {name} | {clock:.1f} | {processor:.1f} | '
            f'{processor / base:.2f} | {memory:.0f} |'
        )
    return '\n'.join(lines)


def main(words: Sequence[str] | None = None) -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=str(__doc__).strip().splitlines()[0])
    parser.add_argument('models', nargs='*', default=_SHIPPED, help='names or folders of bundles')
    parser.add_argument(
        '--engines', nargs='+', choices=_ENGINES, default=['onnxruntime', 'openvino']
    )
    parser.add_argument('--repeats', type=int, default=25, help='turns of each network')
    arguments = parser.parse_args(words)
    try:
        networks = [bundle.read(bundle.find(model)) for model in arguments.models]
        sizes = common_sizes(networks)
    except (bundle.BundleError, ValueError) as error:
        sys.stderr.write(f'bench/networks.py: error: {error}\n')
        return 1
    machine.pin()
    rows = list(measure(networks, sizes, arguments.engines, arguments.repeats))
    facts = ', '.join(machine.describe().values())
    sys.stdout.write(f'one thread, {facts}\n\n{report(rows)}\n')
    return 0


if __name__ == '__main__':
    sys.exit(main())
