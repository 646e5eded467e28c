# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which classes the channels are, and facts that travel with their weights."""

import pytest
from safetensors.torch import save_file
from segformer_ros.checkpoints import load, read
from segformer_ros.checkpoints.classes import (
    class_facts,
    class_table,
    find_label_set,
    named,
)
from segformer_ros.checkpoints.convert import convert, Request
from segformer_ros.checkpoints.formats.base import Options
from segformer_ros.labels import CITYSCAPES_19, distinct_color, SHIFT_23
from segformer_ros.network import build, checkpoint
from segformer_ros.network.checkpoint import CheckpointError
import torch

CITYSCAPES = [item.name.replace('_', ' ') for item in CITYSCAPES_19.classes]


def test_a_label_set_is_recognised_by_all_of_its_names():
    """Spelling does not matter, the order gives the ids."""
    turned = [name.title() for name in CITYSCAPES[::-1]]

    assert find_label_set(CITYSCAPES) == ('cityscapes_19', list(range(19)))
    assert find_label_set(turned) == ('cityscapes_19', list(range(18, -1, -1)))


@pytest.mark.parametrize(
    'names', [CITYSCAPES[:18], [*CITYSCAPES[:18], 'tram'], [f'LABEL_{n}' for n in range(19)], None]
)
def test_a_label_set_is_never_guessed_by_its_number(names):
    """Nineteen classes of other names are no Cityscapes."""
    assert find_label_set(names)[0] is None


def test_names_of_another_number_are_not_those_of_the_channels():
    """They are left away."""
    facts = class_facts(CITYSCAPES, 20)

    assert facts == {'label_set': None, 'classes': list(range(20)), 'class_names': None}


def test_a_person_can_name_the_label_set():
    """When its number of classes fits."""
    assert named('shift_23', 23)['classes'] == list(range(23))
    with pytest.raises(CheckpointError, match='cityscapes_19 has 19 classes, the network has 23'):
        named('cityscapes_19', 23)
    with pytest.raises(CheckpointError, match=r"label set must be one of .* not 'moon'"):
        named('moon', 3)


def test_unknown_classes_get_names_and_colours_of_their_own():
    """No two of the possible 255 look the same."""
    label_set, rows = class_table({'label_set': None, 'class_names': None}, 4)

    assert label_set == 'unknown'
    assert [item.name for item in rows] == ['class_0', 'class_1', 'class_2', 'class_3']
    assert len({distinct_color(number) for number in range(255)}) == 255


def test_known_classes_keep_their_ids():
    """The channels of a network can be in any order."""
    label_set, rows = class_table({'label_set': 'shift_23', 'classes': [7, 13]}, 2)

    assert label_set == 'shift_23'
    assert rows == (SHIFT_23.classes[7], SHIFT_23.classes[13])
    with pytest.raises(CheckpointError, match='names 2 classes of shift_23 for 3 channels'):
        class_table({'label_set': 'shift_23', 'classes': [7, 13]}, 3)


@pytest.fixture
def folder(tmp_path):
    """Return a Hugging Face folder of a network of ours with some of CARLA's classes."""
    torch.manual_seed(1)
    network = build('b0', 3, depth=False)
    facts = {
        'network': vars(network.config), 'label_set': 'carla_0914', 'classes': [1, 11, 14],
        'focal_length_px': 48.0, 'mean': [0.5] * 3, 'std': [0.25] * 3,
    }  # fmt: skip
    checkpoint.write(tmp_path / 'ours.safetensors', network.state_dict(), facts)
    request = Request(tmp_path / 'ours.safetensors', 'hf-segformer', tmp_path / 'folder')
    return convert(request).out


def test_facts_travel_with_their_weights(folder):
    """What config.json has no field for is there again."""
    facts = load(folder).facts

    assert (facts['label_set'], facts['classes']) == ('carla_0914', [1, 11, 14])
    assert facts['class_names'] == ['road', 'sky', 'car']
    assert (facts['mean'], facts['focal_length_px']) == ([0.5] * 3, 48.0)
    assert 'source' not in facts
    assert facts['read_from'].startswith('folder, hf-segformer, sha256 ')


def test_facts_do_not_count_for_other_weights(folder):
    """After a training somewhere else, only what the folder says itself is true."""
    tensors = {name: value.clone() for name, value in load_weights(folder).items()}
    tensors['decode_head.classifier.bias'] += 1.0
    save_file(tensors, folder / 'model.safetensors')

    facts = load(folder).facts

    assert facts['label_set'] is None
    assert 'focal_length_px' not in facts
    assert facts['class_names'] == ['road', 'sky', 'car']
    assert facts['mean'] == [0.5] * 3
    assert facts['source'] == 'folder'


def load_weights(folder):
    """Read the tensors of a folder."""
    from safetensors.torch import load_file

    return load_file(folder / 'model.safetensors')


def test_new_names_win_over_carried_ones(folder):
    """A person who renames the classes means it."""
    config = folder / 'config.json'
    text = config.read_text(encoding='utf-8')
    config.write_text(text.replace('"0": "road"', '"0": "lawn"'), encoding='utf-8')

    facts = load(folder).facts

    assert facts['class_names'] == ['lawn', 'sky', 'car']
    assert (facts['label_set'], facts['classes']) == (None, [0, 1, 2])
    assert facts['focal_length_px'] == 48.0


def test_a_person_adds_what_the_file_does_not_say(folder):
    """Label set and licence are facts then."""
    with pytest.raises(CheckpointError, match='has 19 classes, the network has 3'):
        read(folder, options=Options(label_set='cityscapes_19'))
    assert read(folder, options=Options(licence='MIT')).facts['licence'] == 'MIT'


def test_a_file_to_resume_from_gives_its_average(tmp_path):
    """A native file of a training has the weights twice; the average counts."""
    torch.manual_seed(1)
    network = build('b0', 3, depth=False)
    state = network.state_dict()
    tensors = {f'model.{name}': value for name, value in state.items()}
    tensors |= {f'ema.{name}': value + 1 for name, value in state.items()}
    path = tmp_path / 'resume.safetensors'
    checkpoint.write(path, tensors, {'network': vars(network.config), 'label_set': 'carla_0914'})

    model = read(path)

    name = 'segmentation_head.classifier.bias'
    assert model.format == 'native'
    assert torch.equal(model.tensors[name], state[name] + 1)
    assert any('resume' in note for note in model.notes)


@pytest.mark.parametrize(
    ('facts', 'sentence'),
    [
        ({}, 'lacks the description of its network'),
        ({'network': {'size': 'b0', 'num_classes': 3, 'wings': 2}}, 'does not know: .*wings'),
        ({'network': {'size': 'b9', 'num_classes': 3}}, "size must be one of .* not 'b9'"),
    ],
)
def test_a_native_file_that_describes_nothing_is_refused(tmp_path, facts, sentence):
    """Facts are checked before they are used."""
    path = tmp_path / 'some.safetensors'
    checkpoint.write(path, {'a': torch.zeros(1)}, facts)

    with pytest.raises(CheckpointError, match=sentence):
        read(path)
