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


def make_tiny_bundle(
    folder: Path,
    *,
    sizes: Sequence[tuple[int, int]] = ((64, 128),),
    classes: Sequence[LabelClass] = CLASSES,
    activation: str = 'log',
    batch: bool = True,
) -> Path:
    """
    Write a bundle whose outputs follow the image: each cell sees its own 4 x 4 pixels only.

    :param folder: Where; its parent exists.
    :param sizes: Heights and widths of the input, multiples of four.
    :param activation: 'log' or 'metric'; depths are near ten metres.
    :param batch: Whether the graphs take several images at once.
    :returns: The folder.
    """
    weights = _weights(len(classes))
    files: dict[str, Path | bytes] = {_WEIGHTS: b''.join(w.tobytes() for w in weights.values())}
    entries = []
    for height, width in sizes:
        graph, golden = f'network_{height}x{width}.onnx', f'golden_{height}x{width}.npz'
        files[graph] = _graph(weights, height, width, activation, batch).SerializeToString()
        image = bundle.golden_image(7, height, width)
        files[golden] = bundle.pack_golden(expected_outputs(image, len(classes), activation))
        entries.append(tiny_entry(height, width, graph, golden))
    bundle.write(folder, tiny_manifest(entries, classes, activation), files)
    return folder


def tiny_entry(height: int, width: int, file: str, golden: str) -> dict:
    """Give the entry of an input size with one graph."""
    graph = {
        'target': 'any',
        'precision': 'float32',
        'input': 'float32',
        'outputs': ['logits', 'depth'],
        'file': file,
        'error': {'logits': 1e-6, 'depth': 1e-6},
    }
    golden_check = {'seed': 7, 'outputs': golden}
    return {'height': height, 'width': width, 'graphs': [graph], 'golden': golden_check}


def tiny_manifest(
    entries: Sequence[dict], classes: Sequence[LabelClass] = CLASSES, activation: str = 'log'
) -> dict:
    """Give the manifest of a tiny bundle, without what bundle.write adds."""
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
        'provenance': {'data': 'none', 'recipe': 'random weights', 'metrics': {}},
        'licence': 'Apache-2.0',
    }


def expected_outputs(
    image: np.ndarray, num_classes: int = len(CLASSES), activation: str = 'log'
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
    for name in ('logits', 'depth'):
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
    }
    return {name: value.astype(np.float32) for name, value in arrays.items()}


def _graph(
    weights: dict[str, np.ndarray], height: int, width: int, activation: str, batch: bool
) -> onnx.ModelProto:
    count = 'N' if batch else 1
    image = helper.make_tensor_value_info('image', TensorProto.FLOAT, [count, 3, height, width])
    metric = activation == 'metric'
    nodes, outputs = [], []
    for name in ('logits', 'depth'):
        inputs = ['image', f'{name}_weight', f'{name}_bias']
        raw = 'log_depth' if metric and name == 'depth' else name
        window = {'kernel_shape': [STRIDE, STRIDE], 'strides': [STRIDE, STRIDE]}
        nodes.append(helper.make_node('Conv', inputs, [raw], **window))
        shape = [count, len(weights[f'{name}_bias']), height // STRIDE, width // STRIDE]
        outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
    if metric:
        nodes.append(helper.make_node('Exp', ['log_depth'], ['depth']))
    graph = helper.make_graph(nodes, 'tiny', [image], outputs, _external(weights))
    opset = [helper.make_opsetid('', 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8)


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
