# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Rendered frames are kept, found again and never mixed up."""

from dataclasses import replace
from pathlib import Path
import shutil

import numpy as np
import pytest

pytest.importorskip('torch', reason='training needs torch')

from segformer_ros.training.batches import channel_table, make_batch, prefetch
from segformer_ros.training.frames import (
    check_identity,
    check_rendering,
    FrameStore,
    render_shard,
)
from square_world import IDS, square_frame


def test_a_frame_comes_back_as_it_was_rendered(config, store):
    """Image and labels are exact, depth to half precision, the focal length is kept."""
    frame = square_frame(config.world.first_seed + 5, 96, 64)

    sample = store.sample(5)

    np.testing.assert_array_equal(sample.image, frame.image)
    np.testing.assert_array_equal(sample.labels, frame.labels)
    np.testing.assert_allclose(sample.depth, frame.depth, rtol=1e-3)
    assert sample.depth.dtype == np.float32
    assert sample.focal_px == 48.0


def test_a_rendered_shard_is_not_rendered_again(config):
    """An interrupted rendering goes on where it stopped."""

    def refuse(seed, width, height):
        raise AssertionError('rendered again')

    render_shard(config.world, 0, refuse)


def test_an_interrupted_shard_leaves_nothing(config, tmp_path):
    """A shard is there as a whole or not at all."""
    shutil.rmtree(Path(config.world.folder) / '00001')

    def fail(seed, width, height):
        raise RuntimeError('out of paint')

    with pytest.raises(RuntimeError, match='out of paint'):
        render_shard(config.world, 1, fail)

    assert [path.name for path in Path(config.world.folder).iterdir()] == ['00000']


def test_new_shards_are_found_while_training(config):
    """The store grows when it is refreshed."""
    store = FrameStore(replace(config.world, frames=12))
    before = len(store)
    render_shard(replace(config.world, frames=12), 2, square_frame)

    store.refresh()

    assert (before, len(store)) == (8, 12)


def test_frames_of_another_world_are_refused(config):
    """A folder keeps what it was rendered from, and is not reused for anything else."""
    check_identity(config.world, square_frame)
    check_identity(config.world, square_frame)

    with pytest.raises(ValueError, match='holds frames of another first_seed'):
        check_identity(replace(config.world, first_seed=8), square_frame)
    with pytest.raises(ValueError, match=r'holds frames of another probe.*remove the folder'):
        check_identity(config.world, lambda seed, w, h: square_frame(seed + 1, w, h))


def test_a_dead_renderer_is_noticed():
    """Waiting for frames that will never come is an error."""

    class Dead:
        exitcode = 1

    with pytest.raises(RuntimeError, match='exit status 1'):
        check_rendering([Dead()])


def test_classes_are_counted(store):
    """Every pixel of the looked at frames is counted once."""
    assert store.class_counts(IDS).sum() == 8 * 64 * 96


def test_a_batch_is_a_function_of_its_seed(config, store):
    """The same seed and step give the same batch; labels are channels, VOID stays."""
    phase, table = config.phases[0], channel_table(IDS)

    first, again, other = (
        make_batch(store, phase, config.augment, table, (0, step)) for step in (3, 3, 4)
    )

    assert first.image.shape == (2, 3, 32, 64)
    assert (first.image == again.image).all()
    assert not (first.image == other.image).all()
    assert set(first.labels.unique().tolist()) <= {0, 1, 2, 255}


def test_batches_come_in_order_and_errors_come_through():
    """The thread that works ahead changes neither order nor errors."""

    def make(step):
        if step == 7:
            raise ValueError('step 7')
        return step

    batches = prefetch(make, 4)

    assert [next(batches) for _ in range(3)] == [4, 5, 6]
    with pytest.raises(ValueError, match='step 7'):
        next(batches)
