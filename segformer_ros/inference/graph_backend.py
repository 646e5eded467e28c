# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What all backends do alike: which graph of the bundle runs, and when it is opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import Any, Protocol
import warnings

import numpy as np
import numpy.typing as npt
from segformer_ros.bundle import Bundle, BundleError, engine_folder, Graph, InputSize
from segformer_ros.inference.backend import BackendError
from segformer_ros.inference.golden_gate import check_outputs, golden_input

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Signature:
    """
    What an opened graph takes and gives.

    inputs have a type and a shape without the number of images, outputs a type; types are those
    of numpy by name.
    """

    inputs: Mapping[str, tuple[str, tuple[int | None, ...]]]
    outputs: Mapping[str, str]


class Session(Protocol):
    """One opened graph."""

    @property
    def signature(self) -> Signature:
        """Return the shapes and types of its inputs and outputs."""

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
    images_at_once: int
    """How many threads should ask it at once, each for one image, where several wait."""

    def open(self, path: Path, outputs: Sequence[str]) -> Session:
        """
        Open a graph.

        :param outputs: Their names.
        :raises BackendError: It cannot be loaded.
        """


class GraphBackend:
    """
    A Backend whose graphs are ONNX files.

    The graph with all outputs is open from the start, or deferred until it is needed. One for a
    single task is opened when it is first needed, and used only if it computes the golden outputs.
    """

    any_thread = True
    """Its engines release the GIL, and whichever thread may call them."""
    supports_batch = False
    """A batch takes longer than its images one after the other: it does not fit the caches."""

    def __init__(
        self,
        bundle: Bundle,
        engine: Engine,
        inputs: Sequence[str] = ('float32', 'uint8'),
        *,
        deferred: bool = False,
    ) -> None:
        """
        Open the graphs.

        :param inputs: Those of bundle.INPUTS that the engine takes, the preferred one first.
        :param deferred: See check_when_needed.
        :raises BackendError: A graph cannot be loaded.
        :raises BundleError: There is no graph for this engine, or one has other inputs or outputs
            than the manifest says.
        """
        self._bundle, self._engine = bundle, engine
        self._folder = engine_folder(bundle)
        self.name, self.precision = engine.name, engine.precision
        sizes = bundle.manifest.input_sizes
        self.input_format = sizes[0].graph(engine.target, inputs=inputs).input
        self._all = tuple(bundle.manifest.output_shapes(sizes[0]))
        self._sizes = {(size.height, size.width): size for size in sizes}
        for size in sizes:
            self._graph(size, self._all)
        self._whole: dict[tuple[int, int], Session] = {}
        self._parts: dict[tuple[tuple[int, int], tuple[str, ...]], Session | None] = {}
        self._unchecked = set(self._sizes) if deferred else set()
        self._opening = RLock()
        for hw in () if deferred else self._sizes:
            self._opened(hw)

    @property
    def images_at_once(self) -> int:
        """Return how many threads should call infer at once, where so many images wait."""
        return self._engine.images_at_once

    def check_when_needed(self) -> None:
        """
        Close all graphs; each computes its golden outputs when it is opened again.

        This is for a network that has computed them before on this machine: what is not needed
        costs neither time nor memory.
        """
        self._whole.clear()
        self._parts.clear()
        self._unchecked = set(self._sizes)

    def prepare(self) -> None:
        """
        Open the graph of all outputs before it is needed, unless there are several input sizes.

        Any thread may do so; those that call infer meanwhile wait for it.

        :raises BackendError: It cannot be loaded, or does not compute any more what it did.
        """
        with self._opening:
            for hw in self._sizes if len(self._sizes) == 1 else ():
                self._opened(hw)

    def share(self, count: int) -> int:
        """
        Let several threads call infer at once, each with its part of the CPUs.

        Graphs that are open are closed, and checked when they are opened again.

        :returns: How many may; 1 where the engine has only one way to compute.
        """
        share = getattr(self._engine, 'share', None)
        if count < 2 or share is None:
            return 1
        share(count)
        self.check_when_needed()
        return count

    def infer(
        self, image: npt.NDArray[Any], outputs: Sequence[str] | None = None
    ) -> dict[str, FloatArray]:
        """
        Run the network once, as Backend.infer says.

        :raises BackendError: There is no graph for this size, or the engine has failed.
        """
        height, width = image.shape[1:3] if self.input_format == 'uint8' else image.shape[2:4]
        if (height, width) not in self._sizes:
            sizes = ', '.join(f'{height}x{width}' for height, width in self._sizes)
            raise BackendError(f'expected an input of size {sizes}, got shape {image.shape}')
        names = [name for name in self._all if outputs is None or name in outputs]
        values = self._session((height, width), tuple(names)).run(image, names)
        return dict(zip(names, values, strict=True))

    def close(self) -> None:
        """Free the graphs."""
        self._sizes.clear()
        self._whole.clear()
        self._parts.clear()

    def _session(self, hw: tuple[int, int], outputs: tuple[str, ...]) -> Session:
        """Return the smallest graph that computes the outputs."""
        with self._opening:
            if outputs == self._all:
                return self._opened(hw)
            if (hw, outputs) not in self._parts:
                self._parts[hw, outputs] = self._open_part(self._sizes[hw], outputs)
            return self._parts[hw, outputs] or self._opened(hw)

    def _opened(self, hw: tuple[int, int]) -> Session:
        """
        Return the graph of all outputs.

        :raises BackendError: It cannot be loaded, or does not compute any more what it did.
        :raises BundleError: It has other inputs or outputs than the manifest says.
        """
        if hw not in self._whole:
            size = self._sizes[hw]
            session = self._open(size, self._graph(size, self._all))
            if hw in self._unchecked:
                try:
                    self._check_outputs(size, session, self._all, self.name)
                except BundleError as error:
                    raise BackendError(str(error)) from error
                self._unchecked.discard(hw)
            self._whole[hw] = session
        return self._whole[hw]

    def _check_outputs(
        self, size: InputSize, session: Session, outputs: tuple[str, ...], engine: str
    ) -> None:
        image = golden_input(self._bundle, size, self.input_format)
        values = dict(zip(outputs, session.run(image, outputs), strict=True))
        check_outputs(self._bundle, size, values, outputs, precision=self.precision, engine=engine)

    def _open_part(self, size: InputSize, outputs: tuple[str, ...]) -> Session | None:
        """Open the graph of some outputs; None: there is none, or it must not be used."""
        try:
            graph = self._graph(size, outputs)
        except BundleError:
            return None
        try:
            session = self._open(size, graph)
            alone = f'{self.name} ({" and ".join(outputs)} alone)'
            self._check_outputs(size, session, outputs, alone)
        except (BackendError, BundleError) as error:
            text = f'{error}; the graph of both tasks runs in its place'
            warnings.warn(text, RuntimeWarning, stacklevel=2)
            return None
        return session

    def _graph(self, size: InputSize, outputs: Sequence[str]) -> Graph:
        return size.graph(self._engine.target, inputs=(self.input_format,), outputs=outputs)

    def _open(self, size: InputSize, graph: Graph) -> Session:
        session = self._engine.open(self._folder / graph.file, graph.outputs)
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
