# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A drive evaluated from its messages."""

import json
import math

import numpy as np
import pytest
from result_stream import frame, message
from segformer_ros import carla
from segformer_ros.evaluation.drive import DriveEvaluation, DriveOptions, STREAMS
from segformer_ros.labels import CARLA_0914, CITYSCAPES_19
from segformer_ros.metrics import DepthMeter, SegmentationMeter

PERIOD_NS = 50_000_000


@pytest.fixture
def rng():
    """Return the numbers that frames are drawn from."""
    return np.random.default_rng(4)


def feed(drive, coded, stamp_ns, streams=STREAMS):
    """Hand over the images of a frame."""
    for stream in streams:
        drive.add(stream, message(*coded[stream], stamp_ns))


def test_the_figures_are_those_of_the_metrics(rng):
    """Whatever is evaluated together is worth the same as frame by frame."""
    drive = DriveEvaluation(DriveOptions())
    segmentation, depth = SegmentationMeter(range(1, 29)), DepthMeter(0.5, 80.0)
    for number in range(5):
        coded, (labels, truth, metres, true) = frame(rng)
        feed(drive, coded, number * PERIOD_NS)
        segmentation.add(labels, truth)
        depth.add(metres, true)

    summary = drive.summary()
    assert summary['segmentation']['miou'] == segmentation.miou()
    assert summary['segmentation']['accuracy'] == segmentation.accuracy()
    assert summary['segmentation']['iou']['car'] == segmentation.iou()[14]
    assert 'none' not in summary['segmentation']['iou']
    expected = depth.result()
    assert {name: summary['depth'][name] for name in expected} == expected
    assert summary['segmentation']['frames'] == summary['depth']['frames'] == 5


def test_windowed_figures_are_those_of_the_latest_frames(rng):
    """What was long ago does not hide what is wrong now."""
    drive, latest = DriveEvaluation(DriveOptions(window=3)), DriveEvaluation(DriveOptions())
    for number in range(7):
        coded, _ = frame(rng)
        feed(drive, coded, number * PERIOD_NS)
        if number >= 4:
            feed(latest, coded, number * PERIOD_NS)
    recent, expected = drive.scores.window.figures(), latest.scores.total
    assert recent.depth_summary() == expected.depth_summary()
    alone = {name: value for name, value in expected.labels_summary().items() if name != 'flicker'}
    assert alone.items() <= recent.labels_summary().items()
    assert recent.labels.segmentation.miou() != drive.scores.total.labels.segmentation.miou()
    assert drive.summary()['window']['segmentation'] == recent.labels_summary()


def test_the_flicker_of_the_window_is_that_of_its_frames(rng):
    """Each frame is compared with the one before, also with one that has left the window."""
    drive = DriveEvaluation(DriveOptions(window=2))
    truth = np.full((4, 8), 1, np.uint8)
    for number, changed in enumerate((0, 8, 8, 0)):
        labels = truth.copy()
        labels[0, :changed] = 14
        drive.scores.add_labels(number, labels, truth)
    assert drive.scores.window.figures().flicker.share() == pytest.approx(8 / 64)
    assert drive.scores.total.flicker.share() == pytest.approx(16 / 96)


def test_every_frame_has_its_row(rng):
    """A row has the figures of its frame alone, whichever half came first."""
    drive = DriveEvaluation(DriveOptions())
    first, (labels, truth, _, _) = frame(rng)
    second, (_, _, depth, true) = frame(rng)
    feed(drive, first, 7)
    feed(drive, second, 8, ('depth', 'true_depth'))
    alone, depth_alone = SegmentationMeter(range(1, 29)), DepthMeter()
    alone.add(labels, truth)
    depth_alone.add(depth, true)
    rows = drive.scores.rows
    assert list(rows) == [(0, 7), (0, 8)]
    assert rows[0, 7]['miou'] == alone.miou()
    assert math.isnan(rows[0, 7]['flicker'])
    assert 'miou' not in rows[0, 8]
    assert rows[0, 8]['abs_rel'] == depth_alone.result()['abs_rel']


def test_classes_of_two_label_sets_are_united(rng):
    """A network of Cityscapes is not asked for lines on the road."""
    drive = DriveEvaluation(DriveOptions(label_set='cityscapes_19'))
    names = ('road', 'road_line', 'truck', 'water', 'none')
    truth = np.array([[CARLA_0914.by_name(name).id for name in names]], np.uint8)
    labels = np.array([[CITYSCAPES_19.by_name('road').id] * 5], np.uint8)
    labels[0, 2] = CITYSCAPES_19.by_name('truck').id
    drive.add('labels', message('mono8', labels))
    drive.add('true_labels', message('bgra8', carla.encode_labels(truth)))
    figures = drive.summary()['segmentation']
    assert figures['iou'] == {'road+road_line': 1.0, 'truck': 1.0}
    assert figures['accuracy'] == 1.0
    assert figures['label_set'] == 'cityscapes_19 and carla_0914'


def test_unusable_messages_are_counted_by_reason(rng):
    """One broken message does not end the evaluation, and no other one is hidden behind it."""
    drive = DriveEvaluation(DriveOptions())
    coded, _ = frame(rng)
    wide = np.zeros((8, 13), np.uint8)
    feed(drive, coded | {'labels': ('mono8', wide)}, 1)
    feed(drive, coded | {'labels': ('rgb8', np.zeros((8, 12, 3), np.uint8))}, 2)
    feed(drive, coded | {'true_depth': ('mono8', wide)}, 3)
    assert sorted(drive.refused.values()) == [1, 1, 1]
    assert "expected labels in mono8, got 'rgb8'" in drive.refused
    assert drive.scores.evaluated == {'depth': 2, 'labels': 1}


def test_unknown_colours_are_reported_by_colour(rng):
    """Truth in the colours of another table would silently evaluate less."""
    drive = DriveEvaluation(DriveOptions(tag_table='t2', label_set='shift_23'))
    truth = np.array([[14, 15, 15, 1]], np.uint8)
    drive.add('labels', message('mono8', np.zeros((1, 4), np.uint8)))
    drive.add('true_labels', message('bgra8', carla.encode_labels(truth)))
    figures = drive.summary()['segmentation']
    assert figures['unknown'] == {'color 0 0 70': 2}
    assert figures['unknown_pixels'] == 2


@pytest.mark.parametrize(
    ('options', 'reason'),
    [
        ({'label_set': 'coco'}, 'label set must be one of'),
        ({'tag_table': 't9'}, 'tag_table must be one of'),
        ({'coding': 'jpeg'}, 'coding must be one of bridge, native'),
        ({'min_depth_m': 90.0}, 'must be less than max_depth_m'),
    ],
)
def test_options_without_sense_are_refused(options, reason):
    """Before anything is evaluated."""
    with pytest.raises(ValueError, match=reason):
        DriveOptions(**options)


def test_a_network_with_other_classes_is_noticed():
    """The sentence names the label set that fits."""
    drive = DriveEvaluation(DriveOptions())
    assert drive.contradiction({1: 'road', 14: 'car'}) == ''
    assert drive.contradiction({0: 'road', 1: 'sidewalk'}) == (
        'the network calls class 0 road, carla_0914 calls it none: set label_set to cityscapes_19'
    )
    assert 'no label set here has its classes' in drive.contradiction({1: 'kitten'})


def test_an_empty_summary_is_valid_json():
    """What is not known is null, never NaN, which JSON does not have."""
    text = json.dumps(DriveEvaluation(DriveOptions()).summary(), allow_nan=False)
    assert json.loads(text)['segmentation']['miou'] is None


def test_a_reset_forgets_everything(rng):
    """The first frame after it has no frame before."""
    drive = DriveEvaluation(DriveOptions())
    coded, _ = frame(rng)
    feed(drive, coded, 1)
    drive.add('labels', message(*coded['labels'], 2))
    drive.reset()
    assert drive.summary() == DriveEvaluation(DriveOptions()).summary()
    drive.add('true_labels', message(*coded['true_labels'], 2))
    assert not drive.scores.evaluated
