# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How a foreign network wants its images, from its preprocessor_config.json or from the user."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
import json
import math
from pathlib import Path
from typing import Any

Three = tuple[float, float, float]

NAMED: Mapping[str, tuple[Three, Three]] = {
    'imagenet': ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    'half': ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    'unit': ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
    'bytes': ((0.0, 0.0, 0.0), (1 / 255, 1 / 255, 1 / 255)),
}
"""'unit' gives 0 to 1, 'bytes' 0 to 255."""


@dataclass(frozen=True)
class Normalisation:
    """
    x = (pixel / 255 - mean) / std, in the order red, green, blue.

    resize is 'pad' or 'stretch'; None: not said. source says where it is from, for people.
    """

    mean: Three
    std: Three
    resize: str | None
    source: str


def read_processor(path: Path) -> Normalisation:
    """
    Read a preprocessor_config.json.

    :param path: The file, or the folder that has it.
    :raises ValueError: There is none, or it does not say it.
    """
    path = path / 'preprocessor_config.json' if path.is_dir() else path
    try:
        content: Any = json.loads(path.read_text(encoding='utf-8'))
    except FileNotFoundError as error:
        raise ValueError(f'expected {path}, found no such file: check the path') from error
    except ValueError as error:
        raise ValueError(f'{path}: expected JSON, found something else') from error
    if not isinstance(content, Mapping):
        raise ValueError(f'{path}: expected a JSON object, found something else')
    factor = content.get('rescale_factor', 1 / 255) if content.get('do_rescale', True) else 1.0
    if not isinstance(factor, (int, float)) or not 0 < factor < math.inf:
        raise ValueError(f'{path}: expected a rescale_factor above 0, found {factor!r}')
    mean: Any = [0.0] * 3
    std: Any = [1.0] * 3
    # GLPN's processor has no key for it, and does not normalise.
    if content.get('do_normalize', 'image_mean' in content):
        mean, std = content.get('image_mean'), content.get('image_std')
    keeps = bool(content.get('keep_aspect_ratio')) or not content.get('do_resize', True)
    return Normalisation(
        _three(mean, path, 1.0 / (255.0 * factor)),
        _above_zero(_three(std, path, 1.0 / (255.0 * factor)), path),
        'pad' if keeps else 'stretch',
        str(path),
    )


def read_words(mean: Sequence[str], std: Sequence[str]) -> Normalisation:
    """
    Read what a user gave.

    :param mean: Three numbers on the 0 to 1 scale, or a name of NAMED.
    :param std: Three numbers; empty where mean is a name.
    :raises ValueError: They are neither.
    """
    if len(mean) == 1 and not std:
        if mean[0] not in NAMED:
            raise ValueError(f'expected --mean {", ".join(NAMED)} or three numbers, got {mean[0]}')
        return Normalisation(*NAMED[mean[0]], None, f'--mean {mean[0]}')
    try:
        values = [float(word) for word in mean], [float(word) for word in std]
    except ValueError as error:
        raise ValueError(f'expected numbers for --mean and --std: {error}') from error
    where = Path('--mean and --std')
    std_of_three = _above_zero(_three(values[1], where), where)
    return Normalisation(_three(values[0], where), std_of_three, None, str(where))


def _above_zero(std: Three, where: Path) -> Three:
    if min(std) <= 0.0:
        raise ValueError(f'{where}: expected a std above 0 of each channel, found {list(std)}')
    return std


def _three(values: Any, where: Path, factor: float = 1.0) -> Three:
    good = isinstance(values, list) and len(values) == 3
    if not good or not all(isinstance(v, (int, float)) and math.isfinite(v) for v in values):
        raise ValueError(f'{where}: expected a mean and a std of three numbers, found {values}')
    red, green, blue = (float(value) * factor for value in values)
    return red, green, blue
