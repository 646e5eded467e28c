# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Two networks of any origin as one bundle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
import tempfile

from segformer_ros import bundle as bundles
from segformer_ros.checkpoints.join import joined
from segformer_ros.checkpoints.source import loaded, LoadedModel, read
from segformer_ros.export.check import ExportError
from segformer_ros.export.input_sizes import own_sizes

Sizes = Sequence[tuple[int, int]] | None
Export = Callable[[Path], bundles.Bundle]


def with_shared_encoder(
    labels: str, depth: str, sizes: tuple[Sizes, Sizes]
) -> tuple[LoadedModel, Sizes] | None:
    """
    Make one network of two checkpoints whose encoders are equal in every weight.

    :param sizes: Input sizes that were asked for, of each; None: its own.
    :returns: It with its input sizes; None where these are two networks: bundles, other weights,
        another normalisation or other input sizes.
    :raises CheckpointError: A checkpoint cannot be read.
    """
    if not all(bundles.is_checkpoint(item) for item in (labels, depth)):
        return None
    first, second = read(labels), read(depth)
    if not first.config.segmentation or not second.config.depth:
        return None
    whole = joined(first, second)
    if whole is None:
        return None
    chosen = [
        tuple(size or own_sizes(item.facts)[0])
        for size, item in zip(sizes, (first, second), strict=True)
    ]
    return (loaded(whole), chosen[0]) if set(chosen[0]) == set(chosen[1]) else None


def export_pair(
    labels: str, depth: str, folder: Path, exports: tuple[Export, Export]
) -> bundles.Bundle:
    """
    Write the bundle of two networks.

    :param labels: A checkpoint, or a bundle, of the network of labels.
    :param depth: Likewise for depth.
    :param folder: Of the bundle.
    :param exports: What makes a bundle of each, where it is a checkpoint, in the folder given.
    :raises ExportError: A network does not do its task.
    :raises BundleError: A bundle is damaged, or another folder is in the way.
    """
    found = []
    with tempfile.TemporaryDirectory() as name:
        for source, task, export in zip(
            (labels, depth), ('segmentation', 'depth'), exports, strict=True
        ):
            if bundles.is_checkpoint(source):
                found.append(export(Path(name) / task / Path(source).stem))
            else:
                found.append(bundles.read(bundles.find(source)))
            tasks = found[-1].manifest.tasks
            if found[-1].networks or task not in tasks:
                what = 'two networks' if found[-1].networks else f'one for {" and ".join(tasks)}'
                raise ExportError(
                    f'{source}: expected one network for {task}, found {what}: name the network '
                    'of labels first and that of depth second'
                )
        return bundles.write_pair(folder, *found)
