# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Which names and signatures one version of TensorRT has; run as a program by test_api_contract.

Input, as JSON: the folder of the bindings or null, the name of the module, libraries to load
first, and uses of the API. Output: what is missing, a sentence each, and how our own code begins.
"""

import ctypes
import importlib
import inspect
import json
from pathlib import Path
import re
import sys

OPENING, CLOSING = '([{', ')]}'


def split_arguments(text):
    """Split a list of arguments at the commas that are not inside of brackets."""
    parts, depth, last = [], 0, 0
    for place, letter in enumerate(text):
        depth += (letter in OPENING) - (letter in CLOSING)
        if letter == ',' and depth == 0:
            parts.append(text[last:place])
            last = place + 1
    return [part.strip() for part in (*parts, text[last:]) if part.strip()]


def signatures(function, name):
    """Read the fewest and the most arguments of each overload; pybind11 documents them."""
    if inspect.isfunction(function):
        defaults = [item.default for item in inspect.signature(function).parameters.values()]
        return [(defaults.count(inspect.Parameter.empty), len(defaults))]
    found = []
    for line in (function.__doc__ or '').splitlines():
        match = re.match(rf'(?:\d+\. )?{name}\((.*)\) -> ', line)
        if match and match.group(1) != '*args, **kwargs':
            arguments = split_arguments(match.group(1))
            own = bool(arguments) and arguments[0].startswith('self')
            arguments = arguments[own:]
            least = sum('=' not in argument.partition(':')[2] for argument in arguments)
            found.append((least, len(arguments)))
    return found


def problem(module, use):
    """Describe what is wrong with one use; None where nothing is."""
    owner, name, kind, count = use
    where = module
    for part in filter(None, owner.split('.')):
        where = getattr(where, part, None)
    value = getattr(where, name, None)
    text = '.'.join(filter(None, (owner, name)))
    if value is None:
        return f'{text} is missing'
    if kind == 'set' and getattr(value, 'fset', None) is None:
        return f'{text} cannot be set'
    if kind == 'call':
        function, called = (
            (value.__init__, '__init__') if isinstance(value, type) else (value, name)
        )
        known = signatures(function, called)
        if not any(least <= count <= most for least, most in known):
            return f'{text} takes {known}, not {count} arguments'
    return None


def beginnings(name, module):
    """Let our own code begin with the module, and say how far it comes."""
    from segformer_ros.engines.build import build_engine
    from segformer_ros.engines.errors import EngineError
    from segformer_ros.engines.gpu import Gpu
    from segformer_ros.engines.progress import make_monitor
    from segformer_ros.engines.request import BuildRequest, Target
    from segformer_ros.engines.trt_variant import find_trt_variant

    sys.modules[name] = module
    trt_variant = find_trt_variant(name)
    told = []
    monitor = make_monitor(module, lambda *state: told.append(state), lambda: True)
    monitor.phase_start('build', None, 2)
    assert monitor.step_complete('build', 0) is False
    try:
        build_engine(BuildRequest(Path('absent.onnx')), Target(trt_variant, Gpu('sm86')))
    except EngineError as error:
        return {'trt_variant': str(trt_variant), 'told': told, 'error': str(error)}
    return None


def main():
    """Answer on standard output."""
    asked = json.loads(sys.argv[1])
    for library in asked['libraries']:
        ctypes.CDLL(library, ctypes.RTLD_GLOBAL)
    if asked['folder']:
        sys.path.insert(0, asked['folder'])
    module = importlib.import_module(asked['module'])
    wrong = [found for use in asked['uses'] if (found := problem(module, use))]
    names = {name: hasattr(module.BuilderFlag, name) for name in ('FP16', 'TF32')}
    answer = {'missing': wrong, 'flags': names, 'begin': beginnings(asked['name'], module)}
    sys.stdout.write(json.dumps(answer))


if __name__ == '__main__':
    main()
