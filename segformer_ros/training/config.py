# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The recipe of a training run, read from YAML."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass
import difflib
from pathlib import Path
import typing
from typing import Any, TypeVar

import yaml

T = TypeVar('T')


class ConfigError(ValueError):
    """A recipe that cannot be used; the message says which key and why."""


@dataclass(frozen=True)
class WorldConfig:
    """
    The frames to learn from, rendered from seeds.

    :param folder: Where the frames are kept between runs.
    :param first_seed: Frame i is random_frame(first_seed + i).
    :param frames: How many to render in all.
    :param min_frames: Training starts when this many are there; the rest follow meanwhile.
    :param shard_frames: Frames in one file.
    :param sizes: (height, width) of the shards in turn, pixels.
    :param processes: How many render.
    """

    folder: str = 'datasets/world'
    first_seed: int = 100_000
    frames: int = 8000
    min_frames: int = 2000
    shard_frames: int = 100
    sizes: tuple[tuple[int, int], ...] = ((256, 512),)
    processes: int = 2


@dataclass(frozen=True)
class PhaseConfig:
    """
    A part of the run with one batch and one decay of the learning rate.

    :param minutes: Length in time; 0 when steps is given.
    :param steps: Length in steps; 0 when minutes is given.
    :param crops: (height, width) of the network's input, multiples of 32 pixels; one of them is
        drawn for every batch.
    :param scale: Least and greatest factor by which frames are resized before the crop.
    :param learning_rate: At the start and at the end, a half cosine in between.
    :param photometric: Strength of the colour changes, 0 to 1.
    :param class_balance: c of the class weights 1 / log(c + share of the pixels).
    :param depth_factor: Of both depth losses.
    """

    minutes: float = 0.0
    steps: int = 0
    batch_size: int = 8
    crops: tuple[tuple[int, int], ...] = ((128, 256),)
    scale: tuple[float, float] = (0.5, 1.0)
    learning_rate: tuple[float, float] = (1e-3, 1e-5)
    photometric: float = 1.0
    class_balance: float = 1.1
    depth_factor: float = 1.0


@dataclass(frozen=True)
class LossConfig:
    """
    What is minimised: cross entropy + the two depth losses, times these factors.

    :param label_stride: The cross entropy takes a random one of that many pixels per side: on a
        CPU, half of the time of a step went to pixels next to one another.
    :param max_depth_m: Farther depths are not learnt.
    """

    segmentation: float = 1.0
    silog: float = 1.0
    log_l1: float = 0.5
    label_stride: int = 2
    min_depth_m: float = 0.3
    max_depth_m: float = 120.0


@dataclass(frozen=True)
class AugmentConfig:
    """
    How frames are varied.

    :param rare_share: Share of the crops laid around a class drawn from those in the frame.
    """

    flip: bool = True
    rare_share: float = 0.5


@dataclass(frozen=True)
class TrainConfig:
    """
    A whole recipe.

    :param network: Fields of segformer_ros.network.NetworkConfig except num_classes.
    :param focal_length_px: Depths are learnt as a camera of this focal length would see them.
    :param ema_decay: Of the moving average of the weights; 0 switches it off.
    :param evaluation_seeds: First and last seed of the held-out frames.
    """

    name: str = 'world_b0'
    seed: int = 0
    output: str = 'runs/world_b0'
    network: Mapping[str, Any] = field(default_factory=lambda: {'size': 'b0'})
    world: WorldConfig = WorldConfig()
    loss: LossConfig = LossConfig()
    augment: AugmentConfig = AugmentConfig()
    phases: tuple[PhaseConfig, ...] = (PhaseConfig(minutes=10.0),)
    focal_length_px: float = 256.0
    weight_decay: float = 0.01
    warmup_steps: int = 100
    clip_norm: float = 1.0
    ema_decay: float = 0.999
    threads: int = 1
    bfloat16: bool = True
    checkpoint_minutes: float = 3.0
    evaluation_minutes: float = 10.0
    evaluation_seeds: tuple[int, int] = (0, 63)
    evaluation_size: tuple[int, int] = (256, 512)

    def as_dict(self) -> dict[str, Any]:
        """Give the recipe as plain dictionaries and lists, as YAML would have it."""
        return asdict(self)


def from_mapping(kind: type[T], values: object, where: str = 'recipe') -> T:
    """
    Make a config dataclass from what YAML holds.

    :raises ConfigError: A key is unknown or a value has the wrong type.
    """
    if not isinstance(values, Mapping):
        raise ConfigError(f'{where}: expected keys and values, got {values!r}')
    hints = typing.get_type_hints(kind)
    names = [item.name for item in fields(kind)]  # type: ignore[arg-type]
    for key in values:
        if key not in names:
            near = difflib.get_close_matches(str(key), names, 1, 0.0)[0]
            raise ConfigError(f'{where}: unknown key {key!r}, the nearest known one is {near!r}')
    return kind(**{key: _convert(hints[key], values[key], f'{where}.{key}') for key in values})


def _convert(hint: Any, value: Any, where: str) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if is_dataclass(hint):
        return from_mapping(hint, value, where)  # type: ignore[arg-type]
    if origin is tuple:
        if not isinstance(value, (list, tuple)):
            raise ConfigError(f'{where}: expected a list, got {value!r}')
        items = [arguments[0]] * len(value) if arguments[-1] is Ellipsis else list(arguments)
        if len(items) != len(value):
            raise ConfigError(f'{where}: expected {len(items)} values, got {len(value)}')
        return tuple(_convert(item, part, where) for item, part in zip(items, value, strict=True))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        if not isinstance(value, Mapping):
            raise ConfigError(f'{where}: expected keys and values, got {value!r}')
        return dict(value)
    if hint is float and isinstance(value, (int, str)) and not isinstance(value, bool):
        # YAML 1.1 reads 1e-3 as a string.
        try:
            return float(value)
        except ValueError as error:
            raise ConfigError(f'{where}: expected a number, got {value!r}') from error
    if type(value) is not hint:
        raise ConfigError(f'{where}: expected {hint.__name__}, got {value!r}')
    return value


def _nested(overrides: Iterable[str], values: dict[str, Any]) -> dict[str, Any]:
    for override in overrides:
        path, sign, text = override.partition('=')
        if not sign:
            raise ConfigError(f'expected key=value, got {override!r}')
        *parents, last = path.split('.')
        target = values
        for parent in parents:
            target = target.setdefault(parent, {})
            if not isinstance(target, dict):
                raise ConfigError(f'{path}: {parent} holds no keys')
        target[last] = yaml.safe_load(text)
    return values


def load(path: Path, overrides: Iterable[str] = ()) -> TrainConfig:
    """
    Read a recipe.

    :param overrides: 'key=value' or 'part.key=value', the value in YAML.
    :raises ConfigError: The file is no valid recipe.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding='utf-8'))
    except yaml.YAMLError as error:
        raise ConfigError(f'{path}: not YAML: {" ".join(str(error).split())}') from error
    if not isinstance(values, dict):
        raise ConfigError(f'{path}: expected the keys of a recipe, got {values!r}')
    config = from_mapping(TrainConfig, _nested(overrides, values), str(path))
    for index, phase in enumerate(config.phases):
        if (phase.minutes > 0.0) == (phase.steps > 0):
            raise ConfigError(f'{path}: phase {index} needs either minutes or steps')
        if any(side < 32 or side % 32 for crop in phase.crops for side in crop):
            raise ConfigError(f'{path}: the crops of phase {index} must be multiples of 32')
    return config
