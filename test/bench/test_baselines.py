# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The whole program at a tiny size, and how it says what is wrong."""

import json
import os
from pathlib import Path
import subprocess
import sys

import cv2
import pytest

ROOT = Path(__file__).parents[2]


def run(*words):
    """Run the program as a user does."""
    command = [sys.executable, str(ROOT / 'bench' / 'baselines.py'), *words]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ, timeout=300)


def test_run_measures_every_chosen_candidate(tmp_path):
    """Tables, JSON and picture are written, with times, memory and agreement of each."""
    pytest.importorskip('torch', reason='the baselines need torch')
    pytest.importorskip('transformers', reason='the baselines are made of transformers')
    names = ['mmdeploy_like', 'ours_onnxruntime']
    done = run(
        *('--models', 'b0', '--sizes', '32x64', '--camera', '40x64', '--repeats', '3'),
        *('--candidates', *names, '--max-frames', '0', '--out', str(tmp_path / 'out')),
    )

    assert done.returncode == 0, done.stderr
    results = json.loads((tmp_path / 'out' / 'results.json').read_text())
    (case,) = results['cases']
    assert case['left_out'] == {}
    assert [item['name'] for item in case['candidates']] == names
    for item in case['candidates']:
        assert item['whole']['median_ms'] >= item['network']['median_ms'] > 0.0
        assert len(item['turns_s']['whole']) == 3
        assert item['network_mb'] > 1.0
        assert item['agreement']['depth'] < 1e-5
    assert case['candidates'][0]['gmacs'] > case['candidates'][1]['gmacs']
    assert case['peak_gflops']['float32'] > 0.0
    assert (tmp_path / 'out' / 'results.md').read_text() in done.stdout
    assert cv2.imread(str(tmp_path / 'out' / 'results.png')) is not None
    assert len(list((tmp_path / 'out').iterdir())) == 3


@pytest.mark.parametrize(
    ('words', 'sentence'),
    [
        (['--candidates', 'nobody'], 'must be of hf_eager, plain_onnxruntime'),
        (['--repeats', '2'], '--repeats must be 3 or more, not 2'),
        (['--sizes', '512'], "expected HEIGHTxWIDTH, got '512'"),
    ],
)
def test_wrong_arguments_are_named(words, sentence):
    """Nothing is measured for minutes before a wrong word is found."""
    done = run(*words)
    assert done.returncode == 2
    assert sentence in done.stderr
