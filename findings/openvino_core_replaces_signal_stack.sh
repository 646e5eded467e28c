#!/usr/bin/env bash
# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
# openvino 2026.4.1 on Linux x86-64: the CPU plugin replaces the thread's stack for signals.
#
# Guess: opening a Core and asking its CPU plugin for a property leaves sigaltstack() as it was.
# Seen: the first use of the CPU plugin installs an alternate signal stack of its own in the calling
# thread, in place of the one that faulthandler had set; the plugin of a second Core installs another
# one. Released in reverse order, each puts the former one back. Python's signal handlers run on that
# stack. A process that had opened and released several Cores ended with SIGSEGV at its next signal:
# keep one Core for the whole process.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat > "$work/look.py" <<'PYTHON'
import ctypes
import faulthandler
import sys

sys.modules['openvino_telemetry'] = None  # It would report to its makers.
import openvino


class Stack(ctypes.Structure):
    _fields_ = [('start', ctypes.c_void_p), ('flags', ctypes.c_int), ('size', ctypes.c_size_t)]


def signal_stack():
    stack = Stack()
    assert ctypes.CDLL(None).sigaltstack(None, ctypes.byref(stack)) == 0
    return stack.start


def opened():
    core = openvino.Core()
    core.get_property('CPU', 'NUM_STREAMS')
    return core


faulthandler.enable()
own = signal_stack()
one = opened()
first = signal_stack()
two = opened()
second = signal_stack()
print('own stack replaced:', first != own)
print('replaced again by a second Core:', second not in (own, first))
del two
print('the first one is back:', signal_stack() == first)
del one
print('the own one is back:', signal_stack() == own)
PYTHON
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check openvino==2026.4.1 numpy==2.2.6
"$work/venv/bin/python" "$work/look.py" | tee "$work/seen"
diff "$work/seen" - <<'SEEN'
own stack replaced: True
replaced again by a second Core: True
the first one is back: True
the own one is back: True
SEEN
echo 'as stated'
