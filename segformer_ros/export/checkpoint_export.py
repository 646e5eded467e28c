# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From a checkpoint to the bundle, with what is known of its origin."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
import shutil
import subprocess
from typing import Any

import numpy as np
from segformer_ros.bundle import Bundle
from segformer_ros.checkpoints import load, LoadedModel
from segformer_ros.checkpoints.classes import check_label_images, class_table
from segformer_ros.export.background import (
    classes_with_background,
    decides_by_threshold,
    with_background,
)
from segformer_ros.export.bundle_export import export_bundle, golden_outputs, golden_planes
from segformer_ros.export.input_sizes import own_sizes
from segformer_ros.export.manifest import Facts
from segformer_ros.export.torchscript import write_torchscript
from segformer_ros.export.variants import ExportOptions
from segformer_ros.labels import LabelClass
from segformer_ros.network.checkpoint import CheckpointError
from segformer_ros.network.normalization import MEAN, STD

OWN_LICENCE = 'Apache-2.0'
UNKNOWN = 'unknown'
_DEPTH_RANGE_M = (0.5, 100.0)


def current_commit() -> str:
    """Name the commit of the checkout that this package runs from; 'unknown' outside of one."""
    git = shutil.which('git')
    if git is None:
        return UNKNOWN
    command = [git, '-C', str(Path(__file__).parent), 'rev-parse', 'HEAD']
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return result.stdout.strip() or UNKNOWN


def provenance(facts: Mapping[str, Any], notes: str) -> dict[str, Any]:
    """
    Return where a network comes from.

    :param facts: Of its checkpoint.
    """
    if 'recipe' not in facts:
        return _foreign_provenance(facts, notes)
    recipe, progress = facts['recipe'], facts['progress']
    data, measured_on = facts.get('data'), {'data': facts.get('measured_on', UNKNOWN)}
    if data is None:
        # Written before recipes could name any dataset.
        first = recipe['world']['first_seed']
        data = (
            f'{facts["frames"]} frames of the built-in world, random_frame of the seeds '
            f'{first} to {first + facts["frames"] - 1}; nothing else'
        )
        measured_on = {
            'data': 'held-out frames of the built-in world',
            'seeds': recipe['evaluation_seeds'],
            'resolution': recipe['evaluation_size'],
        }
    return {
        'data': data,
        'recipe': recipe,
        'command': facts.get('command', 'segformer train'),
        'commit': current_commit(),
        'steps': progress['step'],
        'metrics': {**measured_on, **facts['metrics']},
        'notes': notes,
    }


def _foreign_provenance(facts: Mapping[str, Any], notes: str) -> dict[str, Any]:
    return {
        'data': UNKNOWN,
        'recipe': UNKNOWN,
        'metrics': {},
        'source': facts.get('source', UNKNOWN),
        'sha256': facts.get('sha256', UNKNOWN),
        'format': facts.get('format', 'native'),
        **({'read_from': facts['read_from']} if 'read_from' in facts else {}),
        'commit': current_commit(),
        'notes': notes,
    }


def depth_range(model: LoadedModel) -> tuple[float, float]:
    """Return the depths in metres between which a network can be right."""
    if 'depth_range_m' in model.facts:
        low, high = model.facts['depth_range_m']
        return float(low), float(high)
    head = model.network.depth_head
    if head is not None and head.activation == 'metric':
        return min(_DEPTH_RANGE_M[0], head.max_depth_m / 100.0), head.max_depth_m
    return _DEPTH_RANGE_M


def bundle_facts(
    model: LoadedModel,
    name: str,
    *,
    notes: str = '',
    licence: str | None = None,
    focal_length_px: float | None = None,
) -> Facts:
    """
    Collect what the bundle of a checkpoint says of it.

    A network of one class is described as the one with a background that export_checkpoint writes.

    :param name: Of the bundle.
    :param licence: Of the weights; without it what the checkpoint says, and 'unknown' where it
        says nothing and was not trained here.
    :param focal_length_px: Of the camera for which depth is right; without it what the
        checkpoint says.
    :raises CheckpointError: The focal length that depth needs is unknown.
    """
    facts, network = model.facts, model.network
    focal_length_px = focal_length_px or facts.get('focal_length_px')
    if network.depth_head is not None and not focal_length_px:
        raise CheckpointError(
            'the checkpoint does not say for which camera its depth is right: give the focal '
            'length in pixels of its training images with --focal-length'
        )
    label_set, classes = UNKNOWN, tuple[LabelClass, ...]()
    if network.segmentation_head is not None:
        check_label_images(network.config.num_classes)
        label_set, classes = class_table(facts, network.config.num_classes)
        if decides_by_threshold(network):
            label_set, classes = classes_with_background(label_set, classes[0])
    own = OWN_LICENCE if 'recipe' in facts else UNKNOWN
    return Facts(
        name=name,
        label_set=label_set,
        class_ids=tuple(item.id for item in classes),
        classes=classes,
        focal_length_px=float(focal_length_px or 0.0),
        provenance=provenance(facts, notes),
        depth_range_m=depth_range(model),
        licence=licence or facts.get('licence') or own,
        mean=_three(facts.get('mean') or MEAN),
        std=_three(facts.get('std') or STD),
    )


def _three(values: Sequence[float]) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in values)
    return red, green, blue


def export_checkpoint(
    source: str | Path | LoadedModel,
    folder: Path,
    sizes: Sequence[tuple[int, int]] | None,
    *,
    notes: str = '',
    licence: str | None = None,
    focal_length_px: float | None = None,
    options: ExportOptions | None = None,
    torchscript: bool = False,
    report: Callable[[str], object] = lambda line: None,
) -> Bundle:
    """
    Export a checkpoint of any layout under the name of the folder.

    :param source: A file, a folder, hf://org/name or what was loaded of one.
    :param sizes: (height, width) of the inputs; None: those that the checkpoint was made for.
    :param licence: As for bundle_facts.
    :param focal_length_px: As for bundle_facts.
    :param torchscript: Also write the published network as TorchScript, a file for each size
        next to the folder.
    :param report: Called with a line on sizes that no one named, or that are portrait.
    :raises CheckpointError: The checkpoint cannot be used.
    :raises ExportError: What was exported does not compute the same.
    """
    model = source if isinstance(source, LoadedModel) else load(source)
    sizes = _chosen(sizes, model, report)
    name = folder.absolute().name
    facts = bundle_facts(
        model, name, notes=notes, licence=licence, focal_length_px=focal_length_px
    )
    network = model.network
    if decides_by_threshold(network):
        network = with_background(network)
    bundle = export_bundle(network, folder, sizes, facts, options)
    for size in sizes if torchscript else ():
        write_torchscript(
            network,
            torchscript_path(folder, *size),
            golden_planes(facts, *size).astype(np.float32),
            golden_outputs(network, facts, *size),
        )
    return bundle


def _chosen(
    sizes: Sequence[tuple[int, int]] | None, model: LoadedModel, report: Callable[[str], object]
) -> Sequence[tuple[int, int]]:
    if sizes is None:
        sizes, reason = own_sizes(model.facts)
        names = ', '.join(f'{height}x{width}' for height, width in sizes)
        report(f'input sizes (height x width): {names}, {reason}; --size names others')
    for height, width in sizes:
        if height > width:
            report(f'{height}x{width} is portrait: {height} high, {width} wide')
    return sizes


def torchscript_path(folder: Path, height: int, width: int) -> Path:
    """Name the TorchScript file of an input size: next to the bundle, which is closed."""
    path = folder.absolute()
    return path.with_name(f'{path.name}_{height}x{width}.torchscript')
