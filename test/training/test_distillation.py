# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Learning from a larger network, channel by channel."""

import copy
from dataclasses import replace
import math

import pytest

torch = pytest.importorskip('torch', reason='training needs torch')

from segformer_ros.network import build  # noqa: E402
from segformer_ros.training.distillation import (  # noqa: E402
    channel_wise,
    Distillation,
    DistillationConfig,
)
from torch.nn import functional  # noqa: E402

IMAGE = torch.linspace(-1.0, 1.0, 3 * 64 * 64).reshape(1, 3, 64, 64)
DEPTH = torch.ones(1, 64, 64)


def network_of():
    """Draw a small network of labels."""
    torch.manual_seed(0)
    return build('b0', 3, decoder_dim=8, depth=False)


@pytest.fixture(scope='module')
def teacher():
    """Return a network with wider features than the student's."""
    return build('b1', 3, decoder_dim=8, depth=False)


def test_channel_wise_loss_is_the_papers_formula():
    """
    One channel of two places at temperature 2; the student has 1/2 each.

    The teacher's log odds of 2 log 3 become 3/4 and 1/4: 4 (3/4 log 3/2 + 1/4 log 1/2).
    """
    student = torch.zeros(1, 1, 1, 2)
    teacher = torch.tensor([2.0 * math.log(3.0), 0.0]).view(1, 1, 1, 2)

    value = float(channel_wise(student, teacher, 2.0))

    assert value == pytest.approx(4.0 * (0.75 * math.log(1.5) + 0.25 * math.log(0.5)))


def test_channel_wise_loss_averages_channels_and_images():
    """Repeating both changes nothing; a perfect channel halves it."""
    generator = torch.Generator().manual_seed(0)
    student, teacher = torch.randn(2, 1, 1, 4, 4, generator=generator)
    value = float(channel_wise(student, teacher, 4.0))

    repeated = channel_wise(student.repeat(3, 5, 1, 1), teacher.repeat(3, 5, 1, 1), 4.0)
    half = channel_wise(student.repeat(1, 2, 1, 1), torch.cat([teacher, student], dim=1), 4.0)

    assert value > 0.0
    assert float(repeated) == pytest.approx(value, rel=1e-5)
    assert float(half) == pytest.approx(value / 2.0, rel=1e-5)


def test_channel_wise_loss_ignores_what_all_places_share():
    """A constant added to a channel moves no distribution."""
    x = torch.randn(1, 2, 4, 4)

    assert float(channel_wise(x, x + torch.tensor([5.0, -9.0]).view(1, 2, 1, 1), 1.0)) < 1e-5


def test_channel_wise_loss_resizes_the_teacher():
    """A teacher at another resolution is compared at the student's."""
    student, teacher = torch.randn(1, 2, 4, 6), torch.randn(1, 2, 8, 12)
    small = functional.interpolate(teacher, size=(4, 6), mode='bilinear')

    assert torch.equal(channel_wise(student, teacher, 4.0), channel_wise(student, small, 4.0))


def test_channel_wise_loss_of_extremes_has_a_finite_gradient():
    """Logits of a thousand."""
    student = torch.tensor([1e3, -1e3]).view(1, 1, 1, 2).requires_grad_()

    channel_wise(student, torch.tensor([-1e3, 1e3]).view(1, 1, 1, 2), 1.0).backward()

    assert student.grad.isfinite().all()


def test_sum_has_the_logits_and_the_features(teacher):
    """Each times its factor; both reach the student, none the teacher."""
    student = network_of()
    config = DistillationConfig('b1', logits=3.0, features=50.0)
    distillation = Distillation(config, student, teacher)

    total, parts = distillation(student(IMAGE), IMAGE, DEPTH)
    total.backward()

    assert set(parts) == {'distilled_logits', 'distilled_features'}
    hand = 3.0 * parts['distilled_logits'] + 50.0 * parts['distilled_features']
    assert total.item() == pytest.approx(hand.item())
    assert min(value.item() for value in parts.values()) > 0.0
    assert all(p.grad is not None for p in student.encoder.parameters())
    assert all(p.grad is None and not p.requires_grad for p in teacher.parameters())
    assert {name for name, _ in distillation.named_parameters()} == {
        'project.weight',
        'project.bias',
    }


def test_logits_alone_need_no_parameters_and_no_hook(teacher):
    """The network is left as it is."""
    student = network_of()
    distillation = Distillation(DistillationConfig('b1'), student, teacher)

    _, parts = distillation(student(IMAGE), IMAGE, DEPTH)

    assert set(parts) == {'distilled_logits'}
    assert not distillation.state_dict()
    assert not student.encoder._forward_hooks
    assert not teacher.encoder._forward_hooks


def test_network_teaches_itself_nothing():
    """Two equal networks in evaluation mode: the loss of the logits is 0."""
    student = network_of().eval()
    distillation = Distillation(DistillationConfig('b0'), student, network_of())

    total, _ = distillation(student(IMAGE), IMAGE, DEPTH)

    assert total.item() == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize('kind', [torch.float32, torch.bfloat16])
def test_teacher_computes_in_the_precision_of_the_student(teacher, kind):
    """In 16 bits it takes much less time; the loss itself is computed in float32."""
    student, kinds = network_of(), []
    distillation = Distillation(DistillationConfig('b1'), student, teacher)
    hook = teacher.encoder.register_forward_hook(
        lambda encoder, images, features: kinds.append(features[-1].dtype)
    )
    outputs = {'logits': student(IMAGE)['logits'].to(kind)}
    with torch.autocast('cpu', enabled=False):
        total, _ = distillation(outputs, IMAGE, DEPTH)
    hook.remove()
    assert kinds == [kind]
    assert total.dtype == torch.float32


def test_samples_without_depth_can_be_left_to_their_labels(teacher):
    """Of two samples the one with a pixel of known depth counts; of none, the loss is 0."""
    student = network_of()
    config = DistillationConfig('b1', features=50.0, samples='with_depth')
    images = torch.cat([IMAGE.flip(3), IMAGE])
    depth = torch.full((2, 64, 64), math.nan)

    none, _ = Distillation(config, student, teacher)(student(images), images, depth)
    none.backward()
    gradients = [p.grad for p in student.parameters() if p.grad is not None]
    depth[1, 3, 5] = 7.0
    distillation = Distillation(replace(config, features=0.0), student, teacher)
    outputs = student(images)
    one, _ = distillation(outputs, images, depth)
    alone, _ = distillation({'logits': outputs['logits'][1:]}, IMAGE, DEPTH)

    assert none.item() == 0.0
    assert gradients
    assert all(not gradient.any() for gradient in gradients)
    assert one.item() == pytest.approx(alone.item())
    assert one.item() > 0.0


def test_evaluation_of_the_student_is_not_watched(teacher):
    """Features of a validation image are not taken for those of the batch."""
    student = network_of()
    distillation = Distillation(
        DistillationConfig('b1', logits=0.0, features=1.0), student, teacher
    )
    outputs = student.eval()(IMAGE)

    with pytest.raises(ValueError, match='expected the student to run in training mode'):
        distillation(outputs, IMAGE, DEPTH)

    distillation.close()
    assert not student.encoder._forward_hooks


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'num_classes': 4}, 'with the 3 classes of the network, got one with 4'),
        ({'segmentation': False, 'depth': True}, 'both need the segmentation head'),
    ],
)
def test_teacher_of_other_classes_is_refused(teacher, options, message):
    """Its channels would mean other things."""
    other = copy.copy(teacher)
    other.config = replace(teacher.config, **options)

    with pytest.raises(ValueError, match=message):
        Distillation(DistillationConfig('x'), network_of(), other)


@pytest.mark.parametrize(
    ('values', 'message'),
    [
        ({'logits': 0.0}, 'not both 0'),
        ({'features': -1.0}, 'must be 0 or above'),
        ({'temperature': 0.0}, 'temperature must be above 0'),
        ({'samples': 'real'}, "samples must be one of all, with_depth, not 'real'"),
    ],
)
def test_impossible_distillations_are_refused(values, message):
    """With the name of the value."""
    with pytest.raises(ValueError, match=message):
        DistillationConfig('x', **values)
