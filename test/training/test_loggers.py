# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Figures and pictures of a run reach CSV files, TensorBoard and Weights & Biases."""

import csv
import sys
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip('torch', reason='training needs torch')

from segformer_ros.training.loggers import CsvLogger, open_loggers, WandbConfig


def rows(path):
    """Read a CSV file."""
    with path.open(encoding='utf-8', newline='') as file:
        return list(csv.DictReader(file))


def opened(names, folder, step=0):
    """Open loggers."""
    return open_loggers(names, folder, 'run', step, WandbConfig(), {'seed': 1})


def test_csv_has_a_row_for_each_call_and_a_file_for_each_group(tmp_path):
    """New columns are added to the rows before."""
    (logger,) = opened(['csv'], tmp_path)
    logger.scalars(1, 'training', {'loss': 0.5})
    logger.scalars(2, 'training', {'loss': 0.25, 'silog': 1.0})
    logger.scalars(2, 'evaluation', {'miou': 1.0 / 3.0})
    logger.picture(2, 'example', np.zeros((2, 2, 3), np.uint8))
    logger.close()

    assert rows(tmp_path / 'training.csv') == [
        {'step': '1', 'loss': '0.5', 'silog': ''},
        {'step': '2', 'loss': '0.25', 'silog': '1'},
    ]
    assert rows(tmp_path / 'evaluation.csv') == [{'step': '2', 'miou': '0.333333'}]


def test_resumed_run_does_not_repeat_rows(tmp_path):
    """Rows after the step that a run goes on from are dropped, and so are halves of rows."""
    logger = CsvLogger(tmp_path, 0)
    for step in range(1, 6):
        logger.scalars(step, 'training', {'loss': 1.0, 'silog': 2.0})
    with (tmp_path / 'training.csv').open('a', encoding='utf-8') as file:
        file.write('6,0.')

    logger = CsvLogger(tmp_path, 3)
    logger.scalars(4, 'training', {'loss': 9.0})

    found = [(row['step'], row['loss']) for row in rows(tmp_path / 'training.csv')]
    assert found == [('1', '1'), ('2', '1'), ('3', '1'), ('4', '9')]


def test_tensorboard_shows_figures_and_pictures(tmp_path):
    """What was logged can be read back from the event files."""
    accumulator = pytest.importorskip('tensorboard.backend.event_processing.event_accumulator')
    (logger,) = opened(['tensorboard'], tmp_path)
    logger.scalars(3, 'evaluation', {'miou': 0.5})
    logger.picture(3, 'example', np.full((4, 4, 3), 200, np.uint8))
    logger.close()

    events = accumulator.EventAccumulator(str(tmp_path / 'tensorboard'))
    events.Reload()

    (scalar,) = events.Scalars('evaluation/miou')
    assert (scalar.step, scalar.value) == (3, 0.5)
    (picture,) = events.Images('example')
    assert (picture.width, picture.height) == (4, 4)


@pytest.fixture
def wandb(monkeypatch):
    """
    Stand in for wandb: init(project, name, id, dir, mode, resume, config), Image, log, finish.

    It refuses what the real one does: steps that go back, and logging after the end.
    """
    calls = SimpleNamespace(starts=[], logged=[], finished=0)

    class Run:
        def __init__(self, **options):
            calls.starts.append(options)
            self.step, self.over = -1, False

        def log(self, values, *, step):
            assert not self.over
            assert step >= self.step
            self.step = step
            calls.logged.append((step, values))

        def finish(self):
            self.over = True
            calls.finished += 1

    def image(array):
        assert array.dtype == np.uint8
        return ('image', array.shape)

    def init(*, project, name, id, dir, mode, resume, config):  # noqa: A002
        return Run(
            project=project, name=name, id=id, dir=dir, mode=mode, resume=resume, config=config
        )

    monkeypatch.setitem(sys.modules, 'wandb', SimpleNamespace(init=init, Image=image))
    return calls


def test_wandb_works_offline_and_continues_its_run(tmp_path, wandb):
    """The run is offline by default, lies in the output folder and keeps its id."""
    for first in (0, 4):
        (logger,) = opened(['wandb'], tmp_path, first)
        logger.scalars(first + 1, 'training', {'loss': 0.5})
        logger.picture(first + 1, 'example', np.zeros((2, 3, 3), np.uint8))
        logger.close()

    first, second = wandb.starts
    assert first == second
    assert (first['mode'], first['resume'], first['dir']) == ('offline', 'allow', str(tmp_path))
    assert first['config'] == {'seed': 1}
    assert len(first['id']) == 12
    assert wandb.logged[:2] == [
        (1, {'training/loss': 0.5}),
        (1, {'example': ('image', (2, 3, 3))}),
    ]
    assert wandb.finished == 2


def test_missing_package_is_named(tmp_path, monkeypatch, capsys):
    """Without wandb the command says in one sentence what to install."""
    from segformer_ros import cli
    from square_dataset import recipe
    import yaml

    monkeypatch.setitem(sys.modules, 'wandb', None)
    path = tmp_path / 'recipe.yaml'
    path.write_text(yaml.safe_dump(recipe(tmp_path / 'run', loggers=['wandb'])), encoding='utf-8')

    assert cli.main(['train', '--recipe', str(path)]) == 1

    error = capsys.readouterr().err
    assert error.count('\n') == 1
    assert "package 'wandb'" in error
    assert 'pip install wandb' in error
