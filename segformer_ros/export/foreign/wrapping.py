# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From foreign graphs, one for each input size, to a bundle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import ModelProto
import onnxruntime
from segformer_ros import bundle
from segformer_ros.export.check import ExportError, TOLERANCE
from segformer_ros.export.foreign import adapter, costs, meaning, signature
from segformer_ros.export.foreign.meaning import Meaning
from segformer_ros.export.foreign.normalisation import NAMED, Normalisation
from segformer_ros.export.weights_file import WeightsFile
from segformer_ros.file_hash import sha256_of
from segformer_ros.labels import LabelClass

# Of the largest output; engines differ by 1e-5 to 2e-4 of it over the networks of
# transformers, a wrong graph by 0.1 and more.
_RELATIVE_TOLERANCE = 5e-4
_WEIGHTS = 'weights.bin'
_GOLDEN_SEED = 1
_FATAL_ONLY = 4
_BYTES = NAMED['bytes']


@dataclass(frozen=True)
class WrapOptions:
    """
    What the graphs do not say.

    :param task: segmentation or depth.
    :param label_set: Of the classes.
    :param classes: In the order of the channels; empty for depth.
    :param kind: One of meaning.KINDS; None: infer it.
    :param focal_length_px: Of the camera for which depth is in metres; None: do not scale it.
    """

    task: str
    normalisation: Normalisation
    label_set: str = 'unknown'
    classes: tuple[LabelClass, ...] = ()
    kind: str | None = None
    size: tuple[int, int] | None = None
    input_name: str | None = None
    layout: str | None = None
    output: str | None = None
    bgr: bool = False
    resize: str = 'pad'
    scale: float = 1.0
    shift: float = 0.0
    depth_range_m: tuple[float, float] = (0.1, 200.0)
    focal_length_px: float | None = None
    licence: str = 'unknown'
    source: str = 'unknown'
    notes: str = ''


@dataclass(frozen=True)
class _Wrapped:
    path: Path
    found: signature.GraphInput
    size: tuple[int, int]
    output: str
    meaning: Meaning
    expected: npt.NDArray[np.float32]
    model: ModelProto
    opset: int
    inside: str


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
            wrapped.append(_wrap(path, options))
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
        difference = _error(item, options)
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


def _wrap(path: Path, options: WrapOptions) -> _Wrapped:
    model = signature.load_graph(path)
    opset = adapter.check_opset(model)
    found = signature.find_input(model, name=options.input_name, layout=options.layout)
    _check_bytes(found, options.normalisation)
    output = signature.find_output(model, options.output)
    size = signature.fixed_size(found, options.size)
    fixed = adapter.with_fixed_size(model, found, *size)
    raw = _run(fixed, {found.name: _as_it_takes(found, size, options)}, output)
    understood = meaning.understand(
        options.task,
        options.kind,
        raw,
        len(options.classes),
        scale=options.scale,
        shift=options.shift,
    )
    _stride(understood, size)
    expected = meaning.convert(understood, raw)
    inside = meaning.check_values(understood, expected, options.depth_range_m)
    adapted = adapter.adapt(fixed, found, output, understood, bgr=options.bgr)
    return _Wrapped(path, found, size, output, understood, expected, adapted, opset, inside)


def _check_bytes(found: signature.GraphInput, normalisation: Normalisation) -> None:
    if found.type == 'uint8' and not np.allclose((normalisation.mean, normalisation.std), _BYTES):
        raise ExportError(
            f'input {found.name}: expected the values 0 to 255 for an input of uint8, found '
            f'{normalisation.source}, which leaves few of them: give --mean bytes'
        )


def _run(
    model: ModelProto, inputs: dict[str, npt.NDArray[Any]], output: str
) -> npt.NDArray[np.generic]:
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = _FATAL_ONLY
    settings.intra_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), settings, providers=['CPUExecutionProvider']
        )
        value = session.run([output], inputs)[0]
    except Exception as error:
        line = next(iter(str(error).strip().splitlines()), type(error).__name__)
        size = 'x'.join(str(side) for side in next(iter(inputs.values())).shape)
        raise ExportError(
            f'expected a graph that ONNX Runtime can run on an input of {size}, found: {line}: '
            'check --layout and --size, or export it again at this size'
        ) from error
    return np.asarray(value)


def _as_it_takes(
    found: signature.GraphInput, size: tuple[int, int], options: WrapOptions
) -> npt.NDArray[Any]:
    """Prepare the golden image as the graph takes it, with numpy alone."""
    image = bundle.golden_image(_GOLDEN_SEED, *size).astype(np.float64) / 255.0
    image = (image - options.normalisation.mean) / options.normalisation.std
    image = image[..., ::-1] if options.bgr else image
    image = image if found.layout == 'nhwc' else image.transpose(2, 0, 1)
    image = np.rint(image) if found.type == 'uint8' else image
    return np.ascontiguousarray(image[None].astype(found.type))


def _stride(understood: Meaning, size: tuple[int, int]) -> int:
    """Return input pixels per output cell."""
    height, width = understood.grid
    stride = size[0] // max(1, height)
    if stride < 1 or (height * stride, width * stride) != size:
        raise ExportError(
            f'expected an output whose sides divide the input {size[0]}x{size[1]}, found '
            f'{height}x{width}: export it with a resize to the input size, or at another size'
        )
    return stride


def _check_alike(wrapped: Sequence[_Wrapped]) -> None:
    first = wrapped[0]
    for item in wrapped[1:]:
        kinds = [
            (w.meaning.kind, w.meaning.channels, _stride(w.meaning, w.size)) for w in (first, item)
        ]
        if kinds[0] != kinds[1]:
            raise ExportError(
                f'{item.path.name}: expected an output as that of {first.path.name}, found '
                f'{kinds[1]} in the place of {kinds[0]}: wrap one network at a time'
            )
    if len({item.size for item in wrapped}) != len(wrapped):
        raise ExportError('expected graphs of different sizes, found one size that occurs twice')


def _error(item: _Wrapped, options: WrapOptions) -> float:
    """Run what the bundle will hold, and give the largest difference from the original."""
    image = bundle.golden_image(_GOLDEN_SEED, *item.size).astype(np.float64) / 255.0
    image = (image - options.normalisation.mean) / options.normalisation.std
    planes = np.ascontiguousarray(image.transpose(2, 0, 1)[None].astype(np.float32))
    value = _run(item.model, {'image': planes}, item.meaning.output)
    if value.shape != item.expected.shape:
        raise ExportError(
            f'expected {item.expected.shape}, found {value.shape}: report the network'
        )
    return float(np.abs(value.astype(np.float32) - item.expected).max())


def _entry(item: _Wrapped, file: str, golden: str, error: float) -> dict[str, Any]:
    output = item.meaning.output
    graph = {
        'target': 'any',
        'precision': 'float32',
        'input': 'float32',
        'outputs': [output],
        'file': file,
        'error': {output: error},
    }
    check = {'seed': _GOLDEN_SEED, 'outputs': golden}
    return {'height': item.size[0], 'width': item.size[1], 'graphs': [graph], 'golden': check}


def _manifest(
    wrapped: Sequence[_Wrapped],
    name: str,
    options: WrapOptions,
    entries: list[dict[str, Any]],
    tolerance: float,
) -> dict[str, Any]:
    first = wrapped[0]
    output, stride = first.meaning.output, _stride(first.meaning, first.size)
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


def _provenance(wrapped: Sequence[_Wrapped], options: WrapOptions) -> dict[str, Any]:
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


def _inferred(item: _Wrapped, options: WrapOptions) -> str:
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
