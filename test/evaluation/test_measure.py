# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A network on a dataset, with figures worked out by hand."""

from dataclasses import replace
from threading import Barrier

import numpy as np
import pytest
from segformer_ros.camera import Intrinsics
from segformer_ros.datasets import Sample
from segformer_ros.evaluation import DepthRules, evaluate, LabelRules, Options
from segformer_ros.evaluation.tables import tables
from stub_network import blocks, CAR, ColorNetwork, FACTS, ROAD, Samples, SKY, truth

NAN = np.float32(np.nan)


def _depth(*values, size=32):
    return np.repeat(np.repeat(np.array([values], np.float32), size, axis=0), size, axis=1)


def _sample(name, labels=None, depth=None, intrinsics=None):
    return Sample(blocks('r', 'g'), labels, depth, intrinsics, name)


@pytest.fixture
def both():
    """Return two images: road and sky, 20 m and 10 m; the second one's truth is another."""
    right = _sample('right', truth(ROAD.id, SKY.id), _depth(20, 10))
    wrong = _sample('wrong', truth(ROAD.id, CAR.id), _depth(16, 5))
    return Samples([right, wrong])


def test_pooled_figures_and_means_of_images(both):
    """Road is right twice, sky once; the car is taken for sky."""
    result = evaluate(ColorNetwork(), both)
    summary = result.summary()
    assert summary['iou'] == pytest.approx({'road': 1.0, 'sky': 0.5, 'car': 0.0}, abs=0.05)
    assert summary['accuracy'] == pytest.approx(0.75, abs=0.01)
    assert summary['miou_per_image'] == pytest.approx((1.0 + 0.5) / 2, abs=0.02)
    for name in ('accuracy', 'mean_accuracy', 'frequency_weighted_iou', 'boundary_f'):
        mean = np.mean([row[name] for row in result.rows])
        assert summary[f'{name}_per_image'] == pytest.approx(mean)
    assert summary['frames'] == summary['label_frames'] == summary['depth_frames'] == 2
    assert [row['miou'] for row in result.rows] == pytest.approx([1.0, 0.5], abs=0.02)
    assert summary['abs_rel'] == pytest.approx((0 + 0 + 0.25 + 1) / 4, abs=0.02)
    assert [row['abs_rel'] for row in result.rows] == pytest.approx([0.0, 0.625], abs=0.02)
    assert result.names == ['right', 'wrong']
    assert result.confusion().sum() == 2 * 64 * 32
    assert result.confusion()[2, 1] > 1000


def test_depth_by_distance_and_by_class(both):
    """5 m is in the nearest band; the car is the only class that is twice too far."""
    options = Options(depth=DepthRules(bands_m=(10.0, 18.0)))
    summary = evaluate(ColorNetwork(), both, options).summary()
    bands = summary['depth_by_distance']
    assert list(bands) == ['0.5 to 10 m', '10 to 18 m', '18 to 80 m']
    assert bands['0.5 to 10 m']['pixels'] == 2 * 32 * 32
    assert bands['10 to 18 m']['abs_rel'] == pytest.approx(0.25, abs=0.02)
    classes = summary['depth_by_class']
    assert classes['car']['abs_rel'] == pytest.approx(1.0, abs=0.05)
    assert classes['sky']['pixels'] == 32 * 32
    assert summary['pixels'] == sum(item['pixels'] for item in bands.values())


def test_median_scaled_figures_are_apart():
    """A depth that is wrong by one factor is perfect when it is scaled, and only then."""
    dataset = Samples([_sample('double', None, _depth(40, 20))])
    summary = evaluate(ColorNetwork(), dataset).summary()
    assert summary['abs_rel'] == pytest.approx(0.5, abs=0.01)
    scaled = summary['depth_median_scaled']
    assert scaled['abs_rel'] == pytest.approx(0.0, abs=0.02)
    assert scaled['factor_mean'] == pytest.approx(2.0, abs=0.02)


def test_sparse_ground_truth_is_evaluated_where_it_is():
    """Three points of a LiDAR; one is beyond the range, one in no prediction's favour."""
    depth = np.full((32, 64), NAN)
    depth[4, 4], depth[4, 60], depth[20, 60] = 20.0, 8.0, 200.0
    summary = evaluate(ColorNetwork(), Samples([_sample('lidar', None, depth)])).summary()
    assert summary['pixels'] == 2
    assert summary['abs_rel'] == pytest.approx((0 + 0.25) / 2, abs=1e-3)
    assert 'miou' not in summary


def test_a_crop_leaves_the_rest_out():
    """Garg's crop of 32 rows begins at row 13."""
    depth = np.full((32, 64), NAN)
    depth[12, 20], depth[13, 20] = 10.0, 20.0
    options = Options(depth=DepthRules(crop='garg'))
    summary = evaluate(ColorNetwork(), Samples([_sample('a', None, depth)]), options).summary()
    assert (summary['pixels'], summary['depth_crop']) == (1, 'garg')
    assert summary['abs_rel'] == pytest.approx(0.0, abs=1e-6)


def test_the_focal_length_of_the_sample_counts():
    """Over the one of the options, which is for samples without."""
    camera = Intrinsics(50.0, 50.0, 32.0, 16.0, 64, 32)
    dataset = Samples(
        [_sample('a', None, _depth(10, 5), camera), _sample('b', None, _depth(4, 2))]
    )
    options = Options(focal_length_px=20.0)
    summary = evaluate(ColorNetwork(), dataset, options).summary()
    assert summary['abs_rel'] == pytest.approx(0.0, abs=0.02)


def test_only_some_samples_can_be_taken(both):
    """In the order that is asked for, with a call after each."""
    calls = []
    result = evaluate(ColorNetwork(), both, indices=[1], progress=lambda: calls.append(1))
    assert (result.names, len(calls)) == (['wrong'], 1)


def test_borders_are_evaluated_unless_it_takes_too_long(both):
    """They are part of the rows too."""
    summary = evaluate(ColorNetwork(), both).summary()
    assert summary['boundary_f_by_class']['road'] > 0.9
    options = Options(labels=LabelRules(boundaries=False))
    result = evaluate(ColorNetwork(), both, options)
    assert 'boundary_f' not in result.summary()
    assert 'boundary_f' not in result.rows[0]


def test_data_without_ground_truth_is_an_error():
    """A network without depth on data without labels, or no data."""
    labels_only = ColorNetwork(replace(FACTS, depth=None))
    dataset = Samples([_sample('a', None, _depth(1, 2))], label_set=None)
    with pytest.raises(ValueError, match='stub gives labels, the dataset has no labels'):
        evaluate(labels_only, dataset)
    with pytest.raises(ValueError, match='found none: choose another split'):
        evaluate(labels_only, Samples([]))


@pytest.mark.parametrize(
    ('values', 'message'),
    [({'min_m': 0.0}, '0 < min_m < max_m'), ({'crop': 'middle'}, 'crop must be one of')],
)
def test_depth_rules_are_checked(values, message):
    """Before any image is read."""
    with pytest.raises(ValueError, match=message):
        DepthRules(**values)


class SureNetwork(ColorNetwork):
    """States a scale of depth: green is sure, red is not."""

    def infer(self, image, input_hw):
        """Return b = 0.05 where there is no red, b = 1 on red."""
        found = super().infer(image, input_hw)
        log_scale = np.where(found.logits[0] > 128.0, 0.0, np.log(0.05)).astype(np.float32)
        return replace(found, depth_scale=log_scale)


def test_the_confidence_of_depth_is_compared_with_how_often_it_is_right():
    """Of the sure half three quarters are within a factor of 1.25, of the other one none."""
    depth = _depth(40, 10)
    depth[:8, 32:] = 12.6
    dataset = Samples([_sample('a', None, depth)])
    summary = evaluate(SureNetwork(), dataset).summary()
    found = summary['depth_confidence']
    unsure, sure = (found['parts'][place] for place in (0, -1))
    assert found['factor'] == 1.25
    assert (unsure['from'], sure['from']) == (0.2, 0.9)
    assert unsure['stated'] == pytest.approx(0.2, abs=0.01)
    assert unsure['right'] == 0.0
    assert sure['stated'] == pytest.approx(1.0 - 0.8**20, abs=0.01)
    # Some columns lie between the cells of both halves.
    assert sure['right'] == pytest.approx(0.75, abs=0.01)
    assert sum(part['share'] for part in found['parts']) == pytest.approx(1.0)
    (table,) = [item for item in tables(summary) if item.title == 'Depth confidence']
    assert table.rows[0][0] == '0.2 to 0.3'
    assert table.rows[-1][0] == 'all'
    assert len(table.rows) == len(found['parts']) + 1


def test_a_network_that_states_none_has_no_table_of_confidence():
    """Nor a figure."""
    summary = evaluate(ColorNetwork(), Samples([_sample('a', None, _depth(20, 10))])).summary()
    assert 'depth_confidence' not in summary
    assert not [item for item in tables(summary) if item.title == 'Depth confidence']


class Meeting(ColorNetwork):
    """Computes an image only while another one is in it."""

    at_once = 2

    def __init__(self):
        super().__init__()
        self.both = Barrier(2)

    def infer(self, image, input_hw):
        """Wait for the other one."""
        self.both.wait(timeout=240.0)
        return super().infer(image, input_hw)


def test_images_at_once_have_the_figures_of_one_after_another(both):
    """Bit for bit, in the order of the dataset, whichever is computed first."""
    dataset = Samples([*both.samples, *both.samples, *both.samples])
    alone, together = evaluate(ColorNetwork(), dataset), evaluate(Meeting(), dataset)
    assert together.names == alone.names == ['right', 'wrong'] * 3
    assert together.rows == alone.rows
    assert together.summary() == alone.summary()
