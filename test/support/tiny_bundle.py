# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A bundle of a few hundred weights for tests: two strided convolutions, no torch."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, TensorProto
from segformer_ros import bundle
from segformer_ros.inference.preprocess import lookup_table
from segformer_ros.labels import CARLA_0914, LabelClass

STRIDE = 4
CLASSES = tuple(
    CARLA_0914.by_name(name) for name in ('road', 'building', 'vegetation', 'sky', 'car')
)
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_WEIGHTS = 'weights.bin'
_BOTH = ('logits', 'depth')

Kind = tuple[str, str, tuple[str, ...]]
"""Of a graph: its target, its input and its outputs."""


def make_tiny_bundle(
    folder: Path,
    *,
    sizes: Sequence[tuple[int, int]] = ((64, 128),),
    classes: Sequence[LabelClass] = CLASSES,
    activation: str = 'log',
    batch: bool = True,
    kinds: Sequence[Kind] | None = None,
    scale: bool = False,
    unit: str = 'metres',
) -> Path:
    """
    Write a bundle whose outputs follow the image: each cell sees its own 4 x 4 pixels only.

    :param folder: Where; its parent exists.
    :param sizes: Heights and widths of the input, multiples of four.
    :param activation: 'log' or 'metric'; depths are near ten metres.
    :param batch: Whether the graphs take several images at once.
    :param kinds: The graphs of each size; None: one of all outputs.
    :param scale: Whether the network states how far its depth may be off.
    :param unit: Of the depth, as the manifest has it.
    :returns: The folder.
    """
    weights = _weights(len(classes))
    kinds = kinds or [('any', 'float32', (*_BOTH, 'depth_scale') if scale else _BOTH)]
    files: dict[str, Path | bytes] = {_WEIGHTS: b''.join(w.tobytes() for w in weights.values())}
    entries = []
    for height, width in sizes:
        golden = f'golden_{height}x{width}.npz'
        graphs = []
        for kind in kinds:
            name = file_of(kind, height, width)
            model = _graph(weights, (height, width), activation, batch, kind)
            files[name] = model.SerializeToString()
            graphs.append((name, kind))
        image = bundle.golden_image(7, height, width)
        expected = expected_outputs(image, len(classes), activation, scale=scale)
        files[golden] = bundle.pack_golden(expected)
        entries.append(tiny_entry(height, width, graphs, golden))
    manifest = tiny_manifest(entries, classes, activation)
    if scale:
        manifest['outputs']['depth']['scale'] = 'laplace'
        manifest['tolerance']['depth_scale'] = 1e-4
    manifest['outputs']['depth']['unit'] = unit
    bundle.write(folder, manifest, files)
    return folder


def file_of(kind: Kind, height: int, width: int) -> str:
    """Name the file of a graph."""
    target, form, outputs = kind
    words = [target if target != 'any' else '', form if form != 'float32' else '']
    words += outputs if outputs[:2] != _BOTH else ()
    return '_'.join(['network', *filter(None, words), f'{height}x{width}.onnx'])


def tiny_entry(
    height: int, width: int, graphs: str | Sequence[tuple[str, Kind]], golden: str
) -> dict:
    """
    Return the entry of an input size.

    :param graphs: File and kind of each, or the file of the only one.
    """
    if isinstance(graphs, str):
        graphs = [(graphs, ('any', 'float32', _BOTH))]
    entries = [
        {
            'target': target,
            'precision': 'float32',
            'input': form,
            'outputs': list(outputs),
            'file': file,
            'error': dict.fromkeys(outputs, 1e-6),
        }
        for file, (target, form, outputs) in graphs
    ]
    golden_check = {'seed': 7, 'outputs': golden}
    return {'height': height, 'width': width, 'graphs': entries, 'golden': golden_check}


def tiny_manifest(
    entries: Sequence[dict], classes: Sequence[LabelClass] = CLASSES, activation: str = 'log'
) -> dict:
    """Return the manifest of a tiny bundle, without what bundle.write adds."""
    rows = [{'id': item.id, 'name': item.name, 'color': list(item.color)} for item in classes]
    return {
        'name': 'tiny',
        'tasks': ['segmentation', 'depth'],
        'label_set': 'carla_0914',
        'classes': rows,
        'input_sizes': list(entries),
        'channel_order': 'rgb',
        'mean': list(_MEAN),
        'std': list(_STD),
        'outputs': {
            'logits': {'stride': STRIDE},
            'depth': {'stride': STRIDE, 'activation': activation},
        },
        'depth_range_m': [0.5, 80.0],
        'focal_length_px': 100.0,
        'opset': 17,
        'tolerance': {'logits': 1e-4, 'depth': 1e-4},
        'arithmetic': {
            'parameters': {'encoder': 1, 'segmentation_head': 245, 'depth_head': 49},
            'gmacs': {},
        },
        'provenance': {'data': 'unknown', 'recipe': 'random weights', 'metrics': {}},
        'licence': 'Apache-2.0',
    }


def expected_outputs(
    image: np.ndarray,
    num_classes: int = len(CLASSES),
    activation: str = 'log',
    *,
    scale: bool = False,
) -> dict[str, np.ndarray]:
    """
    Compute the raw outputs of a tiny network with numpy alone.

    :param image: (H, W, 3) RGB of an input size.
    """
    weights = _weights(num_classes)
    table = lookup_table(_MEAN, _STD).astype(np.float64)
    planes = np.stack([table[index][image[..., index]] for index in range(3)])
    cells = planes.reshape(3, image.shape[0] // STRIDE, STRIDE, image.shape[1] // STRIDE, STRIDE)
    outputs = {}
    for name in ('logits', 'depth', 'depth_scale')[: 2 + scale]:
        value = np.einsum('ocyx,chywx->ohw', weights[f'{name}_weight'], cells)
        outputs[name] = (value + weights[f'{name}_bias'][:, None, None])[None].astype(np.float32)
    if activation == 'metric':
        outputs['depth'] = np.exp(outputs['depth'])
    return outputs


def _weights(num_classes: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(3)
    arrays = {
        'logits_weight': random.normal(0.0, 0.2, (num_classes, 3, STRIDE, STRIDE)),
        'logits_bias': random.normal(0.0, 0.2, num_classes),
        'depth_weight': random.normal(0.0, 0.02, (1, 3, STRIDE, STRIDE)),
        'depth_bias': np.full(1, np.log(10.0)),
        'depth_scale_weight': random.normal(0.0, 0.05, (1, 3, STRIDE, STRIDE)),
        'depth_scale_bias': np.full(1, np.log(0.3)),
    }
    return {name: value.astype(np.float32) for name, value in arrays.items()}


def _graph(
    weights: dict[str, np.ndarray], hw: tuple[int, int], activation: str, batch: bool, kind: Kind
) -> onnx.ModelProto:
    count, (height, width), (_, form, names) = 'N' if batch else 1, hw, kind
    image = helper.make_tensor_value_info('image', TensorProto.FLOAT, [count, 3, height, width])
    nodes, outputs, constants, source = [], [], _external(weights), 'image'
    if form == 'uint8':
        image = helper.make_tensor_value_info('image', TensorProto.UINT8, [count, *hw, 3])
        normalise, scale = _normalisation()
        nodes, constants, source = [*normalise], [*constants, *scale], 'planes'
    metric = activation == 'metric'
    for name in names:
        inputs = [source, f'{name}_weight', f'{name}_bias']
        raw = 'log_depth' if metric and name == 'depth' else name
        window = {'kernel_shape': [STRIDE, STRIDE], 'strides': [STRIDE, STRIDE]}
        nodes.append(helper.make_node('Conv', inputs, [raw], **window))
        shape = [count, len(weights[f'{name}_bias']), height // STRIDE, width // STRIDE]
        outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
    if metric and 'depth' in names:
        nodes.append(helper.make_node('Exp', ['log_depth'], ['depth']))
    used = {name for node in nodes for name in node.input}
    constants = [item for item in constants if item.name in used]
    graph = helper.make_graph(nodes, 'tiny', [image], outputs, constants)
    opset = [helper.make_opsetid('', 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8)


def _normalisation() -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
    """Return the nodes from bytes to planes, and their constants."""
    values = {'mean': 255.0 * np.array(_MEAN), 'std': 255.0 * np.array(_STD)}
    constants = [
        helper.make_tensor(name, TensorProto.FLOAT, [3], value.astype(np.float32))
        for name, value in values.items()
    ]
    nodes = [
        helper.make_node('Cast', ['image'], ['pixels'], to=TensorProto.FLOAT),
        helper.make_node('Sub', ['pixels', 'mean'], ['centred']),
        helper.make_node('Div', ['centred', 'std'], ['scaled']),
        helper.make_node('Transpose', ['scaled'], ['planes'], perm=[0, 3, 1, 2]),
    ]
    return nodes, constants


def _external(weights: dict[str, np.ndarray]) -> list[onnx.TensorProto]:
    tensors, offset = [], 0
    for name, value in weights.items():
        tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=value.shape)
        tensor.data_location = TensorProto.EXTERNAL
        facts = {'location': _WEIGHTS, 'offset': offset, 'length': value.nbytes}
        for key, fact in facts.items():
            tensor.external_data.add(key=key, value=str(fact))
        tensors.append(tensor)
        offset += value.nbytes
    return tensors
