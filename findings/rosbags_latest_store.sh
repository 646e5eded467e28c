#!/bin/bash
# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
#
# rosbags 0.11.9: Stores.LATEST is documented as "latest ROS2 LTS" and gives the types of Kilted, which is
# not an LTS, although the package has those of Lyrical, which is. A program that asks for LATEST
# therefore lacks types of Lyrical (rosgraph_msgs/msg/Graph) and cannot serialise them.
# Seen on 2026-11-28:
#     Kilted: True
#     Lyrical: False
#     rosgraph_msgs/msg/Graph in LATEST: False, in Lyrical: True
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet rosbags==0.11.9
"$folder/venv/bin/python" - <<'PROGRAM' | tee "$folder/out"
from rosbags.typesys import Stores, get_typestore

latest, kilted, lyrical = (
    set(get_typestore(store).fielddefs)
    for store in (Stores.LATEST, Stores.ROS2_KILTED, Stores.ROS2_LYRICAL)
)
print('Kilted:', latest == kilted)
print('Lyrical:', latest == lyrical)
name = 'rosgraph_msgs/msg/Graph'
print(f'{name} in LATEST: {name in latest}, in Lyrical: {name in lyrical}')
PROGRAM
diff "$folder/out" - <<'EXPECTED'
Kilted: True
Lyrical: False
rosgraph_msgs/msg/Graph in LATEST: False, in Lyrical: True
EXPECTED
