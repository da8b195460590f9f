# What a checkout can do. Everything lives in .venv, build and dist; the tests' Consuls in ${XDG_CACHE_HOME:-~/.cache}/frostline.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
PYTEST_ARGS ?= -n auto --dist worksteal

BIN := .venv/bin
INSTALLED := .venv/.installed
QUICKSTART := samples/quickstart
COMPILE := build/uv/bin/uv --no-config pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes
COMPILE_OURS := $(COMPILE) --custom-compile-command 'make lock' --extra test pyproject.toml build/backend.in
COMPILE_READERS := $(COMPILE) --custom-compile-command 'make lockreaders' --no-annotate

READERS := build/consumers/.installed
NPM := build/npm/node_modules
INSTALL_UV = $(PYTHON) -m venv build/uv && build/uv/bin/python -m pip install --quiet --upgrade uv

ZENSICAL := build/zensical/.installed
SITE_FILES := ':(glob)*.md' LICENSE docs samples templates/page/dagre
SUPPLY := build/supply
FUZZ_SECONDS ?= 60

.PHONY: help venv lock lockreaders schemas servers test consumers campaign fuzz lint quickstart rules reference site wheel sbom audit bench clean

help: ## This list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

venv: $(INSTALLED) ## A virtual environment in .venv with frostline and what its tests need, as requirements/test.txt locks it

$(INSTALLED): pyproject.toml requirements/test.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=…")'
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --require-hashes --only-binary :all: --requirement requirements/test.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

lock: ## Renews requirements: test.txt with the newest, oldest.txt with the oldest versions that pyproject.toml allows
	$(INSTALL_UV)
	$(PYTHON) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' > build/backend.in
	$(COMPILE_OURS) --resolution highest --output-file requirements/test.txt
	$(COMPILE_OURS) --resolution lowest-direct --output-file requirements/oldest.txt

lockreaders: ## Renews requirements/consumers.txt, programs.txt and site.txt from the .in of each, and the npm packages
	$(INSTALL_UV)
	$(COMPILE_READERS) --output-file requirements/consumers.txt requirements/consumers.in
	$(COMPILE_READERS) --output-file requirements/programs.txt requirements/programs.in
	$(COMPILE_READERS) --output-file requirements/site.txt requirements/site.in
	cd requirements/npm && npm install --package-lock-only --omit-lockfile-registry-resolved --ignore-scripts --no-audit --no-fund

schemas: venv ## Writes schemas/config.schema.json from the parts that sources, checks and outputs bring
	$(BIN)/python -m frostline.pipeline.load.config_schema

servers: ## Consul 1.8 and 1.14, Puppet, nginx … for the tests; tests of one that can't be had are skipped
	-tests/servers/install.sh consul-1.8 consul-1.14 puppet nginx haproxy promtool envoy strace

test: venv servers ## All tests but those of `make consumers`; PYTEST_ARGS='-k name' for some
	$(BIN)/python -m pytest $(PYTEST_ARGS)

$(READERS): requirements/consumers.txt
	$(PYTHON) -m venv --clear $(@D)
	$(@D)/bin/python -m pip install --quiet --require-hashes --only-binary :all: --requirement requirements/consumers.txt
	touch $@

$(NPM): requirements/npm/package-lock.json
	mkdir -p $(@D)
	cp requirements/npm/package.json requirements/npm/package-lock.json $(@D)
	cd $(@D) && npm ci --silent --ignore-scripts --no-audit --no-fund
	touch $@

consumers: venv servers $(READERS) site ## Built-in templates and recipes in the programs that read them, but for those of `make test`; the jobs of GitLab
	-tests/servers/install.sh prometheus dnsmasq unbound traefik caddy hadolint puppet-8 puppet-lint metadata-json-lint chromium actionlint prometheus-node-exporter bash fish zsh
	-$(MAKE) $(NPM)
	$(BIN)/python -m pytest -m more_readers tests/consumers tests/acceptance $(PYTEST_ARGS)

campaign: venv servers ## The whole of the campaigns, of which `make test` runs a sample; figures at the end
	FROSTLINE_CAMPAIGN=full $(BIN)/python -m pytest tests/campaigns $(PYTEST_ARGS)

fuzz: venv ## Hostile bytes for all that is parsed, FUZZ_SECONDS (60) a target; what it finds goes into tests/data/fuzz
	FROSTLINE_FUZZ_SECONDS=$(FUZZ_SECONDS) $(BIN)/python -m pytest tests/fuzz $(PYTEST_ARGS)

lint: venv ## ruff, mypy --strict and the directions of imports
	$(BIN)/ruff check compiler tests
	$(BIN)/ruff format --check compiler tests
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

quickstart: venv ## Compiles samples/quickstart from nothing in build/quickstart, and calls a service by its name
	$(BIN)/python $(QUICKSTART)/demo.py

rules: venv ## docs/rules.md, from the rules that the package lists
	$(BIN)/python -m frostline.pipeline.reference.rule_page docs/rules.md

reference: venv ## docs/reference, from the schemas, and the list of commands in docs/command.md
	$(BIN)/python -m frostline.pipeline.reference.schema_pages docs/reference
	$(BIN)/python -m frostline.cli.command_page docs/command.md

$(ZENSICAL): requirements/site.txt
	$(PYTHON) -m venv --clear $(@D)
	$(@D)/bin/python -m pip install --quiet --require-hashes --only-binary :all: --requirement $<
	touch $@

site: $(ZENSICAL) ## The documentation as a site, in build/site, from docs, the samples and the pages at the top
	rm -rf build/pages build/site
	mkdir -p build/pages
	git ls-files -z --cached --others --exclude-standard -- $(SITE_FILES) | \
		tar -c --null --files-from - | tar -x -C build/pages
	build/zensical/bin/zensical build --clean --strict

wheel: venv ## The wheel, in dist
	rm -rf dist
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .
	@ls dist

$(SUPPLY): requirements/supply.txt
	$(PYTHON) -m venv --clear $@
	$@/bin/python -m pip install --quiet --requirement requirements/supply.txt
	touch $@

sbom: $(SUPPLY) ## A CycloneDX SBOM of what requirements/test.txt locks, in dist; the same bytes each time
	mkdir -p dist
	$(SUPPLY)/bin/python -W ignore -m cyclonedx_py requirements --pyproject pyproject.toml --output-reproducible \
		--output-format JSON --output-file dist/frostline.cdx.json requirements/test.txt

audit: $(SUPPLY) ## Known vulnerabilities of what requirements/test.txt locks; fails where it cannot ask for one of them
	@$(SUPPLY)/bin/pip-audit --strict --disable-pip --require-hashes --progress-spinner off --timeout 15 \
		--requirement requirements/test.txt || { echo "audit failed: a package has a vulnerability," \
		"or the service that knows them (PyPI) could not be asked about it; nothing is proved" >&2; exit 1; }

bench: venv ## The benchmarks; they print figures and judge nothing
	@for script in tests/benchmarks/bench_*.py; do echo "== $$script" && $(BIN)/python "$$script" || exit 1; done

clean: ## Removes what these commands made in the checkout
	rm -rf .venv dist build .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
