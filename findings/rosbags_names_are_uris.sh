#!/usr/bin/env bash
# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
# rosbags 0.11.9: a database of rosbag2 is opened as an URI, with the name put in as it is.
#
# Guess: a folder called run#3 gets a file run#3/run#3.db3.
# Seen: Writer and Reader hand 'file:NAME' to SQLite unquoted, so that everything behind a '#' or
# '?' is no part of the name. The writer ends without an error, its database lies beside the
# folder under the name that is left ('run'), and the bag that it made cannot be opened. '%41' is
# read as 'A'. MCAP files are opened as files and have none of this.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check rosbags==0.11.9
cd "$work"
"$work/venv/bin/python" - <<'PYTHON'
from pathlib import Path

from rosbags.rosbag2 import Reader, ReaderError, StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

store = get_typestore(Stores.ROS2_KILTED)
text = store.types['std_msgs/msg/String']


def write(name, plugin):
    with Writer(Path(name), version=9, storage_plugin=plugin) as writer:
        topic = writer.add_connection('/a', 'std_msgs/msg/String', typestore=store)
        writer.write(topic, 1, store.serialize_cdr(text(data='x'), 'std_msgs/msg/String'))


write('run#3', StoragePlugin.SQLITE3)
print('in the folder:', sorted(item.name for item in Path('run#3').iterdir()))
print('beside it:', sorted(item.name for item in Path().iterdir() if item.is_file()))
assert [item.name for item in Path('run#3').iterdir()] == ['metadata.yaml']
assert Path('run').is_file()
try:
    with Reader('run#3'):
        raise SystemExit('the bag can be opened now')
except ReaderError as error:
    print('the reader:', error)
write('mcap#3', StoragePlugin.MCAP)
with Reader('mcap#3') as reader:
    print('MCAP:', sum(1 for _ in reader.messages()), 'message')
PYTHON
