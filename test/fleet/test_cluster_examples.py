# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The job files in config/fleet are valid, and call the command as it is."""

import argparse
from pathlib import Path
import re
import shlex
import subprocess

import pytest
from segformer_ros.commands import label
import yaml

FOLDER = Path(__file__).parents[2] / 'config' / 'fleet'


def commands():
    """Find the lines that call the command."""
    shell = (FOLDER / 'slurm.sh').read_text().replace('\\\n', ' ')
    job = yaml.safe_load((FOLDER / 'kuberay.yaml').read_text())
    lines = re.findall(r'(segformer label .*)', shell)
    return [*lines, job['spec']['entrypoint']]


@pytest.mark.parametrize('line', commands())
def test_the_command_takes_the_line(line):
    """Every option is known and has a value that can be read."""
    parser = argparse.ArgumentParser(exit_on_error=False)
    label.add_arguments(parser)
    parser.parse_args(shlex.split(line.replace('"$threads"', '2'))[2:])


def test_the_job_of_slurm_is_a_shell_script():
    """Bash reads all of it, and it uses the token mode of Ray."""
    path = FOLDER / 'slurm.sh'
    done = subprocess.run(['bash', '-n', path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, '')
    assert 'RAY_AUTH_MODE=token' in path.read_text()


def test_the_job_of_kuberay_is_a_cluster_with_workers():
    """All containers see the data under the same name, and the head computes nothing."""
    spec = yaml.safe_load((FOLDER / 'kuberay.yaml').read_text())['spec']['rayClusterSpec']
    groups = [spec['headGroupSpec'], *spec['workerGroupSpecs']]
    places = {
        mount['mountPath']
        for group in groups
        for container in group['template']['spec']['containers']
        for mount in container['volumeMounts']
    }
    assert places == {'/data'}
    assert spec['headGroupSpec']['rayStartParams']['num-cpus'] == '0'
    assert all(group['maxReplicas'] > 0 for group in spec['workerGroupSpecs'])
