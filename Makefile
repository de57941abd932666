# Two commands: `make demo` and `make test`. Both build .venv first, and install the system libraries when root.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
APT    := xvfb libgl1 libegl1 libopengl0 libglx-mesa0 libgl1-mesa-dri libxkbcommon-x11-0 libxcb-cursor0 \
          libxcb-icccm4 libxcb-keysyms1 libxcb-shape0 libxcb-xinerama0 libdbus-1-3 libxcb-image0 libxcb-render-util0

export PIP_DISABLE_PIP_VERSION_CHECK = 1
export PIP_CONSTRAINT = $(CURDIR)/constraints.txt

.PHONY: setup system test demo lint bench clean screenshots

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt Makefile | system
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	# torch first and pinned: a bare "torch" in a dependency pulls the CUDA build
	$(BIN)/python -m pip install -q "$$(sed -n 's/^\(torch==[^ ]*\).*/\1/p' constraints.txt)"
	$(BIN)/python -m pip install -q -e '.[dev]'
	touch $(STAMP)

# Debian and its relatives, as root only; elsewhere the libraries are taken as they are.
system:
	@if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ] && ! dpkg -s $(APT) >/dev/null 2>&1; then \
	  echo "installing system libraries for Qt and GL"; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(APT) >/dev/null; \
	fi

test: setup
	$(BIN)/python tests/run.py $(ARGS)

demo: setup
	$(BIN)/porelab demo --out demo-out $(ARGS)

lint: setup
	$(BIN)/ruff check porelab_gui plugins tests benchmarks
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup
	$(BIN)/python -m pip install -q -e '.[bench]'
	for name in startup ui extract conduits pnm stokes; do $(BIN)/porelab bench $$name --json bench-$$name.json || exit 1; done
	$(BIN)/python docs/figures.py .

screenshots: setup
	$(BIN)/python docs/screenshots.py

clean:
	rm -rf $(VENV) demo-out build dist
