# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A tiny sample of every dataset, where recipes look for it, and recipes cut to its size."""

from dataclasses import replace

import numpy as np
from trees import (
    save,
    scene,
    write_ade20k,
    write_cityscapes,
    write_folder,
    write_kitti_depth,
    write_kitti_semantic,
    write_nyu,
)

SIDE = 64
LISTS = {'eigen_train': 'eigen_train_files_with_gt', 'eigen_val': 'eigen_test_files_with_gt'}


def write_shift(root, *, frames=2):
    """Write the front view of two splits of SHIFT, in single files."""
    for split in ('train', 'val'):
        folder = root / 'discrete/images' / split / 'front'
        for number in range(frames):
            image, labels, depth = scene(number, (1, 7, 9, 10, 13, 0))
            codes = np.round(depth / 1000.0 * (1 << 24)).astype(np.uint32)
            depth_rgb = np.stack([codes & 255, codes >> 8 & 255, codes >> 16], axis=-1)
            pictures = {
                'img': image,
                'semseg': np.stack([labels, labels[::-1], labels[:, ::-1]], axis=-1),
                'depth': depth_rgb.astype(np.uint8),
            }
            for group, picture in pictures.items():
                suffix = 'jpg' if group == 'img' else 'png'
                name = f'{group}/0003-17fb/{number:08d}_{group}_front.{suffix}'
                save(folder / name, picture)


def write_roads(datasets):
    """Write labelled roads with their confidence, and a drive without labels."""
    for split in ('train', 'val'):
        for number in range(2):
            image, labels, _ = scene(number, (1, 9, 14, 255))
            name = f'{split}/{number:03d}.png'
            save(datasets / 'roads/images' / name, image)
            save(datasets / 'roads/labels' / name, labels)
            save(datasets / 'roads/confidence' / name, np.full(labels.shape, 200, np.uint8))
            save(datasets / 'drives/images' / f'{split}_{number}.png', image)
    (datasets / 'roads/classes.yaml').write_text('label_set: carla_0914\n')
    (datasets / 'drives/classes.yaml').write_text('{}\n')


def write_trees(root):
    """Write the datasets of all recipes but the built-in world, where a run in root finds them."""
    datasets = root / 'datasets'
    write_shift(datasets / 'SHIFT')
    write_cityscapes(datasets / 'cityscapes', depth=True)
    write_kitti_semantic(datasets / 'kitti_semantic')
    write_ade20k(datasets / 'ADEChallengeData2016')
    write_nyu(datasets / 'nyu_depth_v2')
    # Large enough for the crop of the benchmark.
    kitti = write_kitti_depth(datasets / 'kitti', layout='lists', size=(360, 1232))
    for name, published in LISTS.items():
        (kitti / f'{name}.txt').rename(kitti / f'{published}.txt')
    write_folder(root / 'dataset', frames=2, splits=('train', 'val'))
    write_roads(datasets)
    return root


def shrink(config, output):
    """
    Let a recipe run on a tiny sample: B0 from fresh weights, two images of 64x64, few steps.

    Data, heads, losses, variation, optimizers and schedules stay.
    """
    crop = ((SIDE, SIDE),)
    stages = tuple(
        replace(
            stage,
            steps=max(1, 2 // len(config.stages)),
            batch_size=2,
            augment=replace(stage.augment, crop=replace(stage.augment.crop, sizes=crop)),
        )
        for stage in config.stages
    )
    train = tuple(_of_tiny_world(item) for item in config.data.train)
    validation = tuple(
        replace(_of_tiny_world(item), frames=1, inference=_small(item.inference))
        for item in config.data.validation
    )
    return replace(
        config,
        output=str(output),
        init='',
        network=replace(config.network, size='b0'),
        data=replace(config.data, train=train, validation=validation),
        stages=stages,
        hardware=replace(config.hardware, accelerator='cpu', devices=1, threads=1, workers=0),
        evaluation_steps=0,
        class_frames=2,
        pictures=1,
        log_steps=1,
        loggers=('csv',),
    )


def _of_tiny_world(item):
    if item.kind != 'world':
        return item
    # Rendered when they are read.
    return replace(item, options={'frames': 2, 'size': f'{SIDE}x{2 * SIDE}'})


def _small(inference):
    sizes = {'size': (SIDE, SIDE), 'scale': (2 * SIDE, SIDE), 'window': (SIDE, SIDE)}
    sizes['stride'] = (48, 48)
    given = {name: size for name, size in sizes.items() if getattr(inference, name) is not None}
    # Images of KITTI are whole, since they are cropped as those of the benchmark.
    whole = inference.resize == 'fit' and inference.window is None
    return replace(inference, **({'size': (SIDE, 2 * SIDE)} if whole else given))
