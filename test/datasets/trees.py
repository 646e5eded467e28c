# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Tiny data sets in the folders and formats of the real ones, written by the tests that read them.

Every function writes below root and returns it. The pictures can be learned: a class has a colour
of its own, and depth grows from the bottom of the image to its top.
"""

import json
from pathlib import Path

import cv2
import numpy as np

SIZE = (64, 96)
"""Height and width of every picture."""


def scene(number, ids, *, size=SIZE):
    """
    Make a picture of four fields.

    :returns: (H, W, 3) RGB, (H, W) class ids out of ids, (H, W) metres from 2 to 40.
    """
    height, width = size
    rng = np.random.default_rng(number)
    chosen = [ids[(number + step) % len(ids)] for step in range(4)]
    labels = np.empty(size, np.uint8)
    labels[: height // 2, : width // 2], labels[: height // 2, width // 2 :] = chosen[:2]
    labels[height // 2 :, : width // 2], labels[height // 2 :, width // 2 :] = chosen[2:]
    colors = np.random.default_rng(7).integers(30, 226, (256, 3))
    image = colors[labels] + rng.integers(-10, 11, (*size, 3))
    rows = np.geomspace(40.0, 2.0, height, dtype=np.float32)
    depth = np.repeat(rows[:, np.newaxis], width, axis=1)
    return image.astype(np.uint8), labels, depth


def save(path, pixels):
    """Write an image, RGB where it has three channels, in the format of its suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    stored = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR) if pixels.ndim == 3 else pixels
    assert cv2.imwrite(str(path), stored)


def scaled(depth, factor):
    """Store metres as 16-bit numbers."""
    return np.round(depth * factor).astype(np.uint16)


def write_cityscapes(root, *, splits=('train', 'val'), frames=2, train_ids=False, depth=False):
    """Write Cityscapes: fine labels, camera files, and disparity where depth is asked for."""
    root = Path(root)
    camera = {
        'extrinsic': {'baseline': 0.21},
        'intrinsic': {'fx': 100.0, 'fy': 101.0, 'u0': 48.0, 'v0': 30.0},
    }
    for split in splits:
        for number in range(frames):
            stem = f'{split}/aachen/aachen_{number:06d}_000019'
            image, labels, metres = scene(number, (7, 8, 11, 21, 23, 26, 0))
            save(root / f'leftImg8bit/{stem}_leftImg8bit.png', image)
            save(root / f'gtFine/{stem}_gtFine_labelIds.png', labels)
            if train_ids:
                table = np.full(256, 255, np.uint8)
                table[[7, 8, 11, 21, 23, 26]] = [0, 1, 2, 8, 10, 13]
                save(root / f'gtFine/{stem}_gtFine_labelTrainIds.png', table[labels])
            file = root / f'camera/{stem}_camera.json'
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(camera))
            if depth:
                codes = scaled(0.21 * 100.0 / metres, 256) + 1
                codes[:, :4] = 0
                save(root / f'disparity/{stem}_disparity.png', codes)
    return root


def write_kitti_semantic(root, *, frames=4, test_frames=0, calibration=False):
    """Write the pixel-level semantics of KITTI 2015: Cityscapes' label ids."""
    root = Path(root)
    for number in range(frames):
        image, labels, _ = scene(number, (7, 8, 11, 21, 23, 26, 0))
        save(root / f'training/image_2/{number:06d}_10.png', image)
        save(root / f'training/semantic/{number:06d}_10.png', labels)
        if calibration:
            file = root / f'training/calib_cam_to_cam/{number:06d}.txt'
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(CALIBRATION)
    for number in range(test_frames):
        save(root / f'testing/image_2/{number:06d}_10.png', scene(number, (7, 8, 11, 21))[0])
    return root


CALIBRATION = """calib_time: 09-Jan-2012 13:57:47
S_rect_02: 9.600000e+01 6.400000e+01
P_rect_02: 7.2e+01 0.0e+00 4.6e+01 4.5e+00 0.0e+00 7.3e+01 3.1e+01 2.2e-01 0.0 0.0 1.0 2.7e-03
S_rect_03: 9.600000e+01 6.400000e+01
P_rect_03: 7.4e+01 0.0e+00 4.7e+01 -3.4e+02 0.0e+00 7.5e+01 3.2e+01 2.2e+00 0.0 0.0 1.0 2.7e-03
"""


def write_kitti_depth(root, *, layout='prediction', frames=2, size=SIZE):
    """
    Write KITTI raw with annotated depth.

    :param layout: 'prediction' for the folders of the depth prediction benchmark, or 'lists' for
        raw images beside data_depth_annotated with list files as BTS and GLPDepth have them.
    """
    root, day = Path(root), '2011_09_26'
    for split, drive in (('train', f'{day}_drive_0001_sync'), ('val', f'{day}_drive_0002_sync')):
        lines = []
        for number in range(5, 5 + frames):
            image, _, depth = scene(number, (7, 8, 11, 21), size=size)
            sparse = np.where(np.arange(depth.size).reshape(depth.shape) % 3, 0, depth)
            raw = f'{day}/{drive}/image_02/data/{number:010d}.png'
            true = f'{drive}/proj_depth/groundtruth/image_02/{number:010d}.png'
            save(root / 'raw' / raw, image)
            place = f'{split}/{true}' if layout == 'prediction' else f'gt_depth/{true}'
            save(root / place, scaled(sparse, 256))
            lines.append(f'{raw} {true} 721.5377')
        lines.append(f'{day}/{drive}/image_02/data/0000000000.png None 721.5377')
        if layout == 'lists':
            (root / f'eigen_{split}.txt').write_text('\n'.join(lines) + '\n')
    (root / 'raw' / day / 'calib_cam_to_cam.txt').write_text(CALIBRATION)
    return root


def write_ade20k(root, *, frames=2):
    """Write ADEChallengeData2016: ids from 1, 0 for what is none of the 150 classes."""
    root = Path(root)
    ids = (3, 5, 10, 13, 21, 2, 0, 128)
    for folder, short in (('training', 'train'), ('validation', 'val')):
        for number in range(frames):
            image, labels, _ = scene(number, ids)
            stem = f'{folder}/ADE_{short}_{number + 1:08d}'
            save(root / f'images/{stem}.jpg', image)
            save(root / f'annotations/{stem}.png', labels)
    return root


def write_nyu(root, *, frames=2, size=SIZE):
    """Write NYU Depth v2 as BTS and GLPDepth unpack it."""
    root = Path(root)
    for folder, place in (('sync', 'kitchen_0001a'), ('official_splits/test', 'bathroom')):
        for number in range(frames):
            image, _, depth = scene(number, (0, 1, 2, 3), size=size)
            stored = scaled(depth / 5, 1000)
            stored[:2] = 0
            save(root / f'{folder}/{place}/rgb_{number:05d}.jpg', image)
            save(root / f'{folder}/{place}/sync_depth_{number:05d}.png', stored)
    return root


def write_nyu_mat(path, *, frames=2, size=SIZE):
    """Write the labelled part as MATLAB 7.3 stores it: turned, channels first."""
    import h5py

    scenes = [scene(number, (0, 1, 2, 3), size=size) for number in range(frames)]
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, 'w') as file:
        file['images'] = np.stack([image.transpose(2, 1, 0) for image, _, _ in scenes])
        file['depths'] = np.stack([depth.T for _, _, depth in scenes])
    return Path(path)


CAMVID_STEMS = {
    'train': ('0001TP_006690', '0006R0_f00930', '0016E5_00390'),
    'val': ('0016E5_07959', '0016E5_08159'),
    'test': ('0001TP_008550', 'Seq05VD_f00000'),
}


def write_camvid(root, *, layout='segnet'):
    """
    Write CamVid.

    :param layout: 'segnet' for ids of 11 classes, 11 for none, or 'colors' for the images of its
        authors with labels in 32 colours.
    """
    from segformer_ros.labels import CAMVID_32

    root, palette = Path(root), CAMVID_32.palette()
    for split, stems in CAMVID_STEMS.items():
        for number, stem in enumerate(stems):
            if layout == 'segnet':
                image, labels, _ = scene(number, (0, 1, 3, 5, 8, 11))
                save(root / f'{split}/{stem}.png', image)
                save(root / f'{split}annot/{stem}.png', labels)
            else:
                image, labels, _ = scene(number, (22, 5, 18, 28, 6, 0))
                save(root / f'701_StillsRaw_full/{stem}.png', image)
                save(root / f'LabeledApproved_full/{stem}_L.png', palette[labels])
    return root


FOLDER_CLASSES = """
name: yard
classes:
  - {id: 0, name: ground, color: [120, 90, 60]}
  - {id: 1, name: plant, color: [20, 160, 40]}
  - {id: 4, name: robot, color: [200, 30, 30]}
depth: {scale: 1000}
camera: {camera_fov_deg: 90}
"""


def write_folder(root, *, frames=4, classes=FOLDER_CLASSES, splits=('',), depth=True):
    """
    Write images/, labels/, depth/ and classes.yaml, as a person with own data does.

    :param splits: Sub-folders of the three, '' for none.
    """
    root = Path(root)
    root.mkdir(parents=True, exist_ok=True)
    (root / 'classes.yaml').write_text(classes)
    for split in splits:
        for number in range(frames):
            image, labels, metres = scene(number, (0, 1, 4, 255))
            save(root / 'images' / split / f'{number:03d}.jpg', image)
            save(root / 'labels' / split / f'{number:03d}.png', labels)
            if depth:
                save(root / 'depth' / split / f'{number:03d}.png', scaled(metres, 1000))
    return root
