#!/bin/bash
# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
# Sources the workspace, then becomes the command, which so gets the signals of `docker stop`.
set -e
. /workspace/.venv/bin/activate
. /workspace/install/setup.bash
exec "$@"
