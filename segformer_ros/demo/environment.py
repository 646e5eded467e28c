# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The environment of the demonstration's processes: a ROS of their own that disturbs no one."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
import os
from pathlib import Path
import random
import re
import shutil
import socket
import sys

import segformer_ros
from segformer_ros.reserved import reserve

# Higher domains use ports that Linux gives to outgoing connections.
_DOMAINS = range(1, 102)
_PROFILE = Path('config/fastdds_large_images.xml')
_PROFILE_VARIABLES = ('FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE')
_SEGMENT = re.compile(r'<segment_size>(\d+)</segment_size>')
_SMALLEST_SEGMENT = 1 << 20
# Five processes, and others that were there before.
_SHARES = 8
# So many choices of this process hold: those before have their nodes.
_LATEST = 2
_reserved: deque[int] = deque()
_DISCOVERY_VARIABLES = ('ROS_DISCOVERY_SERVER', 'ROS_LOCALHOST_ONLY', 'ROS_STATIC_PEERS')


def free_domain() -> int:
    """
    Find a ROS domain that no one on this computer uses.

    Until its nodes have begun, seconds later on a busy computer, the domain is reserved: another
    process that looks for one finds another.

    :raises RuntimeError: All of them are in use.
    """
    domains = list(_DOMAINS)
    random.SystemRandom().shuffle(domains)
    for domain in domains:
        if _is_free(domain) and _reserve(domain):
            return domain
    raise RuntimeError('every ROS domain is in use: end some of the ROS programs')


def _reserve(domain: int) -> bool:
    """Hold a domain; return False where another process holds it."""
    handle = reserve(f'domain {domain}')
    if handle is None:
        return False
    _reserved.append(handle)
    while len(_reserved) > _LATEST:
        os.close(_reserved.popleft())
    return True


def demo_environment(base: Mapping[str, str], logs: Path) -> dict[str, str]:
    """
    Return the environment for processes that talk to each other and to no one else.

    :param base: The environment to start from; its Fast DDS profile is kept if it has one.
    :param logs: Folder for what ROS itself logs.
    """
    environment = {name: base[name] for name in base if name not in _DISCOVERY_VARIABLES}
    environment['ROS_DOMAIN_ID'] = str(free_domain())
    environment['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
    environment['ROS_LOG_DIR'] = str(logs)
    environment['PYTHONUNBUFFERED'] = '1'
    profile = next(_profiles(), None)
    if profile is not None and not any(environment.get(name) for name in _PROFILE_VARIABLES):
        fitting = str(fitting_profile(profile, logs))
        environment |= dict.fromkeys(_PROFILE_VARIABLES, fitting)
    return environment


def fitting_profile(profile: Path, folder: Path, memory: Path = Path('/dev/shm')) -> Path:
    """
    Make a Fast DDS profile fit the shared memory of this computer.

    A docker container has 64 MB of it unless it is told otherwise: one segment of the profile that
    ships would take it all, and the other processes would have none.

    :param profile: The profile that ships.
    :param folder: Where a smaller one is written if it has to be.
    :param memory: Where the segments are.
    :returns: The profile to use.
    """
    text = profile.read_text(encoding='utf-8')
    found = _SEGMENT.search(text)
    if found is None or not memory.is_dir():
        return profile
    share = shutil.disk_usage(memory).free // _SHARES
    if share >= int(found[1]):
        return profile
    folder.mkdir(parents=True, exist_ok=True)
    smaller = folder / profile.name
    size = max(_SMALLEST_SEGMENT, share)
    smaller.write_text(_SEGMENT.sub(f'<segment_size>{size}</segment_size>', text), 'utf-8')
    return smaller


def _is_free(domain: int) -> bool:
    """Return whether the first participant's port of a domain can be had (DDSI-RTPS 9.6.1)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(('', 7410 + 250 * domain))
        except OSError:
            return False
    return True


def _profiles() -> Iterator[Path]:
    """Yield the places of the Fast DDS profile: the checkout, then where it may be installed."""
    folders = [Path(item).parent for item in segformer_ros.__path__]
    prefixes = [*os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep), sys.prefix]
    folders += [Path(prefix) / 'share' / 'segformer_ros' for prefix in prefixes if prefix]
    for folder in folders:
        if (folder / _PROFILE).is_file():
            yield folder / _PROFILE
