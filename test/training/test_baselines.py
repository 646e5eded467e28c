# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Networks to compare with."""

from dataclasses import asdict
import sys
from types import ModuleType

import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='training needs torch')

from segformer_ros.cli import main  # noqa: E402
from segformer_ros.labels import CITYSCAPES_19  # noqa: E402
from segformer_ros.network.checkpoint import CheckpointError, write  # noqa: E402
from segformer_ros.training import baselines  # noqa: E402
from segformer_ros.training.baselines import (  # noqa: E402
    BaselineConfig,
    build_baseline,
    is_baseline,
    load_baseline,
)
from segformer_ros.training.torch_network import TorchNetwork  # noqa: E402
from torch import nn  # noqa: E402

LIBRARY = 'segmentation_models_pytorch'
FACTS = {
    'label_set': 'cityscapes_19',
    'classes': list(CITYSCAPES_19.ids),
    'class_names': [item.name for item in CITYSCAPES_19.classes],
}


class _Network(nn.Module):
    """A network as the library makes them: an encoder of stride 4, a head that upsamples."""

    def __init__(self, classes):
        super().__init__()
        self.encoder = nn.Conv2d(3, 8, 4, stride=4)
        self.segmentation_head = nn.Sequential(
            nn.Conv2d(8, classes, 1), nn.Upsample(scale_factor=4.0, mode='bilinear'), nn.Identity()
        )

    def forward(self, image):
        """Refuse what the networks of the library refuse."""
        assert image.shape[2] % 32 == 0
        assert image.shape[3] % 32 == 0
        return self.segmentation_head(self.encoder(image))


@pytest.fixture
def calls(monkeypatch):
    """Put a stand-in in the place of the library, and give the calls of create_model."""
    made = []

    def create_model(architecture, encoder_name, encoder_weights, classes, **options):
        if architecture != 'unet':
            raise KeyError(f'Wrong architecture type `{architecture}`')
        made.append((architecture, encoder_name, encoder_weights, classes, options))
        return _Network(classes)

    library = ModuleType(LIBRARY)
    library.create_model = create_model
    monkeypatch.setitem(sys.modules, LIBRARY, library)
    return made


def test_outputs_are_as_those_of_our_networks(calls):
    """Any size goes in; logits come out at the stride of the network, not upsampled."""
    network = build_baseline(BaselineConfig('unet', 5, 'resnet50', 'imagenet'))
    assert calls == [('unet', 'resnet50', 'imagenet', 5, {})]
    outputs = network(torch.rand(2, 3, 40, 70))
    assert {name: tuple(value.shape) for name, value in outputs.items()} == {
        'logits': (2, 5, 10, 18)
    }


def test_swin_is_made_for_any_size(calls):
    """Its windows depend on the size of the image."""
    build_baseline(BaselineConfig('unet', 5, 'tu-swin_tiny_patch4_window7_224'))
    assert calls[0][-1] == {'img_size': (224, 224), 'strict_img_size': False}


def test_networks_unknown_to_the_library_are_reported(calls):
    """In its own words."""
    with pytest.raises(ValueError, match="no baseline 'nonsense' with the encoder 'resnet18': Wr"):
        build_baseline(BaselineConfig('nonsense', 5))


def _save(path, network):
    """Write it as a training does."""
    write(path, network.state_dict(), {**FACTS, baselines.FACT: asdict(network.config)})


def test_weights_come_back_and_are_measured(calls, tmp_path):
    """Written with its facts, recognised, read, and a network of the evaluation."""
    network = build_baseline(BaselineConfig('unet', 19, 'resnet50', 'imagenet')).eval()
    path = tmp_path / 'unet.safetensors'
    _save(path, network)
    assert is_baseline(path)
    loaded, facts = load_baseline(path)
    assert calls[-1][2] is None
    assert facts['class_names'] == FACTS['class_names']
    image = torch.rand(1, 3, 32, 64)
    assert torch.equal(loaded(image)['logits'], network(image)['logits'])
    measured = TorchNetwork.load(path, device='cpu')
    assert measured.facts.classes == CITYSCAPES_19.classes
    assert measured.facts.depth is None
    outputs = measured.infer(np.zeros((30, 60, 3), np.uint8), (32, 64))
    assert outputs.logits.shape == (19, 8, 16)


def test_other_files_are_no_baselines(calls, tmp_path):
    """A checkpoint of ours, a damaged file, a folder, a file that describes another network."""
    assert not is_baseline(tmp_path)
    damaged = tmp_path / 'damaged.safetensors'
    damaged.write_bytes(b'nothing')
    assert not is_baseline(damaged)
    network = build_baseline(BaselineConfig('unet', 19))
    path = tmp_path / 'unet.safetensors'
    network.config = BaselineConfig('unet', 7)
    _save(path, network)
    with pytest.raises(CheckpointError, match='does not hold the baseline it describes'):
        load_baseline(path)


def test_the_missing_library_is_named(monkeypatch, tmp_path, capsys, calls):
    """With the extra that brings it."""
    path = tmp_path / 'unet.safetensors'
    _save(path, build_baseline(BaselineConfig('unet', 19)))
    monkeypatch.setitem(sys.modules, LIBRARY, None)
    with pytest.raises(ModuleNotFoundError, match=LIBRARY):
        build_baseline(BaselineConfig('unet', 5))
    assert main(['evaluate', str(path), 'world']) == 1
    assert 'pip install segmentation-models-pytorch' in capsys.readouterr().err


@pytest.mark.parametrize(
    ('baseline', 'encoder', 'stride'),
    [
        ('unet', 'resnet18', 1),
        ('deeplabv3plus', 'resnet18', 4),
        ('pspnet', 'resnet18', 8),
        ('upernet', 'tu-convnext_atto', 4),
        ('upernet', 'tu-swin_tiny_patch4_window7_224', 4),
    ],
)
def test_the_networks_of_the_library_fit(baseline, encoder, stride):
    """Those that CV-3315 compares with, at a size that is no multiple of 32."""
    pytest.importorskip(LIBRARY, reason='not installed: pip install segmentation-models-pytorch')
    network = build_baseline(BaselineConfig(baseline, 5, encoder)).eval()
    with torch.no_grad():
        logits = network(torch.rand(1, 3, 64, 72))['logits']
    assert logits.shape == (1, 5, 64 // stride, 72 // stride)
