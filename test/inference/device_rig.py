# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A backend of TensorRT on doubles of device and engine; the kernels run on the processor."""

from engines.doubles import fake_trt, FakeCuda, FakeEngine
from engines.host_kernels import HostLauncher
import numpy as np
from segformer_ros.engines.kernels import Kernels
from segformer_ros.inference.tensorrt_backend import TensorrtBackend
from tiny_bundle import expected_outputs

SIZES = ((32, 64), (64, 64))
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def network(images):
    """Compute the tiny network for bytes or planes."""
    if images.dtype == np.float32:
        planes = images.transpose(0, 2, 3, 1)
        images = np.rint((planes * STD + MEAN) * 255).astype(np.uint8)
    found = [expected_outputs(image) for image in images]
    return {name: np.concatenate([item[name] for item in found]) for name in found[0]}


class Device:
    """A backend on doubles."""

    def __init__(
        self,
        tiny,
        *,
        form='uint8',
        most_images=1,
        frames=False,
        graphs=True,
        network=network,
        make_cuda=FakeCuda,
        **kwargs,
    ):
        """Make the engines, and the backend over them."""
        self.cuda = make_cuda(**kwargs)
        self.engines = {}
        for size in tiny.manifest.input_sizes:
            hw = (size.height, size.width)
            shape = (*hw, 3) if form == 'uint8' else (3, *hw)
            outputs = {k: v[1:] for k, v in tiny.manifest.output_shapes(size).items()}
            engine = FakeEngine(self.cuda, (shape, form), outputs, network, most_images)
            self.engines[hw] = engine
        self.backend = TensorrtBackend(
            tiny,
            self.cuda,
            fake_trt(),
            self.engines,
            precision='float16',
            name='fake',
            kernels=Kernels(HostLauncher(self.cuda.put)) if frames else None,
            graphs=graphs,
        )

    def executed(self):
        """Count the runs of engines and of graphs."""
        calls = self.cuda.calls
        return calls.count('execute_async_v3'), calls.count('launch')


def images_of(count=1, hw=SIZES[0]):
    """Return so many random images."""
    return np.random.default_rng(count).integers(0, 256, (count, *hw, 3), np.uint8)
