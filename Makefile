# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
#
# Everything happens in .venv (.venv-kilted with ROS=kilted); nothing is installed outside it and nothing has to be sourced.

PYTHON ?= python3
# The distribution of ROS 2 that is installed from PyPI: jazzy or kilted, each in an environment of its own.
ROS ?= jazzy
# All networks and sizes, about 20 minutes: make bench BASELINES_ARGS=
BASELINES_ARGS ?= --quick
# What measures this machine alone; the other programs of bench/ need a commit, a dataset or a GPU, or look for faults.
BENCHES := backends.py compressed.py 'fleet.py schedule' memory.py networks.py node.py published.py rewrites.py \
    temporal.py world.py
VENV := $(CURDIR)/.venv$(if $(filter-out jazzy,$(ROS)),-$(ROS))
BIN := $(VENV)/bin
# A stamp is the record of a step that succeeded: newer than what the step depends on.
STAMPS := $(VENV)/stamps
BUILD := $(VENV)/build/segformer_ros
# A process each: it has the native libraries of its own part alone. One more at once than there are
# CPUs, because those that start nodes mostly wait; or TEST_JOBS of them.
GROUPS = $(shell cut -d' ' -f1 test/groups.txt)
TEST_JOBS ?= $(shell expr $$(nproc) + 1)
AT_ONCE = OMP_NUM_THREADS=1 $(MAKE) --no-print-directory --output-sync=target --keep-going
CHECKS = lint $(GROUPS:%=tests-of-%)
TEST_REQUIRES = ros,torch
PYTEST = ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST SEGFORMER_TEST_REQUIRES=$(TEST_REQUIRES) \
    $(BIN)/python -m pytest
# Not compiled: Python compiles what is imported, which is a small part of it.
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input -qq

# What the cmake step reads. Files of launch/ and config/ are installed as links, so that only a
# new or a removed one needs the step again; it changes the time of its directory.
INSTALLED := CMakeLists.txt package.xml $(wildcard cmake/* msg/* scripts/*) segformer_ros/inference/decode.c \
    $(wildcard launch config config/*/.)

# ROS 2 comes from .venv alone, also where another one is sourced.
unexport AMENT_PREFIX_PATH CMAKE_PREFIX_PATH COLCON_PREFIX_PATH LD_LIBRARY_PATH PYTHONHOME \
    PYTHONPATH RMW_IMPLEMENTATION ROS_DISTRO _ROS_WHEELS_BOOTSTRAP_COMPLETE

# Images of containers often set it: each of the hundreds of processes of the tests, and of the demo,
# would compile again all that it imports, up to 2.4 s of CPU time each.
unexport PYTHONDONTWRITEBYTECODE

.DELETE_ON_ERROR:
.PHONY: help setup setup-test parts-of-setup-test viewer demo test test-ros test-fleet lint api bench \
    train clean

help:
	@echo 'make demo              show it all working (make demo INPUT=drive.mp4: on your video,'
	@echo '                       VIEW=1: in the browser too)'
	@echo 'make test              run every check and test'
	@echo 'make test-ros          run the tests of nodes, launch files and packaging alone'
	@echo 'make test-fleet        run the tests of segformer label, with Ray and S3 too'
	@echo 'make lint              run the checks of the source text alone'
	@echo 'make api               write the reference of the Python interface to build/api/'
	@echo 'make bench             measure speed and memory on this machine'
	@echo 'make train             train the networks that ship, from scratch'
	@echo 'make setup             install what the demo needs into .venv'
	@echo 'make viewer            install the viewer in the browser too'
	@echo 'make setup-test        install what the tests and the training need too'
	@echo 'make clean             remove what make made (demo_output stays)'
	@echo 'PYTHON=python3.12      chooses the interpreter of .venv'
	@echo 'ROS=kilted             takes ROS 2 Kilted instead of Jazzy, into .venv-kilted'

setup: $(STAMPS)/messages

# The messages build next to what pip installs, and no two of pip write to one folder at once.
setup-test:
	@$(MAKE) --no-print-directory $(if $(findstring jobserver,$(MAKEFLAGS)),,-j2) parts-of-setup-test

parts-of-setup-test: $(addprefix $(STAMPS)/,messages test viewer tensorrt-10 tensorrt-11)
	@:

viewer: setup $(STAMPS)/viewer

demo: setup $(if $(VIEW),viewer)
	@$(BIN)/segformer demo $(if $(INPUT),--input "$(INPUT)") $(if $(VIEW),--view) $(DEMO_ARGS)

lint: setup-test
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --quiet --check
	@$(BIN)/mypy

test: setup-test
ifdef PYTEST_ARGS
	@$(MAKE) --no-print-directory lint
	@$(PYTEST) $(PYTEST_ARGS)
else
	@$(if $(ALSO),$(MAKE) --no-print-directory ROS=$(ALSO) ALSO= setup-test)
	@$(AT_ONCE) -j$$(($(TEST_JOBS) + $(words $(ALSO)))) $(CHECKS) $(ALSO:%=tests-with-%)
endif

tests-of-%:
	@$(PYTEST) --group=$*

# The nodes of another distribution, next to those of $(ROS): on a ROS domain of their own.
tests-with-%:
	@ROS_DOMAIN_ID=$${ALSO_DOMAIN_ID:-71} $(MAKE) --no-print-directory ROS=$* ALSO= test-ros

test-ros: setup-test
	@$(MAKE) --no-print-directory tests-of-ros

# Ray and a store that speaks S3, which make test does without: its tests of them are skipped.
test-fleet: TEST_REQUIRES = ros,torch,fleet
test-fleet: setup-test $(STAMPS)/fleet
	@PYTHONPATH=$(VENV)/fleet $(PYTEST) test/fleet

api: setup-test
	@$(BIN)/python docs/generate_api.py build/api
	@echo 'build/api/index.html is written'

bench: setup-test
	@set -e; for program in $(BENCHES); do \
	    echo "bench/$$program"; $(BIN)/python bench/$$program; \
	done
	@echo bench/baselines.py; $(BIN)/python bench/baselines.py $(BASELINES_ARGS)

train: setup-test
	@$(BIN)/segformer train --recipe world_b0_fast $(TRAIN_ARGS)
	@$(BIN)/segformer train --recipe world_b0 \
	    init=runs/world_b0_fast/best.safetensors $(TRAIN_ARGS)

clean:
	rm -rf .venv .venv-kilted build install log dist *.egg-info .pytest_cache .ruff_cache .mypy_cache

$(STAMPS)/venv:
	@[ -e requirements/ros-$(ROS).txt ] || { echo 'make: ROS=$(ROS) is not on PyPI:' \
	    'ROS=jazzy and ROS=kilted are' >&2; exit 1; }
	@command -v $(PYTHON) >/dev/null || \
	    { echo 'make: $(PYTHON) is missing: sudo apt-get install python3' >&2; exit 1; }
	@$(PYTHON) requirements/check_machine.py
	@$(PYTHON) -m venv $(VENV)
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/runtime: $(STAMPS)/venv $(addprefix requirements/,runtime.txt ros-$(ROS).txt \
    build.txt constraints.txt)
	@echo 'Installing ROS 2 and the run time into $(notdir $(VENV)) (about a minute, once)'
	@$(PIP) install --no-compile -c requirements/constraints.txt -r requirements/runtime.txt \
	    -r requirements/ros-$(ROS).txt -r requirements/build.txt
	@touch $@

$(STAMPS)/test: $(STAMPS)/runtime $(addprefix requirements/,train.txt test.txt colcon.txt)
	@echo 'Installing what training and tests need into $(notdir $(VENV)) (a few minutes, once)'
	@$(PIP) install --no-compile -c requirements/constraints.txt -r requirements/train.txt \
	    -r requirements/test.txt -r requirements/colcon.txt
	@touch $@

$(STAMPS)/viewer: $(STAMPS)/runtime requirements/viewer.txt \
    | $(if $(filter parts-of-setup-test,$(MAKECMDGOALS)),$(STAMPS)/test)
	@echo 'Installing the viewer into $(notdir $(VENV)) (170 MB, once)'
	@$(PIP) install --no-compile -c requirements/constraints.txt -r requirements/viewer.txt
	@touch $@

# Each in a folder of its own, where nothing imports it by accident.
$(STAMPS)/fleet: requirements/fleet.txt $(STAMPS)/venv
	@echo 'Installing Ray and a store for its tests into $(notdir $(VENV))/fleet (310 MB, once)'
	@$(PIP) install --no-compile --no-deps --upgrade --target $(VENV)/fleet -r $<
	@touch $@

$(STAMPS)/tensorrt-%: requirements/tensorrt-%.txt $(STAMPS)/venv
	@$(PIP) install --no-compile --no-deps --upgrade --target $(VENV)/tensorrt-$* -r $<
	@touch $@

$(STAMPS)/messages: $(STAMPS)/runtime $(INSTALLED)
	@echo 'Building the messages into $(notdir $(VENV))'
	@mkdir -p $(BUILD)
	@{ $(BIN)/cmake -S . -B $(BUILD) -G Ninja -DCMAKE_MAKE_PROGRAM=$(BIN)/ninja \
	        -DCMAKE_PREFIX_PATH=$(VENV) -DCMAKE_INSTALL_PREFIX=$(VENV) \
	        -DPython3_EXECUTABLE=$(BIN)/python -DSEGFORMER_ROS_CHECKOUT=ON \
	        -DAMENT_CMAKE_SYMLINK_INSTALL=ON -DBUILD_TESTING=OFF && \
	    $(BIN)/cmake --build $(BUILD) --target install; \
	} > $(BUILD)/log 2>&1 || \
	    { tail -n 20 $(BUILD)/log >&2; \
	      echo 'make: the messages did not build, see $(BUILD)/log' >&2; exit 1; }
	@touch $@
