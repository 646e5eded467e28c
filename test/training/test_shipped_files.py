# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Recipes and start weights by name, wherever the package is installed."""

from pathlib import Path

import pytest
from segformer_ros.training import shipped_files
from segformer_ros.training.shipped_files import find_recipe, find_weights
from segformer_ros.training.yaml_config import ConfigError

ROOT = Path(__file__).parents[2]


@pytest.fixture(params=['lib/python3.12/site-packages', 'local/lib/python3.10/dist-packages', ''])
def installed(request, tmp_path, monkeypatch):
    """Lay out an installation, or with '' a folder of `pip install --target`."""
    package = tmp_path / request.param / 'segformer_ros'
    share = tmp_path / 'share' / 'segformer_ros'
    for path in ('config/train/own_data.yaml', 'weights/world_b0_fast.safetensors'):
        (share / path).parent.mkdir(parents=True, exist_ok=True)
        (share / path).write_bytes(b'')
    monkeypatch.setattr(shipped_files, '_PACKAGE', package)
    monkeypatch.chdir(tmp_path)
    return share


@pytest.mark.parametrize('name', ['own_data', 'own_data.yaml', 'config/train/own_data.yaml'])
def test_a_recipe_is_found_by_name(installed, name):
    """Also under the path that it has in the checkout."""
    assert find_recipe(name) == installed / 'config/train/own_data.yaml'


def test_a_file_comes_before_a_shipped_recipe(installed, tmp_path):
    """A user's own file of that name."""
    (tmp_path / 'own_data.yaml').write_bytes(b'')
    assert find_recipe('own_data.yaml') == Path('own_data.yaml')


def test_start_weights_are_found_by_name(installed, tmp_path):
    """Under the path of the recipes; what is elsewhere is left alone."""
    shipped = str(installed / 'weights/world_b0_fast.safetensors')
    assert find_weights('weights/world_b0_fast.safetensors') == shipped
    assert find_weights('world_b0_fast') == shipped
    for name in ('hf://nvidia/mit-b0', 'runs/world_b0_fast.safetensors', 'mit_b0.pth'):
        assert find_weights(name) == name
    (tmp_path / 'world_b0_fast').write_bytes(b'')
    assert find_weights('world_b0_fast') == 'world_b0_fast'


@pytest.mark.parametrize(
    ('name', 'message'),
    [
        ('own_dta', "found no 'own_dta'; did you mean 'own_data'"),
        ('moon', "found no 'moon': .*own_data, .*world_b0"),
        ('elsewhere/own_data.yaml', "found no 'elsewhere/own_data.yaml'"),
    ],
)
def test_an_unknown_recipe_is_answered_with_the_known_ones(name, message):
    """The nearest, or all."""
    with pytest.raises(ConfigError, match=message):
        find_recipe(name)


def test_the_checkout_has_them_too():
    """Every recipe and the weights that recipes start from."""
    for path in (ROOT / 'config' / 'train').glob('*.yaml'):
        assert find_recipe(path.stem) == path
    assert find_weights('world_b0_fast') == str(ROOT / 'weights/world_b0_fast.safetensors')
