# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From a path or an address on the hub to a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segformer_ros.checkpoints import hub
from segformer_ros.checkpoints.classes import class_facts, named
from segformer_ros.checkpoints.detect import detect, Match
from segformer_ros.checkpoints.facts import carried_facts, merge
from segformer_ros.checkpoints.files import open_checkpoint, Raw
from segformer_ros.checkpoints.formats import FORMATS
from segformer_ros.checkpoints.formats.base import Options
from segformer_ros.checkpoints.links import to_ours
from segformer_ros.checkpoints.model import describe, has_heads, Model, network_facts, only
from segformer_ros.network import MultitaskSegformer
from segformer_ros.network.checkpoint import CheckpointError

SILENT_DEPTH = 'glpdepth'
"""The format whose files do not say their largest depth."""
_ASSUMED_INPUT = "how images are normalised is not in the file: ImageNet's mean and std assumed"


@dataclass(frozen=True)
class LoadedModel:
    """
    A network to be used.

    :param network: In evaluation mode, float32.
    :param facts: The keys are in docs/checkpoints.md.
    :param format: Layout that it was read from.
    """

    network: MultitaskSegformer
    facts: Mapping[str, Any]
    format: str


def read(source: str | Path, layout: str | None = None, options: Options | None = None) -> Model:
    """
    Read a checkpoint of any format.

    :param source: A file, a folder, or hf://org/name or hf://org/name@revision.
    :param layout: Name of its format; None finds it out.
    :param options: What a person knows of it.
    :raises CheckpointError: It is missing, damaged, unsafe or of another format.
    """
    options = options or Options()
    address = hub.parse(source)
    path = hub.download(address) if address else Path(source)
    if layout is not None and layout not in FORMATS:
        raise CheckpointError(f'format must be one of {", ".join(FORMATS)}, not {layout!r}')
    raw = open_checkpoint(path)
    layouts = list(FORMATS.values()) if layout is None else [FORMATS[layout]]
    match = detect(raw, layouts, options)
    return _model(
        match, raw, options, f'{address}@{path.name}' if address else path.absolute().name
    )


def _model(match: Match, raw: Raw, options: Options, where: str) -> Model:
    """Return the weights our names, and put the facts together."""
    guess, path = match.guess, raw.path
    if options.max_depth_m is not None and match.format.name != SILENT_DEPTH:
        raise CheckpointError(
            f'{path} is a {match.format.name} checkpoint, which says its own largest depth or has '
            f'none: --max-depth is for {SILENT_DEPTH}'
        )
    if guess.refusal is not None:
        raise CheckpointError(f'{path}: {guess.refusal}')
    try:
        tensors = to_ours(guess.links, raw.tensors)
    except (RuntimeError, IndexError) as error:
        text = ' '.join(str(error).split())[:150]
        raise CheckpointError(f'{path} has weights of unfitting shapes: {text}') from error
    carried = carried_facts(guess.carried, tensors)
    facts = guess.facts if carried is None else merge(guess.facts, carried)
    notes = (*raw.notes, *guess.notes)
    if 'mean' not in facts and 'mean' in guess.assumed:
        notes += (_ASSUMED_INPUT,)
    origin: dict[str, Any] = {}
    if match.format.name != 'native' and carried is None:
        origin = {'source': where, 'sha256': raw.sha256, 'format': match.format.name}
    elif match.format.name != 'native':
        origin = {'read_from': f'{where}, {match.format.name}, sha256 {raw.sha256}'}
    classes = class_facts(None, guess.config.num_classes) if guess.config.segmentation else {}
    facts = {
        **classes,
        **guess.assumed,
        **facts,
        **origin,
        'network': network_facts(guess.config),
    }
    if options.label_set is not None:
        facts.update(named(options.label_set, guess.config.num_classes))
    if options.licence is not None:
        facts['licence'] = options.licence
    model = Model(guess.config, tensors, facts, match.format.name, notes, path)
    model.check()
    return model


def load(source: str | Path) -> LoadedModel:
    """
    Load a network that labels or measures, from a checkpoint of any format.

    :param source: As for read.
    :raises CheckpointError: As read, or it is only an encoder.
    """
    return loaded(read(source))


def loaded(model: Model) -> LoadedModel:
    """
    Build a network that was read.

    :raises CheckpointError: It is only an encoder.
    """
    if not has_heads(model.config):
        raise CheckpointError(
            f'{model.path} is a {describe(model.config)}: expected a network with a segmentation '
            'or depth head; an encoder is where training starts from'
        )
    network = model.build()
    assert isinstance(network, MultitaskSegformer)
    return LoadedModel(network, model.facts, model.format)


def load_encoder(source: str | Path) -> Model:
    """
    Read the encoder of a checkpoint of any format, to start a training from.

    :param source: As for read.
    :returns: Its tensors are under encoder.*, its configuration tells size and eps.
    :raises CheckpointError: As read.
    """
    return only(read(source), 'encoder')
