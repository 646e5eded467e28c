# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Learning from images without labels."""

import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='training needs torch')

from segformer_ros.training.augment import AugmentConfig, CropConfig, ResizeConfig  # noqa: E402
from segformer_ros.training.batch_source import BatchMaker, Source, StageBatches  # noqa: E402
from segformer_ros.training.batches import Batch, normalize  # noqa: E402
from segformer_ros.training.consistency import (  # noqa: E402
    ConsistencyConfig,
    with_taught_labels,
)
from segformer_ros.training.recipe import resolve  # noqa: E402
from segformer_ros.training.yaml_config import ConfigError  # noqa: E402
from square_dataset import recipe, SquareDataset  # noqa: E402
from test_fit_options import assert_equal, trained  # noqa: E402
from torch import nn  # noqa: E402

ODDS = 4.0
"""Logit of the class that the teacher names: its probability is 0.965 of three."""


class Teacher(nn.Module):
    """Names class 1 where the image is bright, class 2 where it is dark, and doubts between."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def forward(self, image, tasks):
        """Look at the red channel at a quarter of the size."""
        assert tasks == ('segmentation',)
        self.seen.append(image)
        red = image[:, :1, ::4, ::4]
        bright, dark = (red > 0.5).float(), (red < -0.5).float()
        return {'logits': ODDS * torch.cat([0.0 * red, bright, dark], dim=1)}


def batch_of(confidence=None):
    """Return three images, bright, doubtful and dark by thirds; the second one has labels."""
    plain = torch.zeros(3, 3, 24, 24)
    plain[..., :8], plain[..., 16:] = 1.0, -1.0
    labels = torch.full((3, 24, 24), 255)
    labels[1, :, :12] = 0
    image = torch.full_like(plain, 7.0)
    depth = torch.full((3, 24, 24), torch.nan)
    return Batch(image, labels, depth, torch.ones(3), confidence, plain)


def test_teacher_labels_what_it_is_sure_of():
    """It sees the plain images of the samples without labels, and the others stay."""
    batch, teacher = batch_of(), Teacher()

    taught = with_taught_labels(teacher, batch, ConsistencyConfig(threshold=0.95))

    assert torch.equal(teacher.seen[0], batch.plain[[0, 2]])
    # Where logits are interpolated between sure and doubtful, it is not sure.
    expected = torch.full((24,), 255)
    expected[:6], expected[-6:] = 1, 2
    for number in (0, 2):
        assert torch.equal(taught.labels[number], expected.expand(24, 24))
    assert torch.equal(taught.labels[1], batch.labels[1])
    assert torch.equal(taught.image, batch.image)
    assert taught.confidence is None


@pytest.mark.parametrize('trusted', [False, True])
def test_taught_pixels_count_by_their_factor(trusted):
    """Those of labelled samples count as before."""
    own = torch.full((3, 24, 24), 0.5) if trusted else None

    taught = with_taught_labels(Teacher(), batch_of(own), ConsistencyConfig(0.9, factor=0.25))

    assert taught.confidence[:, 0, 0].tolist() == [0.25, 0.5 if trusted else 1.0, 0.25]


def test_doubtful_teacher_teaches_nothing():
    """Below the threshold, all stays unknown."""
    taught = with_taught_labels(Teacher(), batch_of(), ConsistencyConfig(threshold=0.97))

    assert bool((taught.labels[[0, 2]] == 255).all())


def test_batches_hold_the_image_without_changes_of_colour_on_demand():
    """The plain image is moved as the other one and not recoloured."""
    sources = [Source(SquareDataset(), np.arange(256, dtype=np.uint8))]
    augment = AugmentConfig(ResizeConfig('none'), CropConfig(((64, 96),)), flip=0.0)

    def first(plain):
        return BatchMaker(sources, [StageBatches(2, 3, augment, plain)], 5, None)(0)[0]

    batch = first(plain=True)
    original = {normalize(SquareDataset()[i].image[None]).numpy().tobytes() for i in range(8)}

    assert {image[None].numpy().tobytes() for image in batch.plain} <= original
    assert not torch.equal(batch.plain, batch.image)
    assert torch.equal(batch.image, first(plain=False).image)
    assert first(plain=False).plain is None


def test_run_learns_from_unlabelled_images_and_resumes(tmp_path):
    """Bit for bit, and other weights than without the teacher."""
    network = {**recipe('')['network'], 'depth': False}
    data = {'train': [{'kind': 'squares'}, {'kind': 'squares', 'split': 'unlabelled'}]}
    stage = {'steps': 3, 'tasks': ['segmentation']}
    common = {'network': network, 'data': data}

    sure = {'threshold': 0.05}

    def changes(**more):
        return {**common, 'stages': [{**stage, **more}]}

    taught = trained(resolve(recipe(tmp_path / 'whole', **changes(consistency=sure))))
    parts = resolve(recipe(tmp_path / 'parts', **changes(consistency=sure)))
    trained(parts, max_steps=1)
    assert_equal(trained(parts), taught)
    alone = trained(resolve(recipe(tmp_path / 'alone', **changes())))
    doubtful = trained(
        resolve(recipe(tmp_path / 'no', **changes(consistency={'threshold': 0.9999})))
    )

    assert_equal(alone, doubtful)
    assert not all(torch.equal(alone[name], taught[name]) for name in alone)


@pytest.mark.parametrize(
    ('changes', 'said'),
    [
        ({'ema_decay': 0.0}, 'consistency needs the task segmentation and a teacher'),
        ({'threshold': 1.0}, 'threshold must be between 0 and 1'),
        ({'factor': 0.0}, 'factor must be above 0'),
    ],
)
def test_recipe_that_cannot_teach_is_refused(changes, said):
    """Without an average of the weights there is no teacher."""
    decay = {name: value for name, value in changes.items() if name == 'ema_decay'}
    own = {name: value for name, value in changes.items() if name != 'ema_decay'}

    with pytest.raises((ConfigError, ValueError), match=said):
        resolve(recipe('', stages=[{'steps': 1, 'consistency': own}], **decay))


def test_batch_without_plain_images_is_refused():
    """A slip of the caller's, told in words."""
    batch = batch_of()
    bare = Batch(batch.image, batch.labels, batch.depth, batch.focal_px)

    with pytest.raises(ValueError, match='images before changes of colour'):
        with_taught_labels(Teacher(), bare, ConsistencyConfig())
