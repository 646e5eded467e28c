# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a run starts from: fresh weights, or those of a checkpoint as far as they fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict

from segformer_ros.checkpoints import read
from segformer_ros.checkpoints.classes import class_table
from segformer_ros.checkpoints.model import describe, Model
from segformer_ros.labels import LabelSet
from segformer_ros.network import build, MultitaskSegformer
from segformer_ros.network.checkpoint import CheckpointError
from segformer_ros.training.baselines import Baseline, BaselineConfig, build_baseline
from segformer_ros.training.config import ModelConfig
from segformer_ros.training.shipped_files import find_weights
from segformer_ros.training.slimmed import slim
from segformer_ros.training.widened_head import widen
from torch import Tensor

_CLASSIFIERS = ('segmentation_head.classifier.', 'auxiliary_head.classifier.')
_EPS = 1e-5


def make_network(
    config: ModelConfig,
    classes: LabelSet,
    init: str,
    images: Callable[[], Tensor] | None = None,
) -> tuple[MultitaskSegformer | Baseline, list[str]]:
    """
    Make a network with the weights to start from, drawn with torch's global generator.

    :param init: Checkpoint of a network or an encoder, of any format, hf://org/name, or the name
        of shipped weights such as world_b0_fast; empty: fresh weights.
    :param images: Gives (N, 3, H, W) normalised images that the data is like, on which hidden
        channels of the checkpoint are chosen for a network that has fewer; None: such layers
        start from scratch.
    :returns: The network, and sentences on what it got.
    :raises CheckpointError: The checkpoint cannot be used, or nothing of it fits.
    :raises ValueError: There is no such baseline.
    """
    if config.baseline:
        return _baseline(config, len(classes.classes), init), []
    model = read(find_weights(init)) if init else None
    options = asdict(config)
    for name in ('baseline', 'encoder', 'encoder_weights'):
        del options[name]
    if config.norm_eps is None:
        options['norm_eps'] = model.config.norm_eps if model else _EPS
        if config.embed_norm_eps is None and model:
            options['embed_norm_eps'] = model.config.embed_norm_eps
    size = options.pop('size')
    network = build(size, len(classes.classes), **options)
    return network, [] if model is None else _take(network, model, classes, images)


def _baseline(config: ModelConfig, num_classes: int, init: str) -> Baseline:
    if init:
        raise ValueError('init is for SegFormer: a baseline starts from network.encoder_weights')
    described = BaselineConfig(
        config.baseline, num_classes, config.encoder, config.encoder_weights
    )
    return build_baseline(described)


def _take(
    network: MultitaskSegformer,
    model: Model,
    classes: LabelSet,
    images: Callable[[], Tensor] | None,
) -> list[str]:
    """
    Load what has the same name and shape; of classifiers the classes of the same name.

    A narrower depth head becomes a part of a wider one, and slimmer layers are fitted.
    """
    own = network.state_dict()
    slimmed = slim(model, network, images)
    found = {**model.tensors, **slimmed}
    fresh = _match_classes(found, own, model, classes)
    widened = widen(found, own)
    found |= widened
    fitting = {n: t for n, t in found.items() if n in own and own[n].shape == t.shape}
    missing = _encoder_parts(own) - _encoder_parts(fitting)
    if missing:
        raise CheckpointError(
            f'{model.path} is a {describe(model.config)}: its encoder does not fit the '
            f'{network.config.size.upper()} of the recipe; set network.size'
        )
    network.load_state_dict(fitting, strict=False)
    notes = [f'starts from {model.path}, a {describe(model.config)} ({model.format})']
    if widened:
        notes.append(
            f'the depth head of {model.config.depth_dim} channels begins as a part of the '
            f'{network.config.depth_dim}'
        )
    if slimmed:
        layers = dict.fromkeys('.'.join(name.split('.')[:2]) for name in slimmed)
        notes.append(f'made slimmer from there: {", ".join(layers)}')
    random = _layers(own, fitting)
    if fresh and len(fresh) < len(classes.classes):
        random.append(f'the classes {", ".join(fresh)}')
    if random:
        notes.append(f'starts from random weights: {", ".join(random)}')
    for name in ('norm_eps', 'embed_norm_eps'):
        mine, other = getattr(network.config, name), getattr(model.config, name)
        if mine != other:
            notes.append(f'{name} is {mine}, the weights were trained with {other}')
    return notes


def _encoder_parts(tensors: Mapping[str, Tensor]) -> set[str]:
    return {name for name in tensors if name.startswith('encoder.')}


def _match_classes(
    found: dict[str, Tensor], own: Mapping[str, Tensor], model: Model, classes: LabelSet
) -> list[str]:
    """
    Put the rows of the found classifiers into the order of our classes.

    :returns: The classes that there is no row for, which keep their fresh one.
    """
    rows: dict[str, int] = {}
    if model.config.segmentation and model.config.num_classes > 1:
        table = class_table(model.facts, model.config.num_classes)[1]
        rows = {item.name: number for number, item in enumerate(table)}
    pairs = [(n, rows[c.name]) for n, c in enumerate(classes.classes) if c.name in rows]
    for name in [name for name in found if name.startswith(_CLASSIFIERS)]:
        if name not in own or own[name].shape[1:] != found[name].shape[1:] or not pairs:
            del found[name]
            continue
        mixed = own[name].clone()
        mixed[[ours for ours, _ in pairs]] = found[name][[theirs for _, theirs in pairs]]
        found[name] = mixed
    return [item.name for item in classes.classes if item.name not in rows]


def _layers(own: Mapping[str, Tensor], fitting: Mapping[str, Tensor]) -> list[str]:
    """Name the heads that got nothing, and the layers of those that got something."""
    missing = [name for name in own if name not in fitting]
    parts = []
    for head in dict.fromkeys(name.split('.')[0] for name in missing):
        whole = not any(name.startswith(f'{head}.') for name in fitting)
        layers = dict.fromkeys(n.rsplit('.', 1)[0] for n in missing if n.startswith(f'{head}.'))
        parts += [head] if whole else list(layers)
    return parts
