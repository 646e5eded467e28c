# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`segformer view --topics`: viewer_node in the process of the command."""

from __future__ import annotations

import argparse


def run_live(args: argparse.Namespace) -> int:
    """
    Run viewer_node in this process.

    :raises RuntimeError: ROS 2 is not there.
    """
    from importlib.util import find_spec
    import json

    if find_spec('rclpy') is None:
        raise RuntimeError('live topics need ROS 2: source it, or make setup')
    from segformer_ros.nodes import viewer_node

    values = {
        'cameras': args.topics or [''],
        'address': args.address,
        'port': args.port,
        'memory_mb': args.memory,
        'max_width': args.max_width,
        'palette': args.palette,
        'depth_confidence': args.depth_confidence,
        'save': '' if args.save is None else str(args.save),
        'camera_fov_deg': args.camera_fov,
        'role_name': args.role_name,
        'label_sensor': args.label_sensor,
        'depth_sensor': args.depth_sensor,
        'coding': args.coding,
        'tag_table': args.tag_table,
    }
    words = ['--ros-args']
    for name, value in values.items():
        words += ['-p', f'{name}:={json.dumps(value)}']
    for name, topic in _live_topics(args).items():
        words += ['-r', f'{name}:={topic}']
    return viewer_node.main(words)


def _live_topics(args: argparse.Namespace) -> dict[str, str]:
    """
    Name the topics of cameras that have not the names of their namespace.

    :raises ValueError: There are more or fewer of them than cameras.
    """
    cameras = args.topics or ['']
    for option, given in (('--topic', args.topic), ('--camera-info', args.camera_info)):
        if given and len(given) != len(cameras):
            raise ValueError(
                f'expected {option} once for each of {len(cameras)} cameras, found it '
                f'{len(given)} times'
            )
    topics = {}
    for index, camera in enumerate(cameras):
        place = f'{camera.rstrip("/")}/' if camera else ''
        if args.topic:
            topics[f'{place}image'] = args.topic[index]
            beside = args.topic[index].rpartition('/')[0]
            topics[f'{place}camera_info'] = f'{beside}/camera_info'
        if args.camera_info:
            topics[f'{place}camera_info'] = args.camera_info[index]
    return topics
