# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A pipeline that changes its backend: to a better one when it is ready, from one that fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
import time
from typing import Protocol

from segformer_ros.bundle import BundleError, Manifest
from segformer_ros.engines.request import BuildRequest
from segformer_ros.image_encoding import CameraImage
from segformer_ros.inference.backend import BackendError, EngineMissingError
from segformer_ros.inference.engine_builder import Build, EngineBuilder
from segformer_ros.inference.results import Options, Prediction
from segformer_ros.inference.temporal import TemporalMemory

FAILURES_BEFORE_CHANGE = 3
"""So many frames in a row a backend may fail before the next one takes its place."""

_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 10.0


class Network(Protocol):
    """What a Failover runs: a Pipeline."""

    @property
    def backend_name(self) -> str:
        """Name the engine and its device."""

    @property
    def backend_reason(self) -> str:
        """Describe why it is this backend."""

    @property
    def takes_raw(self) -> bool:
        """Return whether an image as it came costs less than RGB."""

    def predict_batch(
        self,
        images: Sequence[CameraImage],
        focal_lengths_px: Sequence[float | None] | None = None,
        options: Options | None = None,
        memories: Sequence[TemporalMemory | None] | None = None,
    ) -> list[Prediction]:
        """Label several images and measure their depths."""

    def close(self) -> None:
        """Free the network."""


@dataclass(frozen=True)
class BackendState:
    """
    What the diagnostics tell of the backend.

    :param step: Of the order, in use; empty: none.
    :param building: How far the build of a better one is; empty: there is none.
    :param failures: Frames that backends have failed since the start.
    :param changes: How often the backend has changed since the start.
    :param note: The last change or failure in words.
    :param worse: It runs on a backend that took the place of one that failed.
    """

    step: str
    building: str
    failures: int
    changes: int
    note: str
    worse: bool


class Failover:
    """
    Serves frames with the best backend of an order that works.

    predict_batch is called by one thread; everything else may be called by any.
    """

    def __init__(
        self,
        manifest: Manifest,
        order: Sequence[str],
        open_step: Callable[[str], Network],
        start_build: Callable[[BuildRequest], Build],
        *,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Open the best backend that can be opened now, and build engines for better ones.

        :param order: Steps, the best first.
        :param open_step: Loads and checks a step.
        :param start_build: Starts to build an engine elsewhere, without waiting.
        :param steady: A clock in seconds that never jumps.
        :raises BackendError: No backend can be opened, and there is nothing to build.
        :raises BundleError: Likewise, for a single backend.
        """
        self.manifest = manifest
        self._order, self._open, self._steady = tuple(order), open_step, steady
        self._network: Network | None = None
        self._step = ''
        self._builder: EngineBuilder[Network] | None = None
        self._failures = self._in_row = self._changes = 0
        self._retry_at, self._note, self._worse = 0.0, '', False
        self._refused: dict[str, str] = {}
        self._worked: set[str] = set()
        missing = self._open_first()
        if missing:
            self._builder = EngineBuilder(missing, open_step, start_build)

    @property
    def backend_name(self) -> str:
        """Name the engine and its device; empty while there is none."""
        network = self._network
        return '' if network is None else network.backend_name

    @property
    def backend_reason(self) -> str:
        """Describe why it is this backend and not one before it."""
        network = self._network
        own = 'none is ready' if network is None else network.backend_reason
        built = self._builder.refused if self._builder is not None else ()
        refused = {**self._refused, **dict(built)}
        refused.pop(self._step, None)
        return '; '.join((own, *(f'{step} refused: {why}' for step, why in refused.items())))

    @property
    def takes_raw(self) -> bool:
        """Return whether raw bytes cost less than RGB on the current backend."""
        network = self._network
        return network is not None and network.takes_raw

    @property
    def serving(self) -> bool:
        """Return whether frames make sense: not while the first engine is still being built."""
        return bool(self._step) or self._builder is None or not self._builder.text()

    def state(self) -> BackendState:
        """Return what runs and what happened."""
        building = '' if self._builder is None else self._builder.text()
        step = self._step if self._network is not None else ''
        return BackendState(step, building, self._failures, self._changes, self._note, self._worse)

    def predict_batch(
        self,
        images: Sequence[CameraImage],
        focal_lengths_px: Sequence[float | None] | None = None,
        options: Options | None = None,
        memories: Sequence[TemporalMemory | None] | None = None,
    ) -> list[Prediction]:
        """
        Label several images and measure their depths, as Pipeline.predict_batch.

        :raises BackendError: The backend has failed, is being restarted or is not ready.
        :raises ValueError: An image or a focal length is not one.
        """
        self._take_better()
        network = self._network or self._reopen()
        try:
            found = network.predict_batch(images, focal_lengths_px, options, memories)
        except BackendError as error:
            self._fail(error)
            raise
        self._in_row = 0
        return found

    def settle(self) -> str:
        """Change to what was built without a frame, and name the backend; empty: none."""
        self._take_better()
        return self.backend_name

    def close(self) -> None:
        """End builds and free the network."""
        if self._builder is not None:
            left = self._builder.stop()
            if left is not None:
                left[1].close()
        self._drop()

    def _open_first(self) -> list[tuple[str, Sequence[BuildRequest]]]:
        """Open the first step that can be; give those before it that lack engines."""
        missing: list[tuple[str, Sequence[BuildRequest]]] = []
        errors: list[BackendError | BundleError] = []
        for step in self._order:
            try:
                self._network, self._step = self._open(step), step
            except (BackendError, BundleError) as error:
                if isinstance(error, EngineMissingError):
                    missing.append((step, error.requests))
                self._refused[step] = str(error)
                errors.append(error)
            else:
                self._worked.add(step)
                return missing
        if not missing:
            if len(errors) == 1:
                raise errors[0]
            text = '; '.join(f'{step}: {why}' for step, why in self._refused.items())
            raise BackendError(f'no backend can be used: {text}') from errors[-1]
        return missing

    def _take_better(self) -> None:
        """Change to what was built, between two frames."""
        opened = None if self._builder is None else self._builder.take()
        if opened is None:
            return
        self._drop()
        before, (self._step, self._network) = self._step, opened
        self._in_row, self._worse = 0, False
        self._worked.add(self._step)
        self._refused.pop(self._step, None)
        if before:
            self._changes += 1
            self._note = f'{self._step} is ready and takes the place of {before}'

    def _fail(self, error: BackendError) -> None:
        """Free the backend after an error; another one is opened for a later frame."""
        self._failures += 1
        self._drop()
        self._delay(error)

    def _delay(self, error: BackendError | BundleError) -> None:
        """Wait longer from failure to failure, then change to the next step, if there is one."""
        self._in_row += 1
        hopeless = self._step not in self._worked
        if (hopeless or self._in_row >= FAILURES_BEFORE_CHANGE) and self._change(error):
            return
        wait_s = min(_FIRST_WAIT_S * 2 ** (self._in_row - 1), _LONGEST_WAIT_S)
        self._retry_at = self._steady() + wait_s
        self._note = f'{self._step} has failed ({error}): restarted after {wait_s:g} s'

    def _change(self, error: BackendError | BundleError) -> bool:
        """Go to the next step of the order; False where there is none."""
        following = self._order[self._order.index(self._step) + 1 :]
        if not following:
            return False
        self._refused[self._step] = f'failed {self._in_row} times in a row, last: {error}'
        self._note = f'{following[0]} takes the place of {self._step}, which has failed ({error})'
        self._step, self._in_row, self._retry_at = following[0], 0, self._steady()
        self._changes, self._worse = self._changes + 1, True
        return True

    def _reopen(self) -> Network:
        """Open the backend again, not too often; where the next one takes its place, that."""
        if not self._step:
            raise BackendError(f'no backend is ready: {self.backend_reason}')
        left_s = self._retry_at - self._steady()
        if left_s > 0.0:
            raise BackendError(f'{self._step} is restarted in {left_s:.1f} s: {self._note}')
        while True:
            step = self._step
            try:
                self._network = self._open(step)
            except (BackendError, BundleError) as error:
                self._delay(error)
                if self._step == step:
                    raise BackendError(f'{step} cannot be restarted: {error}') from error
            else:
                self._worked.add(step)
                return self._network

    def _drop(self) -> None:
        network, self._network = self._network, None
        if network is not None:
            # The device may be gone, and with it what close() would free.
            with suppress(BackendError, RuntimeError):
                network.close()
