# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""segformer stats, run as a user runs it."""

import json
import subprocess
import sys

import cv2
import numpy as np
import pytest
from segformer_ros.cli import main


@pytest.fixture
def folder(tmp_path):
    """Write a plain folder of two frames: half ground, a quarter plant, the rest unknown."""
    (tmp_path / 'classes.yaml').write_text('classes: [ground, road, plant]\n')
    labels = np.zeros((8, 8), np.uint8)
    labels[4:, :4], labels[4:, 4:] = 2, 255
    for name, pixels in (('images', np.zeros((8, 8, 3), np.uint8)), ('labels', labels)):
        (tmp_path / name).mkdir()
        for number in range(2):
            cv2.imwrite(str(tmp_path / name / f'{number}.png'), pixels)
    return tmp_path


def facts_of(capsys, *words):
    """Run the command with --json."""
    assert main(['stats', *map(str, words), '--json']) == 0
    return json.loads(capsys.readouterr().out)


def test_shares_and_weights(capsys, folder):
    """Of the pixels that have a class."""
    facts = facts_of(capsys, folder, '--split', 'all')

    assert (facts['frames'], facts['pixels'], facts['pixels_without_class']) == (2, 128, 32)
    assert [(item['name'], item['pixels']) for item in facts['classes']] == [
        ('ground', 64), ('road', 0), ('plant', 32),
    ]  # fmt: skip
    assert [item['share'] for item in facts['classes']] == pytest.approx([2 / 3, 0, 1 / 3])
    assert facts['weights']['complement'] == pytest.approx([1 / 6, 1 / 2, 1 / 3])
    assert sum(facts['weights']['log1p']) == pytest.approx(3)


def test_the_table_has_every_class(capsys, folder):
    """With all weights in a row."""
    assert main(['stats', f'folder:{folder}', '--split', 'all', '--max-frames', '1']) == 0
    title, head, *rows = capsys.readouterr().out.splitlines()
    assert title.endswith('1 frames, 25.00% of the pixels without a class')
    assert head.split() == [
        'class',
        'pixels',
        'share',
        'complement',
        'log1p',
        'log_c',
        'effective',
    ]
    assert [row.split()[:4] for row in rows] == [
        ['ground', '32', '66.6667%', '0.166667'],
        ['road', '0', '0.0000%', '0.500000'],
        ['plant', '16', '33.3333%', '0.333333'],
    ]


def test_parameters_of_the_formulas(capsys, folder):
    """As numbers of the command line."""
    facts = facts_of(capsys, folder, '--split', 'all', '--c', 2, '--beta', 0)
    assert facts['weights']['log_c'][1] == pytest.approx(1 / np.log(2))
    assert facts['weights']['effective'] == [1, 1, 1]


def test_classes_as_a_network_sees_them(capsys, folder):
    """Those of another label set."""
    (folder / 'classes.yaml').write_text('label_set: camvid_11\n')
    facts = facts_of(capsys, folder, '--split', 'all', '--label-set', 'cityscapes_19')
    found = {item['name']: item['pixels'] for item in facts['classes'] if item['pixels']}
    assert found == {'sky': 64, 'pole': 32}


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (['--max-frames', '0'], '--max-frames must be at least 1'),
        (['--label-set', 'moon'], 'label set must be one of'),
        (['--label-set', 'shift_23'], 'give rules'),
        (['--option', 'a=1'], "folder has no option 'a', it has: confidence"),
        (['--beta', '1'], 'beta of class weights effective must be from 0 to below 1'),
    ],
)
def test_wrong_arguments_are_refused_in_one_line(capsys, folder, words, message):
    """On stderr, with a code that says so."""
    assert main(['stats', str(folder), '--split', 'all', *words]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert error.count('\n') == 1


def test_ids_that_are_no_classes_stop_it(capsys, folder):
    """With the name of a file."""
    (folder / 'classes.yaml').write_text('classes: [ground]\n')
    assert main(['stats', str(folder), '--split', 'all']) == 1
    assert 'or 255 for unknown) in 0, found 2' in capsys.readouterr().err


def test_a_dataset_without_labels_has_no_classes(capsys, folder):
    """It is told so."""
    (folder / 'labels/0.png').unlink()
    (folder / 'labels/1.png').unlink()
    assert main(['stats', str(folder), '--split', 'all']) == 1
    assert 'expected a dataset with labels' in capsys.readouterr().err


def test_images_are_not_read(capsys, folder):
    """They would take most of the time; sixteen are, to find what is wrong with the data."""
    for number in range(2, 40):
        for name in ('images', 'labels'):
            (folder / name / f'{number:02d}.png').write_bytes(
                (folder / name / '0.png').read_bytes()
            )
    # The samples that are looked at are 0, 3, 5, 8...
    (folder / 'images/1.png').rename(folder / 'images/01.png')
    (folder / 'labels/1.png').rename(folder / 'labels/01.png')
    (folder / 'images/02.png').write_bytes(b'')
    assert facts_of(capsys, folder, '--split', 'all')['pixels'] == 40 * 64


def test_no_torch_is_needed(folder):
    """Statistics are of the machine that has the data."""
    code = (
        'import sys\n'
        'from segformer_ros import cli\n'
        f"assert cli.main(['stats', {str(folder)!r}, '--split', 'all']) == 0\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
