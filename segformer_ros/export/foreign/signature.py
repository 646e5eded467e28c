# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a foreign graph takes and gives, as far as the graph itself says it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import onnx
from onnx import ModelProto, TensorProto
from segformer_ros.bundle import weights_of_graph
from segformer_ros.export.check import ExportError

_TYPES = {
    TensorProto.FLOAT: 'float32',
    TensorProto.FLOAT16: 'float16',
    TensorProto.UINT8: 'uint8',
}

Shape = tuple[int | None, ...]


@dataclass(frozen=True)
class GraphInput:
    """
    The image input of a graph.

    layout is nchw or nhwc, type one of float32, float16 and uint8; a side is None where it is
    free.
    """

    name: str
    layout: str
    type: str
    height: int | None
    width: int | None


def load_graph(path: Path) -> ModelProto:
    """
    Read a graph with its weights.

    :raises ExportError: The file or a file of weights is missing, or it is not ONNX.
    """
    if not path.is_file():
        raise ExportError(f'{path}: expected an ONNX file, found none: check the path')
    try:
        model = onnx.load(path)
    except Exception as error:
        missing = [name for name in weights_of_graph(path) if not (path.parent / name).is_file()]
        if missing:
            raise ExportError(
                f'{path}: expected all files of its weights next to it, found no '
                f'{", ".join(missing)}: copy them too'
            ) from error
        line = next(iter(str(error).splitlines()), type(error).__name__)
        raise ExportError(
            f'{path}: expected an ONNX graph that is whole, found: {line}: export it again'
        ) from error
    if not model.graph.node or not model.graph.output:
        raise ExportError(f'{path}: expected an ONNX graph, found none inside: export it again')
    return model


def shape_of(item: onnx.ValueInfoProto) -> Shape:
    """Return a shape; None stands for what is free."""
    dims = item.type.tensor_type.shape.dim
    return tuple(
        d.dim_value if d.HasField('dim_value') and d.dim_value > 0 else None for d in dims
    )


def find_input(
    model: ModelProto, *, name: str | None = None, layout: str | None = None
) -> GraphInput:
    """
    Find the input that is the image.

    :param name: Its name; None: the only one.
    :param layout: nchw or nhwc; None: where the three channels are says it.
    :raises ExportError: There is no such input, or several are possible.
    """
    weights = {item.name for item in model.graph.initializer}
    inputs = {item.name: item for item in model.graph.input if item.name not in weights}
    others = [item for item in inputs if item != name]
    if (name is None and len(inputs) != 1) or (
        name is not None and (name not in inputs or others)
    ):
        found = ', '.join(inputs) or 'none'
        wanted = 'one input, an image' if name in {None, *inputs} else f'an input {name!r}'
        do = 'leave out --input, or export the graph' if name else 'export the graph'
        raise ExportError(f'expected {wanted}, found {found}: {do} with one input')
    item = inputs[name or next(iter(inputs))]
    kind = _TYPES.get(item.type.tensor_type.elem_type)
    if kind is None:
        number = item.type.tensor_type.elem_type
        raise ExportError(
            f'input {item.name}: expected float32, float16 or uint8, found '
            f'{TensorProto.DataType.Name(number).lower()}: export the graph with one of these'
        )
    shape, asked = shape_of(item), layout
    layout = layout or _layout(item.name, shape)
    axis = 1 if layout == 'nchw' else 3
    if len(shape) != 4 or shape[axis] not in {3, None} or shape[0] not in {1, None}:
        says = f'three channels as --layout {asked} says' if asked else 'three channels'
        do = 'leave out --layout, or export the graph' if asked else 'export the graph'
        raise ExportError(
            f'input {item.name}: expected one image of {says}, found shape {_text(shape)}: {do} '
            'for one colour image'
        )
    height, width = shape[2:] if layout == 'nchw' else shape[1:3]
    return GraphInput(item.name, layout, kind, height, width)


def find_output(model: ModelProto, name: str | None = None) -> str:
    """
    Find the output that counts.

    :param name: Its name; None: the only one.
    :raises ExportError: There is no such output, or several and none is named.
    """
    names: list[str] = [item.name for item in model.graph.output]
    if name is not None and name in names:
        return name
    if name is None and len(names) == 1:
        return names[0]
    shapes = ', '.join(f'{item.name} {_text(shape_of(item))}' for item in model.graph.output)
    expected = 'one output' if name is None else f'an output {name!r}'
    raise ExportError(
        f'expected {expected}, found {shapes}: name the one that counts with --output'
    )


def fixed_size(found: GraphInput, size: tuple[int, int] | None) -> tuple[int, int]:
    """
    Return the height and width that a graph is used at.

    :param size: What was asked for; None: what the graph says.
    :raises ExportError: The graph leaves it open and so does the user, or both contradict.
    """
    if size is None and (found.height is None or found.width is None):
        raise ExportError(
            f'input {found.name}: expected a fixed size, found free axes: say which size it was '
            'exported for with --size HxW'
        )
    height, width = size or (found.height or 0, found.width or 0)
    if found.height not in {None, height} or found.width not in {None, width}:
        raise ExportError(
            f'input {found.name}: expected {height}x{width} as --size says, found '
            f'{found.height}x{found.width}: leave out --size, or give the graph of that size'
        )
    return height, width


def _layout(name: str, shape: Sequence[int | None]) -> str:
    candidates = [
        layout
        for layout, axis in (('nchw', 1), ('nhwc', 3))
        if len(shape) == 4 and shape[axis] == 3
    ]
    if len(candidates) == 1:
        return candidates[0]
    raise ExportError(
        f'input {name}: expected shape (1, 3, H, W) or (1, H, W, 3), found {_text(shape)}: say '
        'which with --layout, or export the graph for one colour image'
    )


def _text(shape: Sequence[int | None]) -> str:
    return f'({", ".join("?" if side is None else str(side) for side in shape)})'
