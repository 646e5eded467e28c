#!/usr/bin/env bash
# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
# rosbags 0.11.9: messages in the write-ahead log of a database are not read.
#
# Guess: a .db3 file with a -wal beside it, which rosbag2's storage preset 'resilient' makes and
# every copy of a running recording has, gives all of its committed messages, as SQLite does.
# Seen: Reader opens the file as immutable, which makes SQLite leave the log alone: what was
# committed since the last checkpoint is missing, without an error or a warning. sqlite3 sees all.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check rosbags==0.11.9
cd "$work"
"$work/venv/bin/python" - <<'PYTHON'
from pathlib import Path
import shutil
import sqlite3

from rosbags.rosbag2 import Reader, StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

store = get_typestore(Stores.ROS2_KILTED)
raw = store.serialize_cdr(store.types['std_msgs/msg/String'](data='x'), 'std_msgs/msg/String')
with Writer(Path('bag'), version=9, storage_plugin=StoragePlugin.SQLITE3) as writer:
    topic = writer.add_connection('/a', 'std_msgs/msg/String', typestore=store)
    for time in range(4):
        writer.write(topic, time, raw)
recorder = sqlite3.connect('bag/bag.db3')
recorder.execute('PRAGMA journal_mode=wal')
for time in range(4, 8):
    recorder.execute('INSERT INTO messages (topic_id, timestamp, data) VALUES (1, ?, ?)', (time, raw))
recorder.commit()
# A copy of what lies there while the recorder is alive.
Path('copy').mkdir()
for file in ('bag.db3', 'bag.db3-wal'):
    shutil.copyfile(Path('bag', file), Path('copy', file))
with Reader('copy/bag.db3') as reader:
    found = sum(1 for _ in reader.messages())
(count,) = sqlite3.connect('copy/bag.db3').execute('SELECT count(*) FROM messages').fetchone()
print('SQLite', count, 'rosbags', found)
assert (count, found) == (8, 4)
PYTHON
