# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Find the format of a file from its names, and say exactly what keeps it from being one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from segformer_ros.checkpoints.files import Raw
from segformer_ros.checkpoints.formats.base import Format, Guess, Options
from segformer_ros.checkpoints.links import COUNTER
from segformer_ros.checkpoints.prefixes import hint
from segformer_ros.network.checkpoint import CheckpointError

_SHOWN = 3


@dataclass(frozen=True)
class Match:
    """A file held against one format: names that it lacks, and names that the format lacks."""

    format: Format
    guess: Guess
    missing: tuple[str, ...]
    unknown: tuple[str, ...]

    @property
    def exact(self) -> bool:
        """Whether the file is of this format."""
        return not self.missing and not self.unknown


def hold_against(layout: Format, raw: Raw, options: Options) -> Match | None:
    """Compare a file with a format; None when not one name fits."""
    guess = layout.guess(raw, options)
    if guess is None:
        return None
    expected = {name for link in guess.links for name in link.theirs}
    missing = sorted(n for n in expected - set(raw.tensors) if not n.endswith(COUNTER))
    unknown = sorted(set(raw.tensors) - expected - guess.ignored)
    if len(missing) == len(expected):
        return None
    return Match(layout, guess, tuple(missing), tuple(unknown))


def detect(raw: Raw, layouts: Sequence[Format], options: Options) -> Match:
    """
    Find the one format that a file is of.

    :raises CheckpointError: It is of none, or of several; one sentence with the names that it
        misses and the names that the nearest format does not know.
    """
    if not raw.tensors:
        raise CheckpointError(f'{raw.path} holds no weights at all')
    found = [match for item in layouts if (match := hold_against(item, raw, options))]
    exact = [match for match in found if match.exact]
    if len(exact) == 1:
        return exact[0]
    if exact:
        names = ' and '.join(match.format.name for match in exact)
        raise CheckpointError(f'{raw.path} is ambiguous, it fits {names}: say which with --from')
    if not found:
        names = ', '.join(item.name for item in layouts)
        raise CheckpointError(
            f'{raw.path} is of no known format ({names}): not one name fits, '
            f'it has {_some(raw.tensors)}{hint(raw.tensors)}'
        )
    raise CheckpointError(_difference(raw, min(found, key=_distance), len(layouts) == 1))


def _distance(match: Match) -> int:
    return len(match.missing) + len(match.unknown)


def _difference(raw: Raw, match: Match, asked: bool) -> str:
    name = match.format.name
    start = f'is no {name} checkpoint' if asked else f'is of no known format, nearest is {name}'
    parts = []
    if match.missing:
        parts.append(f'it misses {_some(match.missing)}')
    if match.unknown:
        parts.append(f'{name} does not know {_some(match.unknown)}')
    return f'{raw.path} {start}: {" and ".join(parts)}{hint(raw.tensors)}'


def _some(names: Iterable[str]) -> str:
    names = list(names)
    rest = len(names) - _SHOWN
    return ', '.join(names[:_SHOWN]) + (f' and {rest} more' if rest > 0 else '')
