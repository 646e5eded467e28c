# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From foreign graphs, one for each input size, to a bundle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from segformer_ros import bundle
from segformer_ros.export.check import ExportError, TOLERANCE
from segformer_ros.export.foreign import costs, meaning
from segformer_ros.export.foreign.wrapped_graph import (
    GOLDEN_SEED,
    largest_error,
    wrap_graph,
    WrapOptions,
    WrappedGraph,
)
from segformer_ros.export.weights_file import WeightsFile
from segformer_ros.file_hash import sha256_of

# Of the largest output; engines differ by 1e-5 to 2e-4 of it over the networks of
# transformers, a wrong graph by 0.1 and more.
_RELATIVE_TOLERANCE = 5e-4
_WEIGHTS = 'weights.bin'


def wrap_graphs(
    paths: Sequence[Path],
    folder: Path,
    options: WrapOptions,
    report: Callable[[str], object] = lambda line: None,
) -> bundle.Bundle:
    """
    Write the bundle of foreign graphs of one network.

    Each graph is run as it came on the golden image, and compared with what the bundle's gives.

    :param paths: ONNX files, each of another input size.
    :param report: Called with a line on what was inferred.
    :raises ExportError: A graph cannot be used; nothing is written.
    :raises BundleError: The bundle cannot be written there.
    """
    wrapped = []
    for path in paths:
        try:
            wrapped.append(wrap_graph(path, options))
        except ExportError as error:
            raise ExportError(f'{path.name}: {str(error).removeprefix(f"{path}: ")}') from error
        report(_inferred(wrapped[-1], options))
    _check_alike(wrapped)
    weights, files = WeightsFile(_WEIGHTS), dict[str, Path | bytes]()
    entries, gmacs, tolerance = [], dict[str, Any](), 0.0
    for item in wrapped:
        height, width = item.size
        golden, file = f'golden_{height}x{width}.npz', f'network_{height}x{width}.onnx'
        cost = costs.gmacs(item.model)
        count = costs.parameters(item.model)
        output, largest = item.meaning.output, float(np.abs(item.expected).max())
        tolerance = max(tolerance, TOLERANCE[output], _RELATIVE_TOLERANCE * largest)
        files[golden] = bundle.pack_golden({output: item.expected})
        difference = largest_error(item, options)
        weights.take(item.model)
        files[file] = item.model.SerializeToString()
        entries.append(_entry(item, file, golden, difference))
        if cost:
            gmacs[f'{height}x{width}'] = {bundle.WHOLE: cost}
        if not difference <= tolerance:
            raise ExportError(
                f'{item.path.name}: expected the adapted graph within {tolerance:.2g} of the '
                f'original, found a difference of {difference:.3g}: report the network'
            )
    files[_WEIGHTS] = weights.content
    content = _manifest(wrapped, folder.absolute().name, options, entries, tolerance)
    content['arithmetic'] = {'parameters': {bundle.WHOLE: count}, 'gmacs': gmacs}
    return bundle.write(folder, content, files)


def _check_alike(wrapped: Sequence[WrappedGraph]) -> None:
    first = wrapped[0]
    for item in wrapped[1:]:
        kinds = [(w.meaning.kind, w.meaning.channels, w.stride) for w in (first, item)]
        if kinds[0] != kinds[1]:
            raise ExportError(
                f'{item.path.name}: expected an output as that of {first.path.name}, found '
                f'{kinds[1]} in the place of {kinds[0]}: wrap one network at a time'
            )
    if len({item.size for item in wrapped}) != len(wrapped):
        raise ExportError('expected graphs of different sizes, found one size that occurs twice')


def _entry(item: WrappedGraph, file: str, golden: str, error: float) -> dict[str, Any]:
    output = item.meaning.output
    graph = {
        'target': 'any',
        'precision': 'float32',
        'input': 'float32',
        'outputs': [output],
        'file': file,
        'error': {output: error},
    }
    check = {'seed': GOLDEN_SEED, 'outputs': golden}
    return {'height': item.size[0], 'width': item.size[1], 'graphs': [graph], 'golden': check}


def _manifest(
    wrapped: Sequence[WrappedGraph],
    name: str,
    options: WrapOptions,
    entries: list[dict[str, Any]],
    tolerance: float,
) -> dict[str, Any]:
    first = wrapped[0]
    output, stride = first.meaning.output, first.stride
    content: dict[str, Any] = {
        'name': name,
        'tasks': [options.task],
        'input_sizes': entries,
        'channel_order': 'rgb',
        'mean': list(options.normalisation.mean),
        'std': list(options.normalisation.std),
        'resize': options.resize,
        'outputs': {output: {'stride': stride}},
        'opset': max(item.opset for item in wrapped),
        'tolerance': {output: tolerance},
        'provenance': _provenance(wrapped, options),
        'licence': options.licence,
    }
    if output == 'logits':
        classes = [{'id': c.id, 'name': c.name, 'color': list(c.color)} for c in options.classes]
        return {**content, 'label_set': options.label_set, 'classes': classes}
    unit = meaning.UNITS.get(first.meaning.kind, 'metres')
    content['outputs'][output] |= {'activation': 'metric', 'unit': unit}
    content['depth_range_m'] = list(options.depth_range_m)
    content['focal_length_px'] = options.focal_length_px
    return content


def _provenance(wrapped: Sequence[WrappedGraph], options: WrapOptions) -> dict[str, Any]:
    first = wrapped[0]
    return {
        'data': 'unknown',
        'recipe': 'unknown',
        'metrics': {},
        'format': 'onnx',
        'source': options.source,
        'sha256': {item.path.name: sha256_of(item.path) for item in wrapped},
        'notes': options.notes,
        'wrapped': {
            'input': first.found.name,
            'layout': first.found.layout,
            'type': first.found.type,
            'channels': 'bgr' if options.bgr else 'rgb',
            'output': first.output,
            'kind': first.meaning.kind,
            'scale': options.scale,
            'shift': options.shift,
        },
    }


def _inferred(item: WrappedGraph, options: WrapOptions) -> str:
    found, understood = item.found, item.meaning
    channels = 'bgr' if options.bgr else 'rgb'
    height, width = item.size
    grid = f'{understood.grid[0]}x{understood.grid[1]}'
    kind = understood.kind.replace('_', ' ')
    return (
        f'{item.path.name}: input {found.name} ({found.layout}, {found.type}, {channels}), '
        f'{height}x{width}, {options.resize}; output {item.output}: {kind} of {grid}, '
        f'{item.inside}'
    )
