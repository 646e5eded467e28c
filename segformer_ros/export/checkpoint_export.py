# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From the weights file of a training to the bundle, with what is known of the training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
import shutil
import subprocess
from typing import Any

from segformer_ros.bundle import Bundle
from segformer_ros.export.bundle_export import export_bundle, Facts
from segformer_ros.network.checkpoint import load_network


def current_commit() -> str:
    """Name the commit of the checkout that this package runs from; 'unknown' outside of one."""
    git = shutil.which('git')
    if git is None:
        return 'unknown'
    command = [git, '-C', str(Path(__file__).parent), 'rev-parse', 'HEAD']
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return result.stdout.strip() or 'unknown'


def provenance(facts: dict[str, Any], notes: str) -> dict[str, Any]:
    """
    Tell where a network comes from.

    :param facts: Of its weights file.
    """
    recipe, progress = facts['recipe'], facts['progress']
    first = recipe['world']['first_seed']
    return {
        'data': f'{facts["frames"]} frames of the built-in world, random_frame of the seeds '
        f'{first} to {first + facts["frames"] - 1}; nothing else',
        'recipe': recipe,
        'command': facts.get('command', 'segformer train'),
        'commit': current_commit(),
        'steps': progress['step'],
        'metrics': {
            'data': 'held-out frames of the built-in world',
            'seeds': recipe['evaluation_seeds'],
            'resolution': recipe['evaluation_size'],
            **facts['metrics'],
        },
        'notes': notes,
    }


def export_checkpoint(
    checkpoint: Path, folder: Path, sizes: Sequence[tuple[int, int]], *, notes: str = ''
) -> Bundle:
    """
    Export a weights file under the name of the folder.

    :param sizes: (height, width) of the inputs.
    :raises CheckpointError: The checkpoint cannot be used.
    """
    network, facts = load_network(checkpoint)
    return export_bundle(
        network,
        folder,
        sizes,
        Facts(
            name=folder.absolute().name,
            label_set=facts['label_set'],
            class_ids=tuple(facts['classes']),
            focal_length_px=float(facts['focal_length_px']),
            provenance=provenance(facts, notes),
        ),
    )
