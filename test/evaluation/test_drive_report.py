# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The files of a evaluation."""

import csv
import json

import cv2
import numpy as np
from result_stream import frame, message
from segformer_ros.evaluation.drive import DriveEvaluation, DriveOptions, STREAMS
from segformer_ros.evaluation.drive_plot import draw_report
from segformer_ros.evaluation.drive_report import write_report


def evaluated(stamps):
    """Evaluate random frames of these stamps."""
    drive = DriveEvaluation(DriveOptions())
    rng = np.random.default_rng(3)
    for stamp_ns in stamps:
        coded, _ = frame(rng)
        for stream in STREAMS:
            drive.add(stream, message(*coded[stream], stamp_ns))
    return drive


def test_the_files_hold_frames_and_summary(tmp_path):
    """Frames are in the order of time, with what is not known left empty."""
    drive = evaluated([1_900_000_000, 1_000_000_007])
    write_report(tmp_path / 'new', drive.summary(), drive.scores.rows)

    rows = list(csv.DictReader((tmp_path / 'new' / 'frames.csv').read_text().splitlines()))
    assert [row['stamp_s'] for row in rows] == ['1.000000007', '1.900000000']
    assert rows[1]['flicker'] == ''
    frames = drive.scores.rows
    assert float(rows[1]['miou']) == np.float64(f'{frames[0, 1_900_000_000]["miou"]:.6g}')
    assert float(rows[0]['delta1']) == np.float64(f'{frames[0, 1_000_000_007]["delta1"]:.6g}')
    assert json.loads((tmp_path / 'new' / 'summary.json').read_text()) == drive.summary()
    picture = cv2.imread(str(tmp_path / 'new' / 'evaluation.png'))
    shown = cv2.cvtColor(draw_report(drive.summary(), frames), cv2.COLOR_RGB2BGR)
    np.testing.assert_array_equal(picture, shown)


def test_a_world_that_starts_again_overwrites_no_frame(tmp_path):
    """Its stamps come twice; the picture shows one life after the other."""
    drive = evaluated([3_000_000_000, 5_000_000_000, 3_000_000_000, 6_000_000_000])
    write_report(tmp_path, drive.summary(), drive.scores.rows)
    rows = list(csv.DictReader((tmp_path / 'frames.csv').read_text().splitlines()))
    assert [(row['restarts'], float(row['stamp_s'])) for row in rows] == [
        ('0', 3.0), ('0', 5.0), ('1', 3.0), ('1', 6.0),
    ]  # fmt: skip
    assert rows[0]['miou'] != rows[2]['miou']
    assert rows[2]['flicker'] == ''
    picture = draw_report(drive.summary(), drive.scores.rows)[40:160].astype(int)
    blue = np.flatnonzero((picture[..., 2] - picture[..., 0] > 60).any(axis=0))
    assert blue[0] <= 66
    assert blue[-1] >= 938


def test_the_picture_has_a_bar_of_the_length_of_every_class():
    """From 0 to 1 they are 700 pixels long."""
    drive = evaluated([1])
    summary = drive.summary()
    picture = draw_report(summary, drive.scores.rows)
    bars = np.all(picture[400:] == (31, 96, 168), axis=2)
    lengths = [int(row.sum()) for row in bars if row.any()]
    expected = sorted(summary['segmentation']['iou'].values(), reverse=True)
    middle = lengths[5 :: len(lengths) // len(expected)]
    assert np.allclose(np.array(middle) / 700, expected, atol=0.02)


def test_a_drive_without_results_has_a_picture_too():
    """It says that nothing was evaluated."""
    drive = DriveEvaluation(DriveOptions())
    picture = draw_report(drive.summary(), drive.scores.rows)
    assert picture.dtype == np.uint8
    assert picture.shape[1:] == (960, 3)
    assert (picture != 255).any()
