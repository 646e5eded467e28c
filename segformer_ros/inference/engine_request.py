# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which engine serves a bundle: its graph for TensorRT, and how it is to be built."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from segformer_ros.bundle import (
    Bundle,
    BundleError,
    engine_folder,
    FLOATS,
    Graph,
    InputSize,
    weights_of_graph,
)
from segformer_ros.engines.request import (
    BuildOptions,
    BuildRequest,
    CURRENT,
    DEFAULT_LIMIT_BYTES,
)

TARGET = 'tensorrt'


def engine_graph(
    size: InputSize,
    precision: str,
    outputs: Sequence[str] | None = None,
    *,
    wrapped: bool = False,
) -> Graph:
    """
    Choose the graph that TensorRT takes: camera bytes before planes, its own before any.

    :param outputs: All of these and no others; None: the graph with the most outputs.
    :param wrapped: The bundle is of a graph of another program, which is not exported here.
    :raises BundleError: The bundle has none of this precision.
    """
    found = sorted({item.precision for item in size.graphs if item.target in (TARGET, 'any')})
    if precision not in found and found:
        do = 'choose another precision'
        if precision not in FLOATS:
            command = 'segformer quantize BUNDLE OUT --calibration IMAGES'
            do = f'{command} --precision {precision}, or {do}'
        elif wrapped:
            do = f'choose {" or ".join(found)}: a wrapped network is not exported again'
        else:
            command = 'segformer export CHECKPOINT OUT --target tensorrt'
            do = f'{command} --precision {precision}, or {do}'
        raise BundleError(
            f'input size {size.height}x{size.width}',
            expected=f'a {precision} graph for tensorrt',
            found=f'{", ".join(found)} alone',
            do=do,
        )
    inputs = ('uint8', 'float32')
    return size.graph(TARGET, precision=precision, inputs=inputs, outputs=outputs)


def engine_request(
    bundle: Bundle,
    size: InputSize,
    *,
    precision: str = 'float16',
    outputs: Sequence[str] | None = None,
    images: tuple[int, int] = (1, 1),
    device: str = CURRENT,
    trt_variant: str = 'auto',
    options: BuildOptions | None = None,
    cache: Path | None = None,
    limit_bytes: int = DEFAULT_LIMIT_BYTES,
) -> BuildRequest:
    """
    Return the build request for one input size of a bundle.

    :param outputs: As engine_graph takes them.
    :raises BundleError: The bundle has no such graph.
    :raises EngineError: A value is not possible.
    """
    wrapped = 'wrapped' in bundle.manifest.provenance
    graph = engine_graph(size, precision, outputs, wrapped=wrapped)
    folder = engine_folder(bundle)
    path = folder / graph.file
    words = [bundle.manifest.name, f'{size.height}x{size.width}', *(outputs or ())]
    return BuildRequest(
        graph=path.absolute(),
        weights=tuple((folder / name).absolute() for name in weights_of_graph(path)),
        precision=precision,
        images=images,
        name=' '.join(words),
        device=device,
        trt_variant=trt_variant,
        options=options or BuildOptions(),
        cache=cache,
        limit_bytes=limit_bytes,
    )
