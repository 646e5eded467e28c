# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The table of output topics: what follows from it without ROS."""

from pathlib import Path

import numpy as np
import pytest
from segformer_ros.bags.message_types import make_store
from segformer_ros.bags.messages import bag_message
from segformer_ros.camera import Intrinsics
from segformer_ros.frame_rules import calibrate
from segformer_ros.labels import CARLA_0914
from segformer_ros.output_topics import contents, table
from segformer_ros.output_topics.frame import Frame, OutputOptions, Results

_README = Path(__file__).parents[1] / 'README.md'
_HW = (4, 6)


def sample_results(header):
    """Return a frame with all data."""
    rng = np.random.default_rng(3)
    image, labels = rng.integers(0, 20, (*_HW, 3), np.uint8), rng.integers(0, 20, _HW, np.uint8)
    found = calibrate(None, _HW, camera_fov_deg=70.0)
    frame = Frame.of(header, image, found, None, replaced=True)
    depth = rng.uniform(1.0, 50.0, _HW).astype(np.float32)
    palette = CARLA_0914.palette()
    return Results(
        frame,
        labels,
        depth,
        labels,
        palette,
        OutputOptions(),
        depth_confidence=labels,
        relative=-depth,
    )


@pytest.mark.parametrize('row', [*table.OUTPUTS, *table.LATCHED], ids=lambda row: row.topic)
def test_readme_lists_every_output(row):
    """One line holds the topic and the last part of its type."""
    lines = [line for line in _README.read_text('utf-8').split('\n') if f'`{row.topic}`' in line]
    assert any(row.type.rpartition('/')[2] in line.split('|')[2] for line in lines if '|' in line)


def test_topics_and_switches_are_unique():
    """Two rows never share a topic, nor a switch."""
    topics = [row.topic for row in (*table.OUTPUTS, *table.LATCHED)]
    switches = [row.switch for row in table.OUTPUTS if row.switch]
    assert len(set(topics)) == len(topics)
    assert len(set(switches)) == len(switches)


@pytest.mark.parametrize('row', table.OUTPUTS, ids=lambda row: row.topic)
def test_every_output_is_a_message_of_its_type(row):
    """Bags take it, so no field is missing, and the bytes are those of the type."""
    store = make_store()
    content = row.make(sample_results(contents.header(5_000_000_007)))
    assert content.type == row.type
    assert len(store.serialize_cdr(bag_message(store, content), row.type)) > 0


@pytest.mark.parametrize('turns', range(4))
@pytest.mark.parametrize('size', [(1, 1), (7, 1), (1, 7), (3, 5)])
def test_the_step_of_an_image_of_one_row_is_that_of_its_bytes(size, turns):
    """Also where the row was turned, whose strides numpy keeps as they were."""
    pixels = np.rot90(np.arange(size[0] * size[1], dtype=np.uint16).reshape(size), turns)
    fields = contents.image(None, np.ascontiguousarray(pixels), '16UC1').fields
    assert (fields['step'], fields['data'].size) == (2 * pixels.shape[1], pixels.nbytes)
    assert fields['data'].tobytes() == pixels.tobytes()


def test_a_row_needs_its_data():
    """Without intrinsics there are no points, without confidence no image of it."""
    found = table.possible_outputs(frozenset({table.LABELS, table.DEPTH}))
    lacking = {row.topic for row in table.OUTPUTS} - {row.topic for row in found}
    more = {'depth/confidence/image', 'depth/relative/image', 'depth/relative/camera_info'}
    assert lacking == {'depth/points', 'label/confidence/image'} | more


def test_the_points_take_labels_where_there_are_some():
    """Where segmentation is off the points come without."""
    (points,) = [row for row in table.OUTPUTS if row.topic == 'depth/points']
    both = frozenset({table.LABELS, table.DEPTH, table.INTRINSICS})
    assert table.Wanted.of([points], both).segmentation
    alone = table.Wanted.of([points], both - {table.LABELS})
    assert (alone.segmentation, alone.depth, alone.confidence) == (False, True, False)


def test_the_intrinsics_of_a_field_of_view_become_the_camera_info():
    """Of an ideal camera, with the header of the image."""
    header = contents.header(1)
    frame = sample_results(header).frame
    assert frame.intrinsics == Intrinsics.from_fov(_HW[1], _HW[0], 70.0)
    assert frame.camera_info.fields['header'] is header
    assert frame.camera_info.fields['k'][0] == frame.intrinsics.fx
