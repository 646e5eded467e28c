# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Who takes part. Each one is loaded in a process of its own and imports there what it needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import numpy as np
import numpy.typing as npt
from segformer_ros.inference import backend as backends
from segformer_ros.inference.backend_table import TABLE

from comparison.case import Case, Image, normalised
from comparison.engines import onnxruntime_graph, openvino_graph, Run
from comparison.stopwatch import elapsed, Moment, now

FloatArray = npt.NDArray[np.float32]
Outputs = dict[str, npt.NDArray[np.generic]]

OURS = 'ours_'
_ENGINES = {'onnxruntime': 'ONNX Runtime', 'openvino': 'OpenVINO'}


@dataclass(frozen=True)
class Result:
    """What became of a camera image, at its size, and how long the network alone took."""

    labels: Image
    depth: FloatArray
    network: Moment


class Candidate(Protocol):
    """One way to run the network, loaded."""

    def network(self, image: Image) -> Outputs:
        """
        Run the network alone.

        :param image: (H, W, 3) RGB of its input size.
        :returns: 'logits' or, where the graph has them, 'labels'; and 'depth'.
        """

    def images(self, camera: Image) -> Result:
        """Turn a (H, W, 3) bgr8 camera image into labels and depth of its size."""


@dataclass(frozen=True)
class Entry:
    """
    One line of the tables.

    :param precision: Of its arithmetic: 'float32' or 'bfloat16'.
    :param graph: Which graph it runs: 'plain', 'labels' or 'ours'.
    """

    name: str
    title: str
    precision: str
    graph: str
    load: Callable[[Case], Candidate]


class HuggingFace:
    """The eager pipeline: image processor, modules, post-processing, as in its documentation."""

    def __init__(self, case: Case) -> None:
        import torch

        from comparison import hugging_face

        torch.set_num_threads(1)
        self._torch = torch
        self._network = hugging_face.load(case.model, case.weights)
        self._processor = image_processor(case)

    def network(self, image: Image) -> Outputs:
        """Run the network alone."""
        with self._torch.inference_mode():
            logits, depth = self._network(self._torch.from_numpy(normalised(image)))
        return {'logits': logits.numpy(), 'depth': depth.numpy()}

    def images(self, camera: Image) -> Result:
        """Turn a camera image into labels and depth."""
        torch = self._torch
        rgb = cv2.cvtColor(camera, cv2.COLOR_BGR2RGB)
        planes = self._processor(images=rgb, return_tensors='pt')['pixel_values']
        with torch.inference_mode():
            start = now()
            logits, depth = self._network(planes)
            network = elapsed(start)
            size = (camera.shape[0], camera.shape[1])
            labels = labels_of(logits, size, self._processor)
            metres = torch.nn.functional.interpolate(
                depth, size=size, mode='bilinear', align_corners=False
            )
        return Result(labels, metres[0, 0].numpy(), network)


class PlainGraph:
    """The plain export on an engine, with numpy before and Hugging Face's steps behind it."""

    def __init__(self, case: Case, run: Run) -> None:
        import torch

        torch.set_num_threads(1)
        self._torch, self._case, self._run = torch, case, run
        self._processor = image_processor(case)

    def network(self, image: Image) -> Outputs:
        """Run the network alone."""
        return dict(zip(('logits', 'depth'), self._run(normalised(image)), strict=True))

    def images(self, camera: Image) -> Result:
        """Turn a camera image into labels and depth."""
        planes = prepared(camera, self._case)
        start = now()
        logits, depth = self._run(planes)
        network = elapsed(start)
        size = (camera.shape[0], camera.shape[1])
        labels = labels_of(self._torch.from_numpy(logits), size, self._processor)
        return Result(labels, enlarged(depth, size), network)


class LabelsGraph:
    """The export as mmdeploy makes it: labels at the input size, resized to the image, nearest."""

    def __init__(self, case: Case, run: Run) -> None:
        self._case, self._run = case, run

    def network(self, image: Image) -> Outputs:
        """Run the network alone."""
        return dict(zip(('labels', 'depth'), self._run(normalised(image)), strict=True))

    def images(self, camera: Image) -> Result:
        """Turn a camera image into labels and depth."""
        planes = prepared(camera, self._case)
        start = now()
        labels, depth = self._run(planes)
        network = elapsed(start)
        height, width = camera.shape[:2]
        small = labels[0].astype(np.uint8)
        large = cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST)
        return Result(np.asarray(large, np.uint8), enlarged(depth, (height, width)), network)


class Ours:
    """Our pipeline on one of its backends."""

    def __init__(self, case: Case, backend: str) -> None:
        from segformer_ros import bundle, image_encoding
        from segformer_ros.inference.pipeline import Options, Pipeline

        files = bundle.read(case.bundle)
        self._backend = backends.load_backend(backend, files, threads=1)
        self._timed = _Timed(self._backend)
        self._pipeline = Pipeline(files, self._timed)
        # The sky of random weights means nothing; its depth is compared too.
        self._options = Options(sky_depth='keep')
        self._decode = image_encoding.decode

    def network(self, image: Image) -> Outputs:
        """Run the network alone."""
        bytes_in = self._backend.input_format == 'uint8'
        return dict(self._backend.infer(image[None] if bytes_in else normalised(image)))

    def images(self, camera: Image) -> Result:
        """Turn a camera image into labels and depth."""
        height, width = camera.shape[:2]
        image = self._decode(
            camera.reshape(-1), encoding='bgr8', height=height, width=width, step=3 * width
        )
        found = self._pipeline.predict(image, options=self._options)
        if found.labels is None or found.depth is None:
            raise ValueError('expected a network for labels and depth, found one with fewer tasks')
        return Result(found.labels, found.depth, self._timed.last)


class _Timed:
    """A backend that notes how long it took."""

    def __init__(self, backend: backends.Backend) -> None:
        self._backend = backend
        self.last = Moment(0.0, 0.0)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)

    def infer(self, *arguments: Any, **options: Any) -> Any:
        """Run the network and note the time."""
        start = now()
        outputs = self._backend.infer(*arguments, **options)
        self.last = elapsed(start)
        return outputs


def prepared(camera: Image, case: Case) -> FloatArray:
    """Turn a bgr8 image into the input of the network with cv2 and numpy, as scripts do."""
    rgb = cv2.cvtColor(camera, cv2.COLOR_BGR2RGB)
    return normalised(np.asarray(cv2.resize(rgb, (case.width, case.height)), np.uint8))


def enlarged(depth: npt.NDArray[np.generic], size: tuple[int, int]) -> FloatArray:
    """Resize (1, 1, h, w) metres to (height, width)."""
    return np.asarray(cv2.resize(np.asarray(depth[0, 0], np.float32), size[::-1]), np.float32)


def image_processor(case: Case) -> Any:
    """
    Make Hugging Face's own processor, the one of PIL.

    It is taken from its module, because transformers itself gives it only where torchvision is,
    which it needs for segmentation maps alone.
    """
    from transformers.models.segformer.image_processing_pil_segformer import (
        SegformerImageProcessorPil,
    )

    size = {'height': case.height, 'width': case.width}
    return SegformerImageProcessorPil(size=size, do_reduce_labels=False)


def labels_of(logits: object, size: tuple[int, int], processor: Any) -> Image:
    """Upsample logits and pick the largest, with Hugging Face's own post-processing."""
    from types import SimpleNamespace

    (labels,) = processor.post_process_semantic_segmentation(
        SimpleNamespace(logits=logits), target_sizes=[size]
    )
    return np.asarray(labels.numpy(), np.uint8)


def _plain(engine: str) -> Callable[[Case], Candidate]:
    """Return the loader of the plain graph on 'onnxruntime', or on OpenVINO in 'f32' or 'bf16'."""

    def load(case: Case) -> Candidate:
        if engine == 'onnxruntime':
            return PlainGraph(case, onnxruntime_graph(case.plain_graph))
        return PlainGraph(case, openvino_graph(case.plain_graph, engine))

    return load


def _plain_entry(name: str, title: str, engine: str) -> Entry:
    precision = 'bfloat16' if engine == 'bf16' else 'float32'
    return Entry(name, title, precision, 'plain', _plain(engine))


def _baselines() -> tuple[Entry, ...]:
    return (
        Entry('hf_eager', 'Hugging Face, eager', 'float32', 'plain', HuggingFace),
        _plain_entry('plain_onnxruntime', 'plain ONNX, ONNX Runtime', 'onnxruntime'),
        Entry(
            'mmdeploy_like',
            'Resize and ArgMax in the graph, ONNX Runtime',
            'float32',
            'labels',
            lambda case: LabelsGraph(case, onnxruntime_graph(case.labels_graph)),
        ),
        _plain_entry('plain_openvino', 'plain ONNX, OpenVINO', 'f32'),
        _plain_entry('plain_openvino_bfloat16', 'plain ONNX, OpenVINO bfloat16', 'bf16'),
    )


def _ours(name: str) -> Entry:
    precision = 'bfloat16' if 'bfloat16' in name else 'float32'
    title = ' '.join(_ENGINES.get(word, word) for word in name.split('_'))
    return Entry(OURS + name, f'ours, {title}', precision, 'ours', lambda case: Ours(case, name))


_CPU = [name for name, row in TABLE.items() if not row.gpu]

ENTRIES: dict[str, Entry] = {entry.name: entry for entry in (*_baselines(), *map(_ours, _CPU))}
"""All candidates by name, the baselines first."""
