# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One foreign graph: run as it came, adapted, and compared with what it was."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import ModelProto
import onnxruntime
from segformer_ros import bundle
from segformer_ros.export.check import ExportError
from segformer_ros.export.foreign import adapter, meaning, signature
from segformer_ros.export.foreign.meaning import Meaning
from segformer_ros.export.foreign.normalisation import NAMED, Normalisation
from segformer_ros.labels import LabelClass

GOLDEN_SEED = 1
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
class WrappedGraph:
    """
    A graph that can go into a bundle.

    :param found: Its input as it came; size is the height and width at which it is used.
    :param output: Name of the output that is used; meaning says what it holds.
    :param stride: Input pixels per output cell.
    :param expected: What the original gives of the golden image, as the bundle states it.
    :param model: The adapted graph.
    :param inside: Which values were found, in words.
    """

    path: Path
    found: signature.GraphInput
    size: tuple[int, int]
    output: str
    meaning: Meaning
    stride: int
    expected: npt.NDArray[np.float32]
    model: ModelProto
    opset: int
    inside: str


def wrap_graph(path: Path, options: WrapOptions) -> WrappedGraph:
    """
    Run a graph on the golden image, find out what it means, and adapt it.

    :raises ExportError: It cannot be used.
    """
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
    stride = _stride(understood, size)
    expected = meaning.convert(understood, raw)
    inside = meaning.check_values(understood, expected, options.depth_range_m)
    adapted = adapter.adapt(fixed, found, output, understood, bgr=options.bgr)
    return WrappedGraph(
        path, found, size, output, understood, stride, expected, adapted, opset, inside
    )


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
    image = bundle.golden_image(GOLDEN_SEED, *size).astype(np.float64) / 255.0
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


def largest_error(item: WrappedGraph, options: WrapOptions) -> float:
    """
    Run what the bundle will hold, and return the largest difference from the original.

    :raises ExportError: It cannot be run, or gives another shape.
    """
    image = bundle.golden_image(GOLDEN_SEED, *item.size).astype(np.float64) / 255.0
    image = (image - options.normalisation.mean) / options.normalisation.std
    planes = np.ascontiguousarray(image.transpose(2, 0, 1)[None].astype(np.float32))
    value = _run(item.model, {'image': planes}, item.meaning.output)
    if value.shape != item.expected.shape:
        raise ExportError(
            f'expected {item.expected.shape}, found {value.shape}: report the network'
        )
    return float(np.abs(value.astype(np.float32) - item.expected).max())
