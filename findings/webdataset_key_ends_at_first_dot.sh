#!/usr/bin/env bash
# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
# webdataset 1.0.2: images named by seconds with decimals become one sample.
#
# Guess: 1690000000.123.jpg and 1690000000.223.jpg are two samples with a jpg each.
# Seen: the key of a member ends at the first dot of its base name, so that both are the sample
# 1690000000 with the columns 123.jpg and 223.jpg: half of the samples, without an error, and none
# has the column jpg. Dots of folders stay in the key. Names of integer nanoseconds have none of this.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check webdataset==1.0.2
cd "$work"
"$work/venv/bin/python" - <<'PYTHON'
import io
import tarfile

from webdataset.tariterators import group_by_keys, tar_file_expander


def samples(*names):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode='w') as tar:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size = 1
            tar.addfile(info, io.BytesIO(b'x'))
    data.seek(0)
    files = tar_file_expander([{'url': 'a.tar', 'stream': data}])
    return [
        (sample['__key__'], sorted(key for key in sample if not key.startswith('__')))
        for sample in group_by_keys(files)
    ]


found = samples('1690000000.123.jpg', '1690000000.223.jpg')
print('seconds:', found)
assert found == [('1690000000', ['123.jpg', '223.jpg'])]
found = samples('run.1/1690000000123000000.jpg', 'run.1/1690000000223000000.jpg')
print('nanoseconds:', found)
assert [columns for _, columns in found] == [['jpg'], ['jpg']]
assert found[0][0] == 'run.1/1690000000123000000'
PYTHON
