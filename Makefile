# Everything needs only python3 >= 3.11 (with venv) and make; the first target to run sets up .venv.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.PHONY: demo test test-page lint docs release fuzz torture mutants audit hashes web test-web clean

demo: $(STAMP)
	$(BIN)/python examples/demo.py --out demo

test: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n 2 --ignore tests/web

# Some of the page's tests in a browser, where there is one; `make test-web` runs all.
test-page: $(STAMP)
	@if ! $(HAS_BROWSER); then echo "The page is not tested: no Chromium is installed (docs/page.md)."; \
	elif ! command -v npm >/dev/null; then echo "The page is not tested: npm is not installed (docs/page.md)."; \
	elif ! $(MAKE) --no-print-directory $(FOR_PAGE); then echo "The page is not tested: what it needs cannot be fetched."; \
	else $(MAKE) --no-print-directory web && $(BIN)/python -m pytest -n 0 tests/web -m "not slow"; fi

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The documentation as a site for any static host: build/docs/site.
docs: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	$(BIN)/python docs/make_site.py

# The wheel and the source in dist/, with a line for each thing that keeps them from being published.
release: $(STAMP)
	$(BIN)/python benchmarks/release.py

# The page: site/ for any static host, and src/gesso/assets/page for `gesso studio` and the wheel.
HAS_BROWSER := { command -v chromium-headless-shell || command -v chromium || command -v google-chrome; } >/dev/null
FOR_PAGE    := web/node_modules/.installed $(VENV)/.browser
PAGE_FILES  := $(shell find web -name node_modules -prune -o -type f -print) \
  $(wildcard src/gesso/assets/graphs/* src/gesso/assets/weights/* src/gesso/assets/styles/* src/gesso/assets/contents/*)

web: site/files.json

site/files.json: $(STAMP) web/node_modules/.installed $(PAGE_FILES)
	$(BIN)/python web/build.py site src/gesso/assets/page

test-web: web $(VENV)/.browser
	@$(HAS_BROWSER) || { echo "make test-web: needs Chromium (Debian: apt-get install chromium)"; exit 1; }
	$(BIN)/python -m pytest -n 0 tests/web

web/node_modules/.installed: web/package-lock.json
	@command -v npm >/dev/null || { echo "make web: needs npm, which comes with Node.js (https://nodejs.org)"; exit 1; }
	npm ci --prefix web --ignore-scripts --no-audit --no-fund
	touch $@

$(VENV)/.browser: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,browser]'
	touch $@

# Damaged files, runs that are killed, and protections that are broken: docs/promises.md.
MINUTES ?= 10

fuzz: $(STAMP)
	$(BIN)/python benchmarks/fuzz.py --minutes $(MINUTES)

torture: $(STAMP)
	$(BIN)/python benchmarks/torture.py --minutes $(MINUTES)
	$(BIN)/python benchmarks/batch_torture.py --pictures 1000 --broken 50 --kills 20
	$(BIN)/python benchmarks/batch_torture.py --pictures 300 --broken 15 --kills 12 --urls

mutants: $(STAMP)
	$(BIN)/python benchmarks/mutants.py $(FILES)

# Known faults of what gesso is built from. pip-audit lives by itself: the tests are not to see it.
audit:
	$(PYTHON) -m venv .audit
	.audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit==2.10.1
	.audit/bin/python benchmarks/audit.py

# hashes.txt holds the hashes of all files of each pinned release, for every system; not of torch,
# whose builds (CUDA, ROCm, CPU) have other files on each index. `make test LOCKED=1` installs by
# them; the default does not, for a mirror that builds its own wheels has other hashes.
hashes:
	grep -v '^torch==' constraints.txt | uv pip compile --quiet --universal --no-deps --generate-hashes --no-header --no-annotate --python-version 3.11.5 - -o hashes.txt

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
ifdef LOCKED
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r hashes.txt
endif
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $(STAMP)

clean:
	rm -rf $(VENV) .audit demo build dist src/*.egg-info site src/gesso/assets/page web/node_modules
