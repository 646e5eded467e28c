# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Write the bundle of a trained network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
import tempfile
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from segformer_ros import bundle
from segformer_ros.export.check import check_graph, run_graph
from segformer_ros.export.manifest import Facts, gmacs, manifest, parameters, published_gmacs
from segformer_ros.export.onnx_graph import empty_input, export_graph, output_names
from segformer_ros.export.precision import lowered, opset_for
from segformer_ros.export.published import PublishedNetwork
from segformer_ros.export.rewrites import rewrite, RewrittenNetwork
from segformer_ros.export.tidy import select_outputs, tidy
from segformer_ros.export.torchscript import run_torchscript, save_torchscript, SUFFIX
from segformer_ros.export.variants import ExportOptions, Variant, variants
from segformer_ros.export.weights_file import WeightsFile
from segformer_ros.network import MultitaskSegformer
from segformer_ros.network.mix_transformer import TOTAL_STRIDE
import torch
from torch import nn

GOLDEN_SEED = 1
WEIGHTS_FILES = {
    'float32': 'weights.bin',
    'float16': 'weights_float16.bin',
    'bfloat16': 'weights_bfloat16.bin',
}

Size = tuple[int, int]


@dataclass(frozen=True)
class _Written:
    """A graph in its file."""

    size: Size
    variant: Variant
    outputs: tuple[str, ...]
    file: str


def golden_planes(facts: Facts, height: int, width: int) -> npt.NDArray[np.float64]:
    """Return the golden image of an input size, normalised: (1, 3, H, W)."""
    image = bundle.golden_image(GOLDEN_SEED, height, width).astype(np.float64) / 255.0
    planes: npt.NDArray[np.float64] = ((image - facts.mean) / facts.std).transpose(2, 0, 1)[None]
    return planes


@torch.no_grad()
def golden_outputs(
    network: MultitaskSegformer, facts: Facts, height: int, width: int
) -> dict[str, npt.NDArray[np.float32]]:
    """Compute in float64, with the network as it was trained, what the golden image gives."""
    was_training = network.training
    planes = torch.from_numpy(golden_planes(facts, height, width))
    outputs = network.double().eval()(planes)
    network.float().train(was_training)
    return {name: value.float().numpy() for name, value in outputs.items()}


def network_for(
    network: MultitaskSegformer, facts: Facts, size: Size, variant: Variant
) -> nn.Module:
    """Make the network of a variant, in float32."""
    if variant.style is None:
        return PublishedNetwork(network)
    bytes_of = (facts.mean, facts.std) if variant.input == 'uint8' else None
    return rewrite(network, *size, variant.style, bytes_of=bytes_of).float()


def _graphs(
    network: MultitaskSegformer, facts: Facts, size: Size, options: ExportOptions
) -> Iterator[tuple[Variant, onnx.ModelProto]]:
    """Make the graphs of an input size; weights inside, all outputs."""
    names = output_names(network)
    traced: dict[tuple[object, str], onnx.ModelProto] = {}
    for variant in variants(options):
        if variant.target == bundle.SCRIPT:
            continue
        kind = (variant.style, variant.input)
        if kind not in traced:
            image = empty_input(*size, variant.input, images=2)
            module = network_for(network, facts, size, variant)
            plain = variant.style is None
            model = export_graph(module, image, names, opset=options.opset, fold_constants=plain)
            traced[kind] = model if plain else tidy(model)
        model = onnx.ModelProto()
        model.CopyFrom(traced[kind])
        if variant.precision != 'float32':
            model = lowered(tidy(model), variant.precision)
        onnx.checker.check_model(model, full_check=True)
        yield variant, model


def _write_graphs(
    network: MultitaskSegformer,
    facts: Facts,
    sizes: Sequence[Size],
    options: ExportOptions,
    folder: Path,
) -> list[_Written]:
    """Write all graphs and their weights into a folder."""
    weights: dict[str, WeightsFile] = {}
    written = []
    names = tuple(output_names(network))
    for size in sizes:
        for variant in variants(options):
            if variant.target == bundle.SCRIPT:
                name = f'{variant.stem(*size)}{SUFFIX}'
                image = empty_input(*size, variant.input, images=2)
                save_torchscript(network_for(network, facts, size, variant), folder / name, image)
                written.append(_Written(size, variant, names, name))
        for variant, whole in _graphs(network, facts, size, options):
            file = weights.setdefault(
                variant.precision, WeightsFile(WEIGHTS_FILES[variant.precision])
            )
            file.take(whole)
            parts = [names]
            if options.single_task and variant.style is not None and 'logits' in names[:-1]:
                # One head computes all of depth.
                parts += [names[:1], names[1:]]
            for outputs in parts:
                model = whole if outputs == names else select_outputs(whole, outputs)
                stem = variant.stem(*size)
                name = f'{stem}.onnx' if outputs == names else f'{stem}_{outputs[0]}.onnx'
                (folder / name).write_bytes(model.SerializeToString())
                written.append(_Written(size, variant, outputs, name))
    for file in weights.values():
        (folder / file.name).write_bytes(file.content)
    return written


def _checked_entry(
    facts: Facts,
    graphs: Sequence[_Written],
    expected: Mapping[str, npt.NDArray[np.float32]],
    folder: Path,
    opset: int,
) -> list[dict[str, Any]]:
    """Run the graphs of an input size on its golden image; give what the manifest says of them."""
    entries = []
    for graph in graphs:
        image: npt.NDArray[Any] = golden_planes(facts, *graph.size).astype(np.float32)
        if graph.variant.input == 'uint8':
            image = bundle.golden_image(GOLDEN_SEED, *graph.size)[None]
        if graph.variant.target == bundle.SCRIPT:
            found = run_torchscript(folder / graph.file, image, graph.outputs)
        else:
            found = run_graph(folder / graph.file, image, opset)
        precision = graph.variant.precision
        entries.append(
            {
                'target': graph.variant.target,
                'precision': precision,
                'input': graph.variant.input,
                'outputs': list(graph.outputs),
                'file': graph.file,
                'error': check_graph(graph.file, found, expected, precision),
            }
        )
    return entries


def _gmacs(
    network: MultitaskSegformer, facts: Facts, size: Size, variant: Variant
) -> dict[str, float]:
    counted = network_for(network, facts, size, variant)
    if isinstance(counted, RewrittenNetwork):
        return gmacs(counted, empty_input(*size, variant.input))
    return published_gmacs(network, *size)


def export_bundle(
    network: MultitaskSegformer,
    folder: Path,
    sizes: Sequence[Size],
    facts: Facts,
    options: ExportOptions | None = None,
) -> bundle.Bundle:
    """
    Export every input size and write the bundle; an older one of the same folder is replaced.

    Every graph is run by ONNX Runtime and compared with the network in float64.

    :param network: float32; not changed.
    :param sizes: (height, width), different multiples of 32.
    :raises ValueError: A size or an option is not possible.
    :raises ExportError: A graph does not compute what the network does; nothing is written.
    :raises BundleError: The bundle cannot be written there.
    """
    options = options or ExportOptions()
    _check_sizes(sizes)
    first = variants(options)[0]
    with tempfile.TemporaryDirectory() as name:
        staging = Path(name)
        written = _write_graphs(network, facts, sizes, options, staging)
        entries, costs = [], {}
        for size in sizes:
            height, width = size
            expected = golden_outputs(network, facts, height, width)
            golden = f'golden_{height}x{width}.npz'
            (staging / golden).write_bytes(bundle.pack_golden(expected))
            graphs = [item for item in written if item.size == size]
            entries.append(
                {
                    'height': height,
                    'width': width,
                    'graphs': _checked_entry(facts, graphs, expected, staging, options.opset),
                    'golden': {'seed': GOLDEN_SEED, 'outputs': golden},
                }
            )
            costs[f'{height}x{width}'] = _gmacs(network, facts, size, first)
        opset = max(opset_for(item.precision, options.opset) for item in variants(options))
        content = manifest(network, facts, entries, opset)
        content['arithmetic'] = {'parameters': parameters(network), 'gmacs': costs}
        return bundle.write(folder, content, {path.name: path for path in staging.iterdir()})


def _check_sizes(sizes: Sequence[Size]) -> None:
    for height, width in sizes:
        if height < 1 or width < 1 or height % TOTAL_STRIDE or width % TOTAL_STRIDE:
            raise ValueError(
                f'input sizes must be multiples of {TOTAL_STRIDE}, not {height}x{width}'
            )
    if not sizes or len(set(sizes)) != len(sizes):
        raise ValueError('expected one input size or more, each once')
