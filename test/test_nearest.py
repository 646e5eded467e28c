# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A mistyped name of any kind is answered with the nearest known one."""

import pytest
from segformer_ros import bundle, cli
from segformer_ros.datasets import dataset_spec, DatasetSpec, open_dataset
from segformer_ros.inference.backend_order import order_of
from segformer_ros.labels import CITYSCAPES_19, label_set


@pytest.mark.parametrize(
    ('mistake', 'meant'),
    [
        (lambda: bundle.find('world_b0_fats'), 'world_b0_fast'),
        (lambda: label_set('cityscapes19'), 'cityscapes_19'),
        (lambda: CITYSCAPES_19.by_name('bycicle'), 'bicycle'),
        (lambda: open_dataset(DatasetSpec('kiti_depth', '.')), 'kitti_depth'),
        (lambda: open_dataset(DatasetSpec('world', '', 'vall')), 'val'),
        (lambda: open_dataset(DatasetSpec('world', '', 'val', {'frame': 2})), 'frames'),
        (lambda: dataset_spec.parse('citiscapes:/data'), 'cityscapes'),
        (lambda: order_of('openvno', 'any'), 'openvino'),
    ],
)
def test_the_nearest_name_is_offered(mistake, meant):
    """Of networks, label sets, classes, kinds and splits of datasets, their options, backends."""
    with pytest.raises((RuntimeError, ValueError), match=f'; did you mean {meant!r}\\?'):
        mistake()


def test_the_nearest_command_is_offered(capsys):
    """A name that resembles none is answered with all of them alone."""
    assert cli.main(['exprot']) == 2
    assert "unknown command 'exprot'; did you mean 'export'?" in capsys.readouterr().err
    assert cli.main(['nonsense']) == 2
    err = capsys.readouterr().err
    assert "unknown command 'nonsense'" in err
    assert 'did you mean' not in err
    assert 'build-engine' in err


@pytest.mark.parametrize('mistake', ['--sky-dpeth', '--sky-dpeth=nan'])
def test_the_nearest_option_is_offered(capsys, mistake):
    """In the last line, which names the command."""
    assert cli.main(['run', 'drive.mp4', '--out', 'result', mistake]) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last == (
        f"segformer run: error: unrecognized arguments: {mistake}; did you mean '--sky-depth'?"
    )
    assert cli.main(['run', 'drive.mp4', '--out', 'result', 'another.mp4']) == 2
    assert 'did you mean' not in capsys.readouterr().err
