# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The program that measures a network next to those of ultralytics, with a stand-in of these."""

import sys

from tiny_bundle import make_tiny_bundle
import yolo


def test_ours_and_theirs_take_turns(tmp_path, monkeypatch, capsys, ultralytics):
    """Each engine has a row: both tasks against both networks, labels against labels."""
    monkeypatch.setattr(yolo, '_ENGINES', ('onnxruntime',))
    monkeypatch.setattr(yolo.machine, 'pin', lambda: None)
    kinds = [('any', 'float32', outputs) for outputs in (('logits', 'depth'), ('logits',))]
    network = str(make_tiny_bundle(tmp_path / 'tiny', kinds=kinds))

    assert yolo.main([network, '--ultralytics', ultralytics, '--repeats', '3']) == 0

    row = capsys.readouterr().out.splitlines()[-1].strip('| ').split(' | ')
    assert row[0] == 'onnxruntime'
    assert all(float(ratio) > 0.0 for ratio in (row[3], row[6]))


def test_ratios_are_our_time_over_theirs():
    """Both tasks over the sum of both networks, the labels over the labels."""
    times = {'both': 30.0, 'labels': 24.0, 'yolo26n-sem': 20.0, 'yolo26n-depth': 80.0}

    row = yolo.report([('openvino', times)]).splitlines()[-1]

    assert row == '| openvino | 30.0 | 100.0 | 0.30 | 24.0 | 20.0 | 1.20 |'


def test_an_environment_without_ultralytics_is_one_line(tmp_path, monkeypatch, capsys):
    """Nothing is measured then."""
    monkeypatch.setattr(yolo.machine, 'pin', lambda: None)
    network = str(make_tiny_bundle(tmp_path / 'tiny'))

    assert yolo.main([network, '--ultralytics', sys.executable]) == 1

    assert 'bench/yolo.py: error: ' in (error := capsys.readouterr().err)
    assert "No module named 'ultralytics'" in error
