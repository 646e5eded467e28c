# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What `segformer info` says of a bundle and of a checkpoint, in pairs of name and text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from segformer_ros import bundle as bundles

Pairs = Iterator[tuple[str, str]]

_MEANINGS = {
    'metric': 'metres: sigmoid times {max:g} m',
    'linear': 'metres, unbounded',
    'log': 'log metres, unbounded',
    'bounded_log': 'log metres: sigmoid times {max:g}, so nothing nearer than 1 m',
}
_TRAINING = (
    'source', 'sha256', 'label_set', 'focal_length_px', 'mean', 'std', 'command', 'metrics',
)  # fmt: skip


def of_bundle(bundle: bundles.Bundle) -> Pairs:
    """Return the facts of a bundle; those of two networks one after the other."""
    if not bundle.networks:
        yield from _of_one(bundle)
        return
    yield 'name', bundle.manifest.name
    yield 'folder', str(bundle.path)
    for task, part in bundle.networks.items():
        yield 'network', f'for {"labels" if task == "segmentation" else task}'
        yield from _of_one(part)


def _of_one(bundle: bundles.Bundle) -> Pairs:
    manifest = bundle.manifest
    size = sum(bundle.file(name).stat().st_size for name in manifest.files)
    yield 'name', manifest.name
    yield 'folder', str(bundle.path)
    yield 'tasks', ', '.join(manifest.tasks)
    if manifest.classes:
        classes = ', '.join(f'{item.name} {item.id}' for item in manifest.classes)
        yield 'classes', f'{len(manifest.classes)} of {manifest.label_set}: {classes}'
    if manifest.depth is not None and manifest.depth_range_m is not None:
        low, high = manifest.depth_range_m
        focal_px = manifest.focal_length_px
        camera = (
            'whatever the focal length' if focal_px is None else f'of a camera of {focal_px:g} px'
        )
        unit = manifest.depth.unit.replace('_', ' ')
        relative = f'{unit}, not metres'
        sure = '' if manifest.depth.scale is None else ', with confidence'
        metric = f'{low:g} to {high:g} m, {camera}{sure}'
        yield 'depth', relative if manifest.depth.relative else metric
    sizes = ', '.join(f'{item.height}x{item.width}' for item in manifest.input_sizes)
    stretched = ', images are stretched over them' if manifest.resize == 'stretch' else ''
    yield 'input sizes', f'{sizes} (height x width){stretched}'
    yield from _costs(manifest.arithmetic.parameters, manifest.arithmetic.gmacs)
    yield 'opset', str(manifest.opset)
    yield 'licence', manifest.licence
    for name, value in manifest.provenance.items():
        long = name == 'recipe' and isinstance(value, Mapping)
        # Networks of other projects have no notes and no figures.
        if value not in ('', {}):
            yield name, 'see `segformer info --json`' if long else text(value)
    yield 'files', f'{len(manifest.files)}, {size / 1e6:.1f} MB, sha256 of each as it should be'


def read_checkpoint(source: str, size: tuple[int, int]) -> dict[str, Any]:
    """
    Read a checkpoint and count what it costs.

    :param source: A file, a folder or hf://org/name.
    :param size: (height, width) of the image to count for.
    :returns: JSON values: the facts of the file, and format, notes, channels, arithmetic.
    :raises CheckpointError: The checkpoint cannot be used.
    """
    from segformer_ros import checkpoints
    from segformer_ros.network.arithmetic import count_macs, count_parameters

    model = checkpoints.read(source)
    network: Any = model.build()
    ours = count_macs(network, *size)
    published = count_macs(network, *size, as_published=True)
    name = f'{size[0]}x{size[1]}'
    return {
        **model.facts,
        'format': model.format,
        'notes': list(model.notes),
        'channels': {
            part: getattr(network, part).decoder_dim
            for part in ('segmentation_head', 'depth_head')
            if getattr(network, part, None) is not None
        },
        'arithmetic': {
            'parameters': count_parameters(network),
            'gmacs': {name: {part: macs / 1e9 for part, macs in ours.items()}},
            'gmacs_as_published': {name: {part: macs / 1e9 for part, macs in published.items()}},
        },
    }


def of_checkpoint(content: Mapping[str, Any], source: str) -> Pairs:
    """Return the facts of a checkpoint."""
    network, channels = content['network'], content['channels']
    yield 'checkpoint', source
    yield 'format', '; '.join([content['format'], *content['notes']])
    outer, inner = network['norm_eps'], network['embed_norm_eps']
    eps = f'eps {outer:g}' if inner in {None, outer} else f'eps {outer:g}, inside {inner:g}'
    yield 'encoder', f'MiT-{network["size"].upper()}, {eps}'
    if network['segmentation']:
        width = channels['segmentation_head']
        yield 'labels', f'{network["segmentation_head"]} head, {width} channels, stride 4'
    if network['depth']:
        yield 'depth', _depth(network, channels['depth_head'])
    if network['num_classes']:
        names = ', '.join(content.get('class_names') or [])
        yield 'classes', f'{network["num_classes"]}{": " * bool(names)}{names}'
    for name in _TRAINING:
        if content.get(name) is not None:
            yield name, text(content[name])
    arithmetic = content['arithmetic']
    yield from _costs(arithmetic['parameters'], arithmetic['gmacs'])
    for size, parts in arithmetic['gmacs_as_published'].items():
        total = sum(parts.values())
        if parts != arithmetic['gmacs'][size]:
            yield (
                'as published',
                f'{size}: {total:.2f} GMACs, in the order of the original code',
            )


def _depth(network: Mapping[str, Any], channels: int) -> str:
    stride = network['depth_stride'] if network['depth_head'] == 'glpn' else 4
    meaning = _MEANINGS[network['depth_activation']].format(max=network['max_depth_m'])
    return f'{network["depth_head"]} head, {channels} channels, stride {stride}, {meaning}'


def _costs(parameters: Mapping[str, int], gmacs: Mapping[str, Mapping[str, float]]) -> Pairs:
    """Format the parameters by part, and the GMACs by size and part."""
    parts = ', '.join(f'{_part(name)} {count:,}' for name, count in parameters.items())
    yield 'parameters', f'{sum(parameters.values()):,}: {parts}'
    for size, costs in gmacs.items():
        parts = ', '.join(f'{_part(name)} {cost:.2f}' for name, cost in costs.items())
        yield 'GMACs', f'{size}: {sum(costs.values()):.2f}: {parts}'


def _part(name: str) -> str:
    return name.replace('_', ' ')


def text(value: Any) -> str:
    """Write a JSON value as a person would."""
    if isinstance(value, Mapping):
        parts = (f'{name} {_inner(item)}' for name, item in value.items())
        return ', '.join(parts) or 'none'
    if isinstance(value, (list, tuple)):
        return ' '.join(_inner(item) for item in value)
    return f'{value:g}' if isinstance(value, float) else str(value)


def _inner(value: Any) -> str:
    return f'({text(value)})' if isinstance(value, (Mapping, list, tuple)) else text(value)
