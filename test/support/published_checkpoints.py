# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Checkpoints as other programs write them, and what these programs compute from them.

Names and shapes are written down by hand, and the graphs are plain functions of the weights under
these names: nothing here uses the package, so that both can be compared.
"""

import math

import torch
from torch.nn import functional

HEADS = (1, 2, 5, 8)
REDUCTIONS = (8, 4, 2, 1)


def random_state(shapes, seed=0):
    """Draw every weight, statistics near those of a trained network."""
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for name, shape in shapes.items():
        if name.endswith('num_batches_tracked'):
            state[name] = torch.tensor(7)
        elif name.endswith('running_var') or (len(shape) == 1 and name.endswith('weight')):
            state[name] = torch.rand(shape, generator=generator) + 0.5
        else:
            fan_in = math.prod(shape[1:]) if len(shape) > 1 else 10.0
            state[name] = torch.randn(shape, generator=generator) / math.sqrt(fan_in)
    return state


def layer_shapes(name, *shape, bias=True):
    """Return weight and bias."""
    shapes = {f'{name}.weight': shape}
    return {**shapes, f'{name}.bias': shape[:1]} if bias else shapes


def norm_shapes(name, dim):
    """Return weight and bias of a norm."""
    return {f'{name}.weight': (dim,), f'{name}.bias': (dim,)}


def batch_norm_shapes(name, dim):
    """Return weights and statistics of a batch norm."""
    statistics = {f'{name}.running_mean': (dim,), f'{name}.running_var': (dim,)}
    return {**norm_shapes(name, dim), **statistics, f'{name}.num_batches_tracked': ()}


def nvlabs_encoder(dims, depths, prefix=''):
    """Return the names of mit_b*.pth of NVlabs, without its head."""
    shapes, channels = {}, 3
    for number, (dim, depth) in enumerate(zip(dims, depths, strict=True), 1):
        side, reduction = (7 if number == 1 else 3), REDUCTIONS[number - 1]
        embed = f'{prefix}patch_embed{number}'
        shapes |= layer_shapes(f'{embed}.proj', dim, channels, side, side)
        shapes |= norm_shapes(f'{embed}.norm', dim)
        for index in range(depth):
            block = f'{prefix}block{number}.{index}'
            shapes |= norm_shapes(f'{block}.norm1', dim) | norm_shapes(f'{block}.norm2', dim)
            shapes |= layer_shapes(f'{block}.attn.q', dim, dim)
            shapes |= layer_shapes(f'{block}.attn.kv', 2 * dim, dim)
            shapes |= layer_shapes(f'{block}.attn.proj', dim, dim)
            if reduction > 1:
                shapes |= layer_shapes(f'{block}.attn.sr', dim, dim, reduction, reduction)
                shapes |= norm_shapes(f'{block}.attn.norm', dim)
            shapes |= layer_shapes(f'{block}.mlp.fc1', 4 * dim, dim)
            shapes |= layer_shapes(f'{block}.mlp.dwconv.dwconv', 4 * dim, 1, 3, 3)
            shapes |= layer_shapes(f'{block}.mlp.fc2', dim, 4 * dim)
        shapes |= norm_shapes(f'{prefix}norm{number}', dim)
        channels = dim
    return shapes


def nvlabs(dims, depths, classes, channels):
    """Return the names of a full checkpoint of NVlabs."""
    shapes = nvlabs_encoder(dims, depths, 'backbone.')
    for number, dim in enumerate(dims, 1):
        shapes |= layer_shapes(f'decode_head.linear_c{number}.proj', channels, dim)
    fuse = 'decode_head.linear_fuse'
    shapes |= layer_shapes(f'{fuse}.conv', channels, 4 * channels, 1, 1, bias=False)
    shapes |= batch_norm_shapes(f'{fuse}.bn', channels)
    shapes |= layer_shapes('decode_head.linear_pred', classes, channels, 1, 1)
    return shapes | layer_shapes('decode_head.conv_seg', classes, 128, 1, 1)


def mmseg_encoder(dims, depths, prefix=''):
    """Return the names of an encoder of MMSegmentation."""
    shapes, channels = {}, 3
    for stage, (dim, depth) in enumerate(zip(dims, depths, strict=True)):
        side, reduction = (3 if stage else 7), REDUCTIONS[stage]
        layers = f'{prefix}layers.{stage}'
        shapes |= layer_shapes(f'{layers}.0.projection', dim, channels, side, side)
        shapes |= norm_shapes(f'{layers}.0.norm', dim)
        for index in range(depth):
            block = f'{layers}.1.{index}'
            shapes |= norm_shapes(f'{block}.norm1', dim) | norm_shapes(f'{block}.norm2', dim)
            shapes[f'{block}.attn.attn.in_proj_weight'] = (3 * dim, dim)
            shapes[f'{block}.attn.attn.in_proj_bias'] = (3 * dim,)
            shapes |= layer_shapes(f'{block}.attn.attn.out_proj', dim, dim)
            if reduction > 1:
                shapes |= layer_shapes(f'{block}.attn.sr', dim, dim, reduction, reduction)
                shapes |= norm_shapes(f'{block}.attn.norm', dim)
            shapes |= layer_shapes(f'{block}.ffn.layers.0', 4 * dim, dim, 1, 1)
            shapes |= layer_shapes(f'{block}.ffn.layers.1', 4 * dim, 1, 3, 3)
            shapes |= layer_shapes(f'{block}.ffn.layers.4', dim, 4 * dim, 1, 1)
        shapes |= norm_shapes(f'{layers}.2', dim)
        channels = dim
    return shapes


def mmseg(dims, depths, classes, channels=256):
    """Return the names of a full checkpoint of MMSegmentation with an auxiliary head."""
    shapes = mmseg_encoder(dims, depths, 'backbone.')
    for stage, dim in enumerate(dims):
        name = f'decode_head.convs.{stage}'
        shapes |= layer_shapes(f'{name}.conv', channels, dim, 1, 1, bias=False)
        shapes |= batch_norm_shapes(f'{name}.bn', channels)
    fusion = 'decode_head.fusion_conv'
    shapes |= layer_shapes(f'{fusion}.conv', channels, 4 * channels, 1, 1, bias=False)
    shapes |= batch_norm_shapes(f'{fusion}.bn', channels)
    shapes |= layer_shapes('decode_head.conv_seg', classes, channels, 1, 1)
    auxiliary = 'auxiliary_head.convs.0'
    shapes |= layer_shapes(f'{auxiliary}.conv', 256, dims[2], 3, 3, bias=False)
    shapes |= batch_norm_shapes(f'{auxiliary}.bn', 256)
    return shapes | layer_shapes('auxiliary_head.conv_seg', classes, 256, 1, 1)


def segformer3d(dims, depths, classes, channels=256):
    """Return the names of Segformer3D: those of NVlabs in another arrangement, and two heads."""
    shapes = {}
    for name, shape in nvlabs_encoder(dims, depths).items():
        shapes[_in_segformer3d(name)] = shape
    for head, outputs in (('decoder_head', classes), ('depth_head', 1)):
        for index, dim in enumerate(reversed(dims)):
            shapes |= layer_shapes(f'{head}.layers.{index}', channels, dim, 1, 1)
        fuse = f'{head}.linear_fuse'
        shapes |= layer_shapes(fuse, channels, 4 * channels, 1, 1, bias=False)
        shapes |= batch_norm_shapes(f'{head}.bn', channels)
        shapes |= layer_shapes(f'{head}.linear_pred', outputs, channels, 1, 1)
    return shapes


def _in_segformer3d(name):
    first, rest = name.split('.', 1)
    kind, stage = first[:-1], int(first[-1]) - 1
    rest = rest.replace('mlp.dwconv.dwconv', 'ffn.conv').replace('mlp.', 'ffn.')
    inner = {'patch_embed': 'patch_embed.', 'block': 'blocks.', 'norm': 'norm.'}[kind]
    return f'backbone.stages.{stage}.{inner}{rest}'


def glpdepth(dims, depths, dim=64):
    """Return the names of GLPDepth as DataParallel writes them."""
    shapes = nvlabs_encoder(dims, depths, 'encoder.')
    names = ('bot_conv', 'skip_conv1', 'skip_conv2')
    for name, channels in zip(names, reversed(dims[1:]), strict=True):
        shapes |= layer_shapes(f'decoder.{name}', dim, channels, 1, 1)
    for number in (1, 2, 3):
        fusion = f'decoder.fusion{number}'
        shapes |= layer_shapes(f'{fusion}.conv1.0', dim, 2 * dim, 3, 3)
        shapes |= batch_norm_shapes(f'{fusion}.conv1.1', dim)
        shapes |= layer_shapes(f'{fusion}.conv2.0', dim // 2, dim, 3, 3)
        shapes |= batch_norm_shapes(f'{fusion}.conv2.1', dim // 2)
        shapes |= layer_shapes(f'{fusion}.conv3', 2, dim // 2, 3, 3)
    shapes |= layer_shapes('last_layer_depth.0', dim, dim, 3, 3)
    shapes |= layer_shapes('last_layer_depth.2', 1, dim, 3, 3)
    return {f'module.{name}': shape for name, shape in shapes.items()}


class Weights:
    """Layers by name, in float64."""

    def __init__(self, state):
        """:param state: Names and tensors as a file has them."""
        self.state = {n: v.double() for n, v in state.items()}

    def has(self, name):
        """Return whether a layer is there."""
        return f'{name}.weight' in self.state

    def count(self, prefix):
        """Count the numbered children of a name."""
        cut = len(prefix)
        return len({n[cut:].split('.')[0] for n in self.state if n.startswith(prefix)})

    def linear(self, name, x):
        """Multiply the last dimension."""
        weight = self.state[f'{name}.weight']
        return functional.linear(x, weight, self.state.get(f'{name}.bias'))

    def conv(self, name, x, **options):
        """Convolve (N, C, H, W)."""
        weight = self.state[f'{name}.weight']
        return functional.conv2d(x, weight, self.state.get(f'{name}.bias'), **options)

    def norm(self, name, x, eps):
        """Normalise the last dimension."""
        weight, bias = self.state[f'{name}.weight'], self.state[f'{name}.bias']
        return functional.layer_norm(x, x.shape[-1:], weight, bias, eps)

    def batch_norm(self, name, x):
        """Normalise channels with the stored statistics."""
        parts = ('running_mean', 'running_var', 'weight', 'bias')
        return functional.batch_norm(x, *(self.state[f'{name}.{part}'] for part in parts))


def tokens(x):
    """Turn (N, C, H, W) into (N, H * W, C)."""
    return x.flatten(2).transpose(1, 2)


def as_map(x, like):
    """Turn (N, H * W, C) into (N, C, H, W) of the height and width of another map."""
    return x.transpose(1, 2).unflatten(2, like.shape[-2:])


def up(x, like=None):
    """Upsample to the size of another map, or to twice the size."""
    size = like.shape[-2:] if like is not None else [2 * side for side in x.shape[-2:]]
    return functional.interpolate(x, size=size, mode='bilinear', align_corners=False)


def attend(query, key, value, heads):
    """Attend head by head, (N, tokens, C) each."""
    found = []
    width = query.shape[-1] // heads
    for part in range(heads):
        cut = slice(part * width, (part + 1) * width)
        scores = query[..., cut] @ key[..., cut].transpose(1, 2) / math.sqrt(width)
        found.append(scores.softmax(-1) @ value[..., cut])
    return torch.cat(found, dim=-1)


def run_nvlabs_encoder(w, image, prefix='', inner=1e-5, outer=1e-6):
    """Compute the four stages as NVlabs does."""
    x, stages = image, []
    for number in range(1, 5):
        embed = f'{prefix}patch_embed{number}'
        stride = 4 if number == 1 else 2
        grid = w.conv(f'{embed}.proj', x, stride=stride, padding=3 if number == 1 else 1)
        x = w.norm(f'{embed}.norm', tokens(grid), inner)
        for index in range(w.count(f'{prefix}block{number}.')):
            block = f'{prefix}block{number}.{index}'
            y = w.norm(f'{block}.norm1', x, outer)
            query, source = w.linear(f'{block}.attn.q', y), y
            if w.has(f'{block}.attn.sr'):
                reduction = REDUCTIONS[number - 1]
                reduced = w.conv(f'{block}.attn.sr', as_map(y, grid), stride=reduction)
                source = w.norm(f'{block}.attn.norm', tokens(reduced), inner)
            key, value = w.linear(f'{block}.attn.kv', source).chunk(2, dim=-1)
            y = attend(query, key, value, HEADS[number - 1])
            x = x + w.linear(f'{block}.attn.proj', y)
            y = w.linear(f'{block}.mlp.fc1', w.norm(f'{block}.norm2', x, outer))
            y = as_map(y, grid)
            y = w.conv(f'{block}.mlp.dwconv.dwconv', y, padding=1, groups=y.shape[1])
            x = x + w.linear(f'{block}.mlp.fc2', functional.gelu(tokens(y)))
        x = as_map(w.norm(f'{prefix}norm{number}', x, outer), grid)
        stages.append(x)
    return stages


def run_mmseg_encoder(w, image, prefix='', eps=1e-6):
    """Compute the four stages as MMSegmentation does, with torch's own attention."""
    x, stages = image, []
    for stage in range(4):
        layers = f'{prefix}layers.{stage}'
        stride, padding = (2, 1) if stage else (4, 3)
        grid = w.conv(f'{layers}.0.projection', x, stride=stride, padding=padding)
        x = w.norm(f'{layers}.0.norm', tokens(grid), eps)
        for index in range(w.count(f'{layers}.1.')):
            block = f'{layers}.1.{index}'
            y = source = w.norm(f'{block}.norm1', x, eps)
            if w.has(f'{block}.attn.sr'):
                reduced = w.conv(f'{block}.attn.sr', as_map(y, grid), stride=REDUCTIONS[stage])
                source = w.norm(f'{block}.attn.norm', tokens(reduced), eps)
            attention = torch.nn.MultiheadAttention(
                x.shape[-1], HEADS[stage], batch_first=True, dtype=torch.float64
            )
            own = f'{block}.attn.attn.'
            attention.load_state_dict(
                {n[len(own) :]: v for n, v in w.state.items() if n.startswith(own)}
            )
            x = x + attention(y, source, source, need_weights=False)[0]
            y = as_map(w.norm(f'{block}.norm2', x, eps), grid)
            y = w.conv(f'{block}.ffn.layers.0', y)
            y = w.conv(f'{block}.ffn.layers.1', y, padding=1, groups=y.shape[1])
            y = w.conv(f'{block}.ffn.layers.4', functional.gelu(y))
            x = x + tokens(y)
        x = as_map(w.norm(f'{layers}.2', x, eps), grid)
        stages.append(x)
    return stages


@torch.no_grad()
def run_nvlabs(state, image):
    """Compute the logits of a full checkpoint of NVlabs."""
    w = Weights(state)
    stages = run_nvlabs_encoder(w, image, 'backbone.')
    maps = [
        up(as_map(w.linear(f'decode_head.linear_c{number}.proj', tokens(x)), x), stages[0])
        for number, x in enumerate(stages, 1)
    ]
    fused = w.conv('decode_head.linear_fuse.conv', torch.cat(maps[::-1], dim=1))
    fused = w.batch_norm('decode_head.linear_fuse.bn', fused).relu()
    return {'logits': w.conv('decode_head.linear_pred', fused)}


@torch.no_grad()
def run_mmseg(state, image):
    """Compute the logits of a full checkpoint of MMSegmentation and of its auxiliary head."""
    w = Weights(state)
    stages = run_mmseg_encoder(w, image, 'backbone.')
    maps = []
    for stage, x in enumerate(stages):
        name = f'decode_head.convs.{stage}'
        maps.append(up(w.batch_norm(f'{name}.bn', w.conv(f'{name}.conv', x)).relu(), stages[0]))
    fused = w.conv('decode_head.fusion_conv.conv', torch.cat(maps, dim=1))
    fused = w.batch_norm('decode_head.fusion_conv.bn', fused).relu()
    name = 'auxiliary_head.convs.0'
    beside = w.batch_norm(f'{name}.bn', w.conv(f'{name}.conv', stages[2], padding=1)).relu()
    return {
        'logits': w.conv('decode_head.conv_seg', fused),
        'auxiliary': w.conv('auxiliary_head.conv_seg', beside),
    }


@torch.no_grad()
def run_segformer3d(state, image):
    """Compute both outputs of Segformer3D before their last upsampling."""
    w = Weights(state)
    shapes = {}
    for name in state:
        if name.startswith('backbone.'):
            shapes[name] = _in_nvlabs(name)
    encoder = Weights({new: state[old] for old, new in shapes.items()})
    stages = run_nvlabs_encoder(encoder, image)
    outputs = []
    for head in ('decoder_head', 'depth_head'):
        maps = [
            up(w.conv(f'{head}.layers.{index}', x), stages[0])
            for index, x in enumerate(reversed(stages))
        ]
        fused = w.batch_norm(f'{head}.bn', w.conv(f'{head}.linear_fuse', torch.cat(maps, dim=1)))
        outputs.append(w.conv(f'{head}.linear_pred', fused.relu()))
    return dict(zip(('logits', 'depth'), outputs, strict=True))


def _in_nvlabs(name):
    _, _, stage, kind, rest = name.split('.', 4)
    rest = rest.replace('ffn.conv', 'mlp.dwconv.dwconv').replace('ffn.', 'mlp.')
    return f'{kind.rstrip("s")}{int(stage) + 1}.{rest}'


@torch.no_grad()
def run_glpdepth(state, image, max_depth):
    """Compute the depth of GLPDepth in metres."""
    w = Weights({name.removeprefix('module.'): value for name, value in state.items()})
    stages = run_nvlabs_encoder(w, image, 'encoder.')
    x = up(w.conv('decoder.bot_conv', stages[3]))
    x = up(_fuse(w, 'decoder.fusion1', w.conv('decoder.skip_conv1', stages[2]), x))
    x = up(_fuse(w, 'decoder.fusion2', w.conv('decoder.skip_conv2', stages[1]), x))
    x = up(up(_fuse(w, 'decoder.fusion3', stages[0], x)))
    x = w.conv('last_layer_depth.0', x, padding=1).relu()
    return {'depth': w.conv('last_layer_depth.2', x, padding=1).sigmoid() * max_depth}


def _fuse(w, name, local, wide):
    x = torch.cat((local, wide), dim=1)
    for number in (1, 2):
        layer = f'{name}.conv{number}'
        x = w.batch_norm(f'{layer}.1', w.conv(f'{layer}.0', x, padding=1)).relu()
    weights = w.conv(f'{name}.conv3', x, padding=1).sigmoid()
    return local * weights[:, :1] + wide * weights[:, 1:]
