# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""TorchScript files compute what the network does."""

import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='the network needs torch')

from random_network import random_network  # noqa: E402
from segformer_ros.export.check import ExportError  # noqa: E402
from segformer_ros.export.torchscript import write_torchscript  # noqa: E402


@pytest.fixture(scope='module')
def case():
    """Return a network, three images and their outputs."""
    network = random_network(segmentation_head='mmseg', depth_head='mlp')
    image = torch.randn(3, 3, 32, 64)
    with torch.no_grad():
        outputs = network(image)
    return network, image.numpy(), {name: value.numpy() for name, value in outputs.items()}


@torch.no_grad()
@pytest.mark.filterwarnings('ignore:.*torch.jit.load:DeprecationWarning')
def test_the_file_takes_any_number_of_images(case, tmp_path):
    """It is checked with one and gives the outputs of three."""
    network, image, expected = case
    path = tmp_path / 'made' / 'network.torchscript'

    errors = write_torchscript(
        network, path, image[:1], {name: value[:1] for name, value in expected.items()}
    )

    assert max(errors.values()) < 1e-4
    assert [item.name for item in path.parent.iterdir()] == ['network.torchscript']
    found = torch.jit.load(path)(torch.from_numpy(image))
    for value, name in zip(found, ('logits', 'depth'), strict=True):
        np.testing.assert_allclose(value.numpy(), expected[name], rtol=0.0, atol=1e-4)


def test_a_file_that_computes_something_else_is_not_written(case, tmp_path):
    """Nothing is left behind."""
    network, image, expected = case
    wrong = {name: value[:1] + 1.0 for name, value in expected.items()}

    with pytest.raises(ExportError, match='expected float32 logits within'):
        write_torchscript(network, tmp_path / 'network.torchscript', image[:1], wrong)

    assert list(tmp_path.iterdir()) == []
