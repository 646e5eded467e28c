# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The commands read their arguments, and evaluation counts every frame."""

import argparse
import json

import numpy as np
import pytest
from segformer_ros.cli import main
from segformer_ros.commands.evaluate import seed_range
from segformer_ros.commands.export import input_size
from tiny_bundle import make_tiny_bundle


def test_seeds_are_read_inclusively():
    """'2-5' are four seeds, '7' is one."""
    assert list(seed_range('2-5')) == [2, 3, 4, 5]
    assert list(seed_range('7')) == [7]


@pytest.mark.parametrize('text', ['', 'a-b', '5-2', '-3'])
def test_wrong_seeds_are_refused(text):
    """A range needs its smaller seed first."""
    with pytest.raises(argparse.ArgumentTypeError):
        seed_range(text)


def test_sizes_are_height_by_width():
    """The height comes first, as in the shape of an array."""
    assert input_size('256x512') == (256, 512)
    for text in ('256', '1280x0', '-1x512'):
        with pytest.raises(argparse.ArgumentTypeError, match='256x512'):
            input_size(text)


def test_evaluation_prints_figures_as_json(tmp_path, capsys):
    """Two frames of the world are measured at their own size."""
    folder = make_tiny_bundle(tmp_path / 'tiny')

    code = main(['evaluate', str(folder), '--seeds', '0-1', '--size', '32x64', '--json'])

    figures = json.loads(capsys.readouterr().out)
    assert code == 0
    assert figures['frames'] == 2
    assert 0.0 <= figures['accuracy'] <= 1.0
    assert np.isfinite(figures['abs_rel'])


@pytest.fixture(scope='module')
def weights(tmp_path_factory):
    """Return a weights file of random numbers."""
    pytest.importorskip('torch', reason='export needs torch')
    from random_network import random_network
    from segformer_ros.network import checkpoint

    network = random_network(depth_stride=4, depth_activation='log')
    path = tmp_path_factory.mktemp('weights') / 'weights.safetensors'
    facts = {
        'network': vars(network.config),
        'classes': [1, 11, 14],
        'label_set': 'carla_0914',
        'focal_length_px': 48.0,
    }
    checkpoint.write(path, network.state_dict(), facts)
    return path


def test_export_writes_for_several_engines_and_sizes(weights, tmp_path, capsys):
    """Each graph has its line, and the bundle is loaded before the command ends."""
    out = tmp_path / 'made'
    sizes = ['--size', '32x64,64x64']
    graphs = ['--target', 'openvino', '--target', 'tensorrt', '--no-single-task']

    code = main(['export', str(weights), str(out), *sizes, *graphs, '--torchscript'])

    assert code == 0
    *lines, last = capsys.readouterr().out.splitlines()
    names = [line.split(':')[0] for line in lines]
    stems = ['network_32x64', 'network_64x64']
    assert names == [f'{s}{end}.onnx' for s in stems for end in ('', '_tensorrt_float16')]
    assert 'golden outputs reproduced by onnxruntime' in last
    beside = sorted(path.name for path in tmp_path.iterdir() if path.is_file())
    assert beside == [f'made_{size}.torchscript' for size in ('32x64', '64x64')]
    assert main(['export', str(weights), str(out), *sizes]) == 1
    assert 'made has files: choose another, or replace them with --overwrite' in (
        capsys.readouterr().err
    )


def test_a_bundle_for_tensorrt_alone_is_not_loaded_here(weights, tmp_path, capsys):
    """No engine of this machine reads its graphs; the export has checked them."""
    out, arguments = tmp_path / 'made', ['--size', '64x64', '--target', 'tensorrt']

    code = main(['export', str(weights), str(out), *arguments, '--precision', 'float32'])

    assert code == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith('for tensorrt alone')
    assert sorted(path.name for path in out.iterdir()) == [
        'golden_64x64.npz',
        'manifest.json',
        'network_64x64_tensorrt.onnx',
        'network_64x64_tensorrt_depth.onnx',
        'network_64x64_tensorrt_logits.onnx',
        'weights.bin',
    ]


def test_options_that_contradict_each_other_are_one_line(weights, tmp_path, capsys):
    """Nothing is left behind."""
    code = main(['export', str(weights), str(tmp_path / 'out'), '--precision', 'float16'])

    assert code == 1
    assert 'precision float16 is for the target tensorrt' in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_missing_checkpoint_is_one_line(tmp_path, capsys):
    """Export says what it wanted and leaves nothing behind."""
    pytest.importorskip('torch', reason='export needs torch')
    pytest.importorskip('onnx', reason='export needs onnx')

    code = main(['export', str(tmp_path / 'none.safetensors'), str(tmp_path / 'out')])

    assert code == 1
    assert 'no checkpoint at' in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_recipe_is_one_line(tmp_path, capsys):
    """Training names the unknown key before it starts anything."""
    pytest.importorskip('torch', reason='training needs torch')
    recipe = tmp_path / 'recipe.yaml'
    recipe.write_text('epochs: 3', encoding='utf-8')

    code = main(['train', '--recipe', str(recipe)])

    assert code == 1
    assert "unknown key 'epochs'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ('sources', 'words', 'said'),
    [
        (['a.pt'], ['--depth-size', '64x64'], '--depth-size applies to the second of two'),
        (['a.pt'], ['--depth-licence', 'MIT'], '--depth-licence applies to the second of two'),
        (['city', 'a.pt'], ['--size', '64x64'], '--size applies to a checkpoint, city is none'),
        (['a.pt', 'city'], ['--depth-licence', 'MIT'], '--depth-licence applies to a checkpoint'),
        (['city', 'town'], ['--precision', 'float16'], '--precision applies to checkpoints'),
        (['city', 'town'], ['--no-single-task'], '--single-task applies to checkpoints'),
    ],
)
def test_options_without_effect_are_refused(tmp_path, monkeypatch, capsys, sources, words, said):
    """A bundle stays as it is; of one network there is no second."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'a.pt').write_bytes(b'is not read')
    assert main(['export', *sources, 'out', *words]) == 1
    error = capsys.readouterr().err
    assert said in error
    assert error.endswith(': leave it out\n')
    assert not (tmp_path / 'out').exists()
