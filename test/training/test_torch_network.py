# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Networks in torch through the seam of the evaluation."""

from dataclasses import asdict, replace
from pathlib import Path
import subprocess
import sys

import cv2
import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='training needs torch')

from segformer_ros.evaluation import Inference, NetworkFacts  # noqa: E402
from segformer_ros.evaluation.bundle_network import load as load_bundle  # noqa: E402
from segformer_ros.evaluation.prediction import predict  # noqa: E402
from segformer_ros.inference.denormals import can_switch  # noqa: E402
from segformer_ros.labels import CITYSCAPES_19  # noqa: E402
from segformer_ros.network import build  # noqa: E402
from segformer_ros.network.checkpoint import CheckpointError, write  # noqa: E402
from segformer_ros.training.torch_network import (  # noqa: E402
    MEAN,
    network_facts,
    STD,
    TorchNetwork,
)
from torch.nn import functional  # noqa: E402

of_x86 = pytest.mark.skipif(not can_switch(), reason='the switch is one of x86-64 with glibc')
WEIGHTS = Path(__file__).parents[2] / 'weights'
IMAGE = np.random.default_rng(4).integers(0, 256, (40, 70, 3), np.uint8)


@pytest.fixture(scope='module')
def module():
    """Return a network that says something everywhere."""
    torch.manual_seed(0)
    network = build('b0', 19, depth_activation='log', depth_stride=4, decoder_dim=32)
    torch.nn.init.normal_(network.segmentation_head.classifier.weight)
    return network.eval()


@pytest.mark.parametrize('name', ['road_b0', 'world_b0_fast', 'world_b0_slim'])
def test_a_checkpoint_and_its_bundle_say_the_same(name):
    """Of the networks that ship: the same facts, labels and depths, whole and in windows."""
    bundle, _ = load_bundle(name, backend='onnxruntime', threads=1)
    network = TorchNetwork.load(WEIGHTS / f'{name}.safetensors', device='cpu')
    height, width = bundle.facts.input_sizes[0]
    named = replace(bundle.facts, name=f'{name}.safetensors', input_sizes=None)
    assert network.facts == named
    coarse = np.random.default_rng(6).integers(0, 256, (5, 8, 3), np.uint8)
    image = cv2.resize(coarse, (320, 200), interpolation=cv2.INTER_CUBIC)
    for how in (
        Inference(size=(height, width)),
        Inference('exact', size=(height, width + 64), window=(height, width)),
    ):
        found, expected = (predict(item, image, 50.0, how) for item in (network, bundle))
        assert np.mean(found.labels == expected.labels) > 0.999
        np.testing.assert_allclose(found.depth, expected.depth, rtol=1e-3)


@of_x86
def test_denormal_numbers_are_zero_in_torch_too(module):
    """While the network is computed, not in the caller's arithmetic."""

    class Faded(torch.nn.Module):
        def forward(self, image):
            smallest = torch.full((1, 2, 1, 1), torch.finfo(torch.float32).tiny)
            return {'logits': smallest * 0.25 * 2.0**126}

    facts = network_facts(module, CITYSCAPES_19.classes[:2], '', None)
    found = TorchNetwork(Faded(), facts, device='cpu').infer(IMAGE, (64, 96))
    assert not found.logits.any()
    assert (np.full(2, np.finfo(np.float32).tiny) * np.float32(0.25)).all()


@of_x86
def test_the_threads_of_torch_take_denormal_numbers_as_zero_as_well():
    """They start while the network is loaded; all of a large result is zero, not just a part."""
    program = (
        'import torch\n'
        'from segformer_ros.inference.denormals import denormals_as_zero\n'
        'from segformer_ros.training.torch_network import TorchNetwork\n'
        'torch.set_num_threads(2)\n'
        f'TorchNetwork.load({str(WEIGHTS / "road_b0.safetensors")!r}, device="cpu")\n'
        'values = torch.full((1 << 20,), torch.finfo(torch.float32).tiny)\n'
        'with denormals_as_zero():\n'
        '    values = values * 0.25\n'
        'print(values.count_nonzero().item())\n'
    )
    found = subprocess.run(
        [sys.executable, '-c', program], capture_output=True, text=True, check=False
    )
    assert found.stdout == '0\n', found.stderr


def test_several_sizes_and_mirrors_are_as_torch_does_it(module):
    """Upsampled to the input, cut to the image that lay in it, and on to the size of the image."""
    facts = network_facts(module, CITYSCAPES_19.classes, 'cityscapes_19', None)
    how = Inference(ratios=(0.75, 1.5), flip=True)
    found = predict(TorchNetwork(module, facts), IMAGE, None, how)
    total, depth = 0.0, 0.0
    for ratio in how.ratios:
        height, width = round(40 * ratio), round(70 * ratio)
        resized = cv2.resize(IMAGE, (width, height), interpolation=cv2.INTER_LINEAR)
        planes = torch.from_numpy(resized).permute(2, 0, 1)[None] / 255.0
        planes = (planes - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]
        for axes in ((), (3,)):
            view = functional.pad(planes.flip(axes), (0, -width % 32, 0, -height % 32))
            with torch.no_grad():
                outputs = module(view)
            outputs['depth'] = outputs['depth'].exp()
            whole = {
                name: functional.interpolate(value, view.shape[2:], mode='bilinear')
                for name, value in outputs.items()
            }
            same = {
                name: functional.interpolate(
                    value[..., :height, :width].flip(axes), (40, 70), mode='bilinear'
                )
                for name, value in whole.items()
            }
            total, depth = total + same['logits'], depth + same['depth'] / 4
    expected = total.argmax(1)[0].numpy()
    assert np.mean(found.labels == expected) > 0.999
    np.testing.assert_allclose(found.depth, depth[0, 0].numpy(), rtol=1e-3)


def test_modes_are_restored_part_by_part(module):
    """A part that is frozen in evaluation mode stays there; nothing is trained on the way."""
    facts = network_facts(module, CITYSCAPES_19.classes, 'cityscapes_19', None)
    module.train()
    module.encoder.eval()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    outputs = TorchNetwork(module, facts).infer(IMAGE, (64, 96))
    assert module.training
    assert module.depth_head.training
    assert not any(item.training for item in module.encoder.modules())
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())
    module.eval()
    again = TorchNetwork(module, facts).infer(IMAGE, (64, 96))
    np.testing.assert_array_equal(outputs.logits, again.logits)
    assert (outputs.logits.shape, outputs.depth.shape) == ((19, 16, 24), (16, 24))


def test_reduced_precision_is_an_option(module):
    """Autocast in bfloat16 gives float32 outputs that are near."""
    facts = network_facts(module, CITYSCAPES_19.classes, 'cityscapes_19', None)
    exact = TorchNetwork(module, facts).infer(IMAGE, (64, 96))
    near = TorchNetwork(module, facts, dtype=torch.bfloat16).infer(IMAGE, (64, 96))
    assert near.logits.dtype == np.float32
    assert not np.array_equal(near.logits, exact.logits)
    np.testing.assert_allclose(near.depth, exact.depth, rtol=0.05, atol=0.05)


def test_one_class_is_decided_against_zero():
    """The second channel is zero, so that a positive logit is the class."""
    network = build('b0', 1, depth=False, decoder_dim=32).eval()
    facts = network_facts(network, CITYSCAPES_19.classes[:1], 'cityscapes_19', None)
    assert facts.depth is None
    logits = TorchNetwork(network, facts).infer(IMAGE, (64, 96)).logits
    assert logits.shape == (2, 16, 24)
    assert (logits[1] == 0.0).all()


def test_heads_that_are_off_give_nothing():
    """A network for depth in metres has no classes."""
    network = build('b0', 0, segmentation=False, depth_activation='metric').eval()
    facts = network_facts(network, (), '', 100.0)
    assert facts == NetworkFacts('segformer_b0', (), '', 'metric', 100.0)
    assert TorchNetwork(network, facts).infer(IMAGE, (64, 96)).logits is None


def test_an_encoder_is_refused(tmp_path, module):
    """It labels nothing."""
    config = replace(module.config, segmentation=False, depth=False, num_classes=0)
    tensors = {
        name: value for name, value in module.state_dict().items() if name.startswith('encoder.')
    }
    path = tmp_path / 'encoder.safetensors'
    write(path, tensors, {'network': asdict(config)})
    with pytest.raises(CheckpointError, match='is an encoder: expected a network with'):
        TorchNetwork.load(path, device='cpu')
