# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Folders of images and videos with key frames, as inputs."""

import av
import cv2
import numpy as np


def picture(index, height=40, width=64):
    """Make a picture; each index another one."""
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    return np.roll(pixels, index, axis=1)


def write_images(folder, count, first=0):
    """Write numbered images."""
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(first, first + count):
        cv2.imwrite(str(folder / f'{index:03d}.png'), picture(index))
    return folder


def write_video(path, count, parameters='keyint=4:min-keyint=4:scenecut=0:bframes=2'):
    """Write a video with a key frame every few frames."""
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('libx264', rate=25, options={'x264-params': parameters})
        stream.width, stream.height, stream.pix_fmt = 64, 48, 'yuv420p'
        for index in range(count):
            frame = av.VideoFrame.from_ndarray(picture(index, 48, 64), format='rgb24')
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path
