# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What all backends do alike: which graph of the bundle runs, and when it is opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
import warnings

import numpy as np
import numpy.typing as npt
from segformer_ros.bundle import Bundle, BundleError, Graph, InputSize
from segformer_ros.inference.backend import BackendError
from segformer_ros.inference.golden_gate import check_outputs, golden_input

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Signature:
    """
    What an opened graph takes and gives.

    inputs have a type and a shape without the number of images, outputs a type; types are those
    of numpy by name. images is how many it takes at once, None: any number.
    """

    inputs: Mapping[str, tuple[str, tuple[int | None, ...]]]
    outputs: Mapping[str, str]
    images: int | None


class Session(Protocol):
    """One opened graph."""

    @property
    def signature(self) -> Signature:
        """Say what it takes and gives."""

    def run(self, image: npt.NDArray[Any], outputs: Sequence[str]) -> list[FloatArray]:
        """
        Compute some of the outputs, in this order, as new arrays.

        :raises BackendError: The engine has failed.
        """


class Engine(Protocol):
    """What opens graphs."""

    name: str
    """Of the engine and its device, for people."""
    target: str
    """One of bundle.TARGETS."""
    precision: str
    """It computes in: one of bundle.PRECISIONS."""
    takes_many: bool
    """Whether it gains from several images at once."""

    def open(self, path: Path, outputs: Sequence[str], *, many: bool) -> Session:
        """
        Open a graph.

        :param outputs: Their names.
        :param many: For any number of images, if the graph takes them; otherwise for one.
        :raises BackendError: It cannot be loaded.
        """


@dataclass(frozen=True)
class _Key:
    size: tuple[int, int]
    outputs: tuple[str, ...]
    many: bool


class GraphBackend:
    """
    A Backend whose graphs are ONNX files.

    The graph with all outputs is open for one image from the start. One for a single task, and
    one for several images, is opened when it is first needed, and used only if it computes the
    golden outputs.
    """

    def __init__(
        self, bundle: Bundle, engine: Engine, inputs: Sequence[str] = ('float32', 'uint8')
    ) -> None:
        """
        Open the graphs.

        :param inputs: Those of bundle.INPUTS that the engine takes, the preferred one first.
        :raises BackendError: A graph cannot be loaded.
        :raises BundleError: There is no graph for this engine, or one has other inputs or outputs
            than the manifest says.
        """
        self._bundle, self._engine = bundle, engine
        self.name, self.precision = engine.name, engine.precision
        sizes = bundle.manifest.input_sizes
        self.input_format = sizes[0].graph(engine.target, inputs=inputs).input
        self._all = tuple(bundle.manifest.output_shapes(sizes[0]))
        self._sizes = {(size.height, size.width): size for size in sizes}
        self._whole = {hw: self._open(size, self._all) for hw, size in self._sizes.items()}
        self._others: dict[_Key, Session | None] = {}

    @property
    def supports_batch(self) -> bool:
        """Whether infer takes more than one image; opens the graphs for them when first asked."""
        return self._engine.takes_many and all(
            self._other(_Key(hw, self._all, True)) is not None for hw in self._sizes
        )

    def infer(
        self, image: npt.NDArray[Any], outputs: Sequence[str] | None = None
    ) -> dict[str, FloatArray]:
        """
        Run the network once, as Backend.infer says.

        :raises BackendError: There is no graph for this size, or the engine has failed.
        """
        height, width = image.shape[1:3] if self.input_format == 'uint8' else image.shape[2:4]
        if (height, width) not in self._whole:
            sizes = ', '.join(f'{height}x{width}' for height, width in self._whole)
            raise BackendError(f'expected an input of size {sizes}, got shape {image.shape}')
        names = self._all if outputs is None else [n for n in self._all if n in outputs]
        key = _Key((height, width), tuple(names), image.shape[0] > 1)
        values = self._session(key).run(image, names)
        return dict(zip(names, values, strict=True))

    def close(self) -> None:
        """Free the graphs."""
        self._whole.clear()
        self._others.clear()

    def _session(self, key: _Key) -> Session:
        """Give the smallest graph that computes the outputs for this number of images."""
        whole = self._whole[key.size]
        if key.many and self._engine.takes_many:
            whole = self._other(_Key(key.size, self._all, True)) or whole
        if key.outputs == self._all:
            return whole
        return self._other(key) or whole

    def _other(self, key: _Key) -> Session | None:
        """Open a graph at its first use; None: there is none, or it must not be used."""
        if key not in self._others:
            self._others[key] = self._open_checked(key)
        return self._others[key]

    def _open_checked(self, key: _Key) -> Session | None:
        size = self._sizes[key.size]
        try:
            session = self._open(size, key.outputs, many=key.many)
        except BundleError:
            return None
        if key.many and session.signature.images is not None:
            return None
        image = golden_input(self._bundle, size, self.input_format)
        try:
            values = dict(zip(key.outputs, session.run(image, key.outputs), strict=True))
            check_outputs(
                self._bundle,
                size,
                values,
                key.outputs,
                precision=self.precision,
                engine=f'{self.name} ({" and ".join(key.outputs)} alone)',
            )
        except (BackendError, BundleError) as error:
            text = f'{error}; another graph runs in its place'
            warnings.warn(text, RuntimeWarning, stacklevel=2)
            return None
        return session

    def _open(self, size: InputSize, outputs: Sequence[str], *, many: bool = False) -> Session:
        graph = size.graph(self._engine.target, inputs=(self.input_format,), outputs=outputs)
        session = self._engine.open(self._bundle.file(graph.file), graph.outputs, many=many)
        self._check(session.signature, size, graph)
        return session

    def _check(self, found: Signature, size: InputSize, graph: Graph) -> None:
        height, width = size.height, size.width
        shape = (height, width, 3) if graph.input == 'uint8' else (3, height, width)
        inputs = {'image': (graph.input, shape)}
        outputs = dict.fromkeys(graph.outputs, 'float32')
        if found.inputs != inputs or found.outputs != outputs:
            raise BundleError(
                graph.file,
                expected=f'inputs {inputs} and outputs {outputs}',
                found=f'{found.inputs} and {found.outputs}',
                do='export the network again',
            )
