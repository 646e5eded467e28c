# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From format to format and back: equal bit for bit, equal in what it computes, or refused."""

from dataclasses import replace
import json

import published_checkpoints as published
import pytest
from safetensors.torch import load_file
from segformer_ros.checkpoints import convert as convert_module
from segformer_ros.checkpoints import read, transformers_graph
from segformer_ros.checkpoints.convert import convert, Request
from segformer_ros.checkpoints.formats import FORMATS
from segformer_ros.checkpoints.formats.base import Options
from segformer_ros.network import checkpoint, MultitaskSegformer, NetworkConfig
from segformer_ros.network.checkpoint import CheckpointError
import torch

NARROW, WIDE = (16, 32, 40, 64), (64, 32, 40, 128)
DEPTHS = (1, 1, 2, 1)
IMAGENET = {'mean': [0.485, 0.456, 0.406], 'std': [0.229, 0.224, 0.225]}
PLAIN = {'mean': [0.0] * 3, 'std': [1.0] * 3}
FOLDERS = ('hf-segformer', 'hf-glpn', 'shift')
# The files that hand-made tables give.
FILES = {
    'nvlabs': published.nvlabs(NARROW, DEPTHS, 5, 24),
    'nvlabs-encoder': published.nvlabs_encoder(NARROW, DEPTHS)
    | published.layer_shapes('head', 7, 64),
    'mmseg': published.mmseg(NARROW, DEPTHS, 5),
    'mmseg-encoder': published.mmseg_encoder(NARROW, DEPTHS),
    'segformer3d': published.segformer3d(NARROW, (1, 2, 1, 1), 5),
    'glpdepth': published.glpdepth(WIDE, (1, 1, 1, 1)),
}
WRAPPED = ('nvlabs', 'mmseg')


def test_a_scale_of_depth_has_no_place_in_other_formats(tmp_path):
    """Refused by name; labels alone can go, and our own format keeps it."""
    path = tmp_path / 'network.safetensors'
    network = MultitaskSegformer(NetworkConfig('b0', 3, depth_scale=True))
    checkpoint.write(path, network.state_dict(), {'network': vars(network.config)})
    with pytest.raises(CheckpointError, match='no place for the scale of depth'):
        convert(asked(path, 'shift', tmp_path / 'out'))
    kept = convert(asked(path, 'native', tmp_path / 'own.safetensors'))
    assert read(kept.out).config.depth_scale
    part = read(
        convert(asked(path, 'native', tmp_path / 'l.safetensors', part='segmentation')).out
    )
    assert not part.config.depth_scale


def asked(source, target, out, **options):
    """Ask for a conversion that is compared on a small image."""
    return Request(source, target, out, **{'size': (32, 64), **options})


def said(layout):
    """Describe what the file does not."""
    return Options(max_depth_m=80.0 if layout == 'glpdepth' else None)


@pytest.fixture(params=FILES)
def file(request, tmp_path):
    """Return the name of a format and a file of it."""
    return request.param, made(request.param, tmp_path / f'{request.param}.pth')


def made(layout, path):
    """Write a random file of a format."""
    state = published.random_state(FILES[layout])
    torch.save({'meta': {}, 'state_dict': state} if layout in WRAPPED else state, path)
    return path


def state_of(path):
    """Read the weights of a result by their names in it."""
    if path.is_dir():
        return load_file(path / 'model.safetensors')
    if path.suffix == '.safetensors':
        return checkpoint.read(path)[0]
    content = torch.load(path, weights_only=True)
    return content.get('state_dict', content)


def assert_equal(first, second):
    """Hold two state dicts against each other, bit for bit."""
    assert set(first) == set(second)
    for name, value in first.items():
        assert torch.equal(value, second[name]), name


def native(tmp_path, config, facts=None):
    """Write a network of ours with random weights."""
    torch.manual_seed(2)
    network = MultitaskSegformer(config)
    for name, value in network.state_dict().items():
        if value.ndim == 1 and name.endswith(('weight', 'running_var')):
            value.uniform_(0.5, 1.5)
        elif name.endswith(('bias', 'running_mean')):
            value.uniform_(-0.3, 0.3)
    path = tmp_path / 'native.safetensors'
    checkpoint.write(path, network.state_dict(), {'network': vars(config), **(facts or IMAGENET)})
    return path


def test_every_file_comes_back_from_ours_as_it_was(file, tmp_path):
    """A to native to A gives the same names and the same bits."""
    layout, path = file
    ours = convert(asked(path, 'native', tmp_path / 'ours.safetensors', options=said(layout)))

    back = convert(asked(ours.out, layout, tmp_path / 'back.pth', accept_input=True))

    before, after = state_of(path), state_of(back.out)
    unused = {name for name in before if layout == 'nvlabs' and 'conv_seg' in name}
    assert len(unused) == (2 if layout == 'nvlabs' else 0)
    assert_equal({n: v for n, v in before.items() if n not in unused}, after)
    assert all(item.passed for item in [*ours.differences, *back.differences])


NETWORKS = {
    'hf-segformer': (NetworkConfig('b0', 5, depth=False), IMAGENET),
    'hf-glpn': (NetworkConfig('b0', 0, segmentation=False, max_depth_m=80.0), PLAIN),
    'shift': (NetworkConfig('b0', 5, depth_activation='bounded_log'), IMAGENET),
}


@pytest.mark.parametrize('layout', NETWORKS)
def test_every_folder_is_run_by_transformers(layout, tmp_path):
    """Native to Hugging Face and back gives the same bits, facts and outputs."""
    pytest.importorskip('transformers', reason='the independent graph')
    config, facts = NETWORKS[layout]
    facts = {**facts, 'focal_length_px': 48.0, 'licence': 'MIT'}
    path = native(tmp_path, config, facts)

    there = convert(asked(path, layout, tmp_path / 'folder'))
    back = convert(asked(there.out, 'native', tmp_path / 'back.safetensors'))

    assert there.differences[0].sides[1].startswith('transformers')
    assert back.differences[0].sides[0].startswith('transformers')
    assert {item.output for item in there.differences} == set(
        ['logits'] * config.segmentation + ['depth'] * config.depth
    )
    assert all(item.passed for item in [*there.differences, *back.differences])
    assert_equal(state_of(path), state_of(back.out))
    found = checkpoint.read(back.out)[1]
    assert NetworkConfig(**found['network']) == config
    assert {name: found[name] for name in facts} == facts


def test_without_transformers_both_sides_are_ours(tmp_path, monkeypatch):
    """The comparison is weaker then, and its names say who computed."""
    monkeypatch.setattr(transformers_graph, 'find_spec', lambda name: None)
    path = native(tmp_path, NETWORKS['shift'][0])

    report = convert(asked(path, 'shift', tmp_path / 'folder'))

    sides = {item.sides for item in report.differences}
    assert sides == {('segformer_ros', 'segformer_ros as published')}
    assert all(item.passed for item in report.differences)


@pytest.mark.parametrize(
    ('start', 'between', 'part'),
    [
        ('nvlabs', 'hf-segformer', None),
        ('nvlabs-encoder', 'hf-segformer', None),
        ('nvlabs-encoder', 'mmseg-encoder', 'encoder'),
        ('mmseg-encoder', 'hf-segformer', None),
        ('glpdepth', 'hf-glpn', None),
    ],
)
def test_programs_exchange_weights_bit_for_bit(start, between, part, tmp_path):
    """A to B and back; only the eps of the LayerNorms differs, and that has to be accepted."""
    path = made(start, tmp_path / 'start.pth')
    out = tmp_path / 'between'
    request = asked(path, between, out, options=said(start), part=part, accept_eps=True)

    there = convert(request)
    back = convert(asked(out, start, tmp_path / 'back.pth', accept_eps=True))

    before, after = state_of(path), state_of(back.out)
    kept = {n: v for n, v in before.items() if n in after}
    assert_equal(kept, after)
    lost = {n for n in before if n not in after}
    assert all('conv_seg' in n or (part and n.startswith('head.')) for n in lost)
    exact = [item for item in there.differences if 'eps of' in item.sides[0]]
    assert exact
    assert all(item.allowed <= 1e-5 and item.passed for item in exact)


def test_another_eps_is_refused_until_it_is_accepted(tmp_path):
    """The report then shows what it does, against the tolerance for it."""
    path = made('nvlabs', tmp_path / 'start.pth')
    request = asked(path, 'hf-segformer', tmp_path / 'out')

    with pytest.raises(CheckpointError, match=r'eps 1e-05 .* this network 1e-06 .*accept-eps'):
        convert(request)
    report = convert(replace(request, accept_eps=True))

    effect = [item for item in report.differences if 'eps of' not in item.sides[0]]
    assert {item.allowed for item in effect} == {1e-3}
    assert all(1e-12 < item.relative < 1e-3 for item in effect if item.arithmetic == 'float64')


GLPN = NetworkConfig('b0', 5)
METRIC = NetworkConfig('b0', 0, segmentation=False)
MMSEG = NetworkConfig('b0', 5, depth=False, segmentation_head='mmseg')
REFUSED = [
    (GLPN, 'nvlabs', 'it has no depth head'),
    (GLPN, 'mmseg', 'it has no depth head'),
    (GLPN, 'hf-segformer', 'it has no depth head; --only encoder or segmentation conv'),
    (GLPN, 'hf-glpn', 'it is a network with a depth head alone'),
    (GLPN, 'shift', "its depth is 'bounded_log', .* not 'metric'"),
    (GLPN, 'segformer3d', 'both of its heads are MLP heads'),
    (GLPN, 'nvlabs-encoder', 'it is an encoder alone'),
    (GLPN, 'mmseg-encoder', 'it is an encoder alone'),
    (MMSEG, 'hf-segformer', 'projects the stages with linear layers, .* batch norm and ReLU'),
    (MMSEG, 'nvlabs', 'projects the stages with linear layers, .* batch norm and ReLU'),
    (replace(MMSEG, segmentation_head='nvlabs'), 'mmseg', 'batch norm and ReLU behind each'),
    (replace(MMSEG, auxiliary_head=True), 'hf-segformer', 'it has no auxiliary head'),
    (METRIC, 'hf-segformer', 'it has no depth head'),
    (METRIC, 'mmseg', 'it is a network with a segmentation head'),
    (METRIC, 'glpdepth', 'must have the 64 channels of the decoder: B0 has 32 there'),
    (replace(METRIC, size='b3'), 'glpdepth', 'must have the 64 channels'),
    (replace(METRIC, depth_stride=4), 'hf-glpn', 'one value per pixel, this one a value per 4x4'),
    (replace(METRIC, depth_activation='log'), 'hf-glpn', "'metric', .*sigmoid, not 'log'"),
    (replace(METRIC, max_depth_m=7.5), 'hf-glpn', 'max_depth is a whole number, not 7.5'),
    (
        NetworkConfig('b0', 5, depth_head='mlp', depth_activation='linear', decoder_dim=256),
        'segformer3d',
        'builds B3 with 256 channels in the heads and nothing else, not B0 with 256',
    ),
]


@pytest.mark.parametrize(('config', 'target', 'reason'), REFUSED)
def test_what_the_target_cannot_hold_is_refused(config, target, reason, tmp_path):
    """The reason is in the sentence, and nothing is written."""
    path = native(tmp_path, config, PLAIN)

    with pytest.raises(CheckpointError, match=rf'cannot become {target}: .*{reason}'):
        convert(asked(path, target, tmp_path / 'out', accept_eps=True))

    assert [item.name for item in tmp_path.iterdir()] == ['native.safetensors']


def test_another_normalisation_is_refused_until_it_is_accepted(tmp_path):
    """GLPN feeds 0 to 1; a network that takes ImageNet's normalisation would see other images."""
    path = native(tmp_path, METRIC, IMAGENET)
    request = asked(path, 'hf-glpn', tmp_path / 'out')

    with pytest.raises(CheckpointError, match=r'feed images of 0 to 1, .*accept-input'):
        convert(request)

    report = convert(replace(request, accept_input=True))
    assert any('mean [0.485, 0.456, 0.406]' in note for note in report.notes)


def test_a_part_can_be_converted_alone(tmp_path):
    """What one format cannot hold together goes in two steps, both named."""
    path = native(tmp_path, GLPN, PLAIN)

    labels = convert(asked(path, 'hf-segformer', tmp_path / 'labels', part='segmentation'))
    depth = convert(asked(path, 'hf-glpn', tmp_path / 'depth', part='depth'))

    assert {item.output for item in labels.differences} == {'logits'}
    assert {item.output for item in depth.differences} == {'depth'}
    merged = {**state_of(labels.out), **state_of(depth.out)}
    assert any(name.startswith('decode_head.') for name in merged)
    assert any(name.startswith('decoder.stages.') for name in merged)


def test_a_part_that_is_not_there_is_refused(tmp_path):
    """The message says what the network is."""
    path = native(tmp_path, MMSEG)

    with pytest.raises(CheckpointError, match='B0 with mmseg head of 5 classes: it has no depth'):
        convert(asked(path, 'native', tmp_path / 'out.safetensors', part='depth'))


def test_a_wrong_result_is_found_and_removed(tmp_path, monkeypatch):
    """The written file is read back and run: a weight that changed on the way is noticed."""
    layout = FORMATS['nvlabs']

    def corrupting(model, options):
        packed = layout.pack(model, options)
        tensors = {name: value.clone() for name, value in packed.tensors.items()}
        tensors['backbone.block1.0.attn.q.bias'] += 0.01
        return replace(packed, tensors=tensors)

    path = made('nvlabs', tmp_path / 'start.pth')
    monkeypatch.setitem(FORMATS, 'nvlabs', replace(layout, pack=corrupting))

    with pytest.raises(convert_module.ParityError, match=r'logits .* differ by .*nothing was wr'):
        convert(asked(path, 'nvlabs', tmp_path / 'out.pth'))

    assert [item.name for item in tmp_path.iterdir()] == ['start.pth']


def test_weights_that_are_not_numbers_are_found(tmp_path):
    """They are refused before anything is computed."""
    path = tmp_path / 'start.pth'
    state = published.random_state(FILES['nvlabs'])
    state['decode_head.linear_pred.bias'][0] = float('nan')
    torch.save(state, path)

    with pytest.raises(CheckpointError, match=r'found infinity or NaN in decode_head'):
        convert(asked(path, 'native', tmp_path / 'out.safetensors'))


def test_a_smaller_tolerance_can_be_asked_for(tmp_path):
    """Other graphs differ by rounding, which 1e-12 does not allow."""
    pytest.importorskip('transformers', reason='the independent graph')
    path = native(tmp_path, replace(MMSEG, segmentation_head='nvlabs'))
    request = asked(path, 'hf-segformer', tmp_path / 'out', tolerance=(1e-12, 1e-12))

    with pytest.raises(convert_module.ParityError, match='allowed is 1e-12'):
        convert(request)


@pytest.mark.parametrize(
    ('target', 'name', 'sentence'),
    [
        ('native', 'start.pth', 'exists: remove it or choose another name'),
        ('native', 'out.pth', 'expected a name that ends in .safetensors, got out.pth'),
        ('nvlabs', 'out.safetensors', r'a file of torch \(.pth\), got the name out.safetensors'),
        ('tensorflow', 'out.pb', "format must be one of native, .* not 'tensorflow'"),
    ],
)
def test_wrong_names_are_refused(tmp_path, target, name, sentence):
    """Nothing is replaced, and a suffix means what it says."""
    path = made('nvlabs', tmp_path / 'start.pth')

    with pytest.raises(CheckpointError, match=sentence):
        convert(asked(path, target, tmp_path / name))


def test_the_size_of_the_comparison_suits_the_encoder(tmp_path):
    """GLPN's own graph fails at other sizes."""
    with pytest.raises(CheckpointError, match='must be multiples of 32, not 60x64'):
        convert(asked(tmp_path / 'none', 'native', tmp_path / 'out', size=(60, 64)))


def test_the_prefix_of_an_encoder_alone_is_a_choice(tmp_path):
    """MMSegmentation's configurations want it without, some programs with backbone."""
    path = made('mmseg-encoder', tmp_path / 'start.pth')
    options = Options(backbone_prefix=True)

    report = convert(asked(path, 'mmseg-encoder', tmp_path / 'out.pth', options=options))

    before, after = state_of(path), state_of(report.out)
    assert_equal({f'backbone.{name}': value for name, value in before.items()}, after)
    assert read(report.out).format == 'mmseg-encoder'


@pytest.mark.parametrize(
    ('options', 'sentence'),
    [
        ({'max_depth_m': 10.0}, 'nvlabs checkpoint, .* --max-depth is for glpdepth'),
        ({'backbone_prefix': True}, 'is for an encoder alone, not for native'),
    ],
)
def test_an_option_that_means_nothing_here_is_refused(tmp_path, options, sentence):
    """Nobody shall believe that it had an effect."""
    path = made('nvlabs', tmp_path / 'start.pth')
    out = tmp_path / 'out.safetensors'

    with pytest.raises(CheckpointError, match=sentence):
        convert(asked(path, 'native', out, options=Options(**options)))


def test_shift_keeps_its_table_of_classes(tmp_path):
    """Reduced labels move the table by one, there and back."""
    ids = [*range(1, 23), 0]
    facts = {**IMAGENET, 'label_set': 'shift_23', 'classes': ids, 'do_reduce_labels': True}
    config = NetworkConfig('b0', 23, depth_activation='bounded_log')
    path = native(tmp_path, config, facts)

    report = convert(asked(path, 'shift', tmp_path / 'out'))

    said = json.loads((report.out / 'config.json').read_text(encoding='utf-8'))
    assert said['id2label']['0'] == 'unlabeled'
    assert said['id2label']['7'] == 'road'
    assert said['depth_config']['max_depth'] == 10
    assert read(report.out).facts['classes'] == ids
