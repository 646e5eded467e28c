# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Look for inputs that break the readers of messages, images, cameras, bundles, bags and checkpoints.

Hypothesis draws damaged ones; fuzzing/ says what must hold: nothing but the module's own error, no
wrong size, no point that is not finite, memory bounded by the size that an input states. Every
round takes other examples; a counterexample is made small, printed, and ends the program with 1.

    python bench/fuzz.py --examples 1000000
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
import sys
import time
import warnings

from fuzzing import forget_peak, Target
from fuzzing.files import targets
from fuzzing.pixels import TARGETS
from hypothesis import given, HealthCheck, Phase, seed, settings
from hypothesis.errors import UnsatisfiedAssumption

_ROUND = 200


def check(target: Target, draws: int, number: int | None = None) -> int:
    """
    Draw inputs of one kind and check them.

    To draw takes Hypothesis most of the time, so that what was drawn is done to several inputs.

    :param draws: How many times; an input of each variant comes of each.
    :param number: Seed; None takes always the same ones.
    :returns: How many were checked; those that were drawn and left out do not count.
    :raises Exception: What the smallest input that breaks something raises.
    """
    count = 0

    def one(drawn: object) -> None:
        nonlocal count
        if count == 0:
            # What importing and drawing have taken is no input's.
            forget_peak()
        for made in target.variants(drawn):
            try:
                target.check(made)
            except UnsatisfiedAssumption:
                continue
            count += 1

    test = given(target.inputs)(one)
    test = settings(
        max_examples=draws,
        database=None,
        deadline=None,
        derandomize=number is None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        print_blob=False,
        report_multiple_bugs=False,
    )(test)
    if number is not None:
        test = seed(number)(test)
    with warnings.catch_warnings():
        # numpy and decoders warn of what they refuse; the refusal is what counts here.
        warnings.simplefilter('ignore')
        test()
    return count


def all_targets() -> tuple[Target, ...]:
    """Return every kind of input that can be checked here."""
    return (*TARGETS, *targets())


def main() -> int:
    """Check round after round, and say how many examples ran."""
    args = _arguments()
    chosen = [item for item in all_targets() if args.only in ('', item.name)]
    if not chosen:
        known = ', '.join(item.name for item in all_targets())
        sys.stderr.write(
            f'bench/fuzz.py: error: --only must be one of {known}, not {args.only!r}\n'
        )
        return 2
    done: Counter[str] = Counter()
    start = time.monotonic()
    for target, number in _rounds(chosen, args.seed):
        try:
            done[target.name] += check(target, min(_ROUND, args.examples), number)
        except Exception as error:  # noqa: BLE001 whatever breaks is what is looked for
            notes = '\n'.join(getattr(error, '__notes__', ()))
            sys.stdout.write(f'{target.name}, seed {number}: {type(error).__name__}: {error}\n')
            sys.stdout.write(f'{notes}\n')
            return 1
        if target is chosen[-1]:
            parts = ', '.join(f'{name} {count}' for name, count in done.items())
            seconds = time.monotonic() - start
            sys.stdout.write(f'{done.total()} examples in {seconds:.0f} s: {parts}\n')
            sys.stdout.flush()
        if done.total() >= args.examples:
            break
    sys.stdout.write(f'{done.total()} examples, no counterexample\n')
    return 0


def _rounds(chosen: list[Target], first: int) -> Iterator[tuple[Target, int]]:
    number = first
    while True:
        for target in chosen:
            yield target, number
        number += 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or '').strip().splitlines()[0])
    parser.add_argument('--examples', type=int, default=20000, help='how many to check in all')
    parser.add_argument('--seed', type=int, default=1, help='of the first round')
    parser.add_argument('--only', default='', help='one kind of input')
    args = parser.parse_args()
    if args.examples < 1:
        parser.error(f'--examples must be 1 or more, not {args.examples}')
    return args


if __name__ == '__main__':
    sys.exit(main())
