#!/usr/bin/env bash
# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
# rosbags 0.11.9: a bag whose metadata.yaml states another QoS than its file reads as empty.
#
# Guess: metadata.yaml is a summary; the file says what is in it.
# Seen: Reader brings topics of metadata.yaml and of the file together only where name, type, QoS
# profiles and type hash are all equal. A bag whose QoS was edited in metadata.yaml, which `ros2
# bag play` takes as the profile to offer, gives no message of that topic and no error, while
# message_count still promises all of them. Either kind of storage; the file read alone gives all.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check rosbags==0.11.9
cd "$work"
"$work/venv/bin/python" - <<'PYTHON'
from pathlib import Path

from rosbags.interfaces import Qos, QosDurability, QosHistory, QosLiveliness, QosReliability, QosTime
from rosbags.rosbag2 import Reader, StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

store = get_typestore(Stores.ROS2_KILTED)
text = store.types['std_msgs/msg/String']
never = QosTime(0, 0)
profile = Qos(
    QosHistory.KEEP_LAST, 5, QosReliability.RELIABLE, QosDurability.VOLATILE, never, never,
    QosLiveliness.AUTOMATIC, never, False,
)
for plugin in StoragePlugin:
    path = Path(plugin.name.lower())
    with Writer(path, version=9, storage_plugin=plugin) as writer:
        topic = writer.add_connection(
            '/a', 'std_msgs/msg/String', typestore=store, offered_qos_profiles=[profile]
        )
        for time in range(5):
            writer.write(topic, time, store.serialize_cdr(text(data='x'), 'std_msgs/msg/String'))
    metadata = path / 'metadata.yaml'
    changed = metadata.read_text().replace('reliability: reliable', 'reliability: best_effort')
    assert changed != metadata.read_text()
    metadata.write_text(changed)
    with Reader(path) as reader:
        found = sum(1 for _ in reader.messages())
        print(plugin.name, 'promised', reader.message_count, 'read', found)
        assert (reader.message_count, found) == (5, 0)
    (file,) = (item for item in path.iterdir() if item.suffix != '.yaml')
    with Reader(file) as reader:
        assert sum(1 for _ in reader.messages()) == 5
PYTHON
