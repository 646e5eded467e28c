# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Doubles of a build in another process and of the backends of an order."""

import threading
from types import SimpleNamespace

from segformer_ros.engines.errors import BuildCancelledError
from segformer_ros.image_encoding import as_rgb
from segformer_ros.inference.backend import BackendError, EngineMissingError
from segformer_ros.inference.results import Prediction, Timings


class FakeBuild:
    """A build that is finished when the test says so."""

    def __init__(self, request):
        """Begin."""
        self.request, self.error = request, None
        self.cancelled = False
        self.fraction = 0.42
        self._ended = threading.Event()

    def progress(self):
        """Report a build that has taken a minute."""
        return SimpleNamespace(fraction=self.fraction, phase='tactics', elapsed_s=63.0)

    def result(self, timeout_s=None):
        """Wait, like the real one."""
        if not self._ended.wait(0.002):
            raise TimeoutError
        if self.error is not None:
            raise self.error
        return SimpleNamespace()

    def cancel(self):
        """End it."""
        self.cancelled = True
        self.finish(BuildCancelledError('cancelled'))

    def finish(self, error=None):
        """Let the waiting end, with an error or with an engine."""
        self.error = self.error or error
        self._ended.set()


class FakeNetwork:
    """A pipeline that says which step it is, and fails while it is told to."""

    def __init__(self, machine, step):
        """Note that it was opened."""
        self.backend_name, self.backend_reason = f'{step} 1.0', f'{step} was chosen'
        self._machine, self._step = machine, step
        self.takes_raw = step.startswith('tensorrt')
        self.closed = False

    def predict_batch(self, images, focal_lengths_px=None, options=None, memories=None):
        """Return labels that are the image, and remember who has computed it."""
        assert not self.closed
        self._machine.calls.append(self._step)
        error = self._machine.failing.get(self._step)
        if error is not None:
            raise error
        return [
            Prediction(
                labels=image[..., 0].copy(),
                depth=image[..., 1].astype('f4') / 10,
                confidence=image[..., 2].copy(),
                timings=Timings(0.001, 0.002, 0.003),
            )
            for image in map(as_rgb, images)
        ]

    def close(self):
        """Note it."""
        self.closed = True
        if self._step in self._machine.failing:
            raise BackendError('the device is gone')


class Machine:
    """What can be opened, what fails, and what was done."""

    def __init__(self, missing=(), broken=()):
        """
        Describe the machine.

        :param missing: Steps whose engines have to be built.
        :param broken: Steps that cannot be opened.
        """
        self.missing, self.broken = set(missing), dict.fromkeys(broken, 'not installed')
        self.failing, self.calls, self.opened = {}, [], []
        self.networks, self.builds = [], []

    def open(self, step):
        """Open a step as backend_choice.load_step would."""
        self.opened.append(step)
        if step in self.missing:
            raise EngineMissingError(f'no engine of {step}', (f'{step} a', f'{step} b'))
        if step in self.broken:
            raise BackendError(self.broken[step])
        self.networks.append(FakeNetwork(self, step))
        return self.networks[-1]

    def start_build(self, request):
        """Start a build."""
        self.builds.append(FakeBuild(request))
        return self.builds[-1]

    def all_closed(self):
        """Return whether nothing is left open."""
        return all(network.closed for network in self.networks)
