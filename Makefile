# Every target sets up what it needs; on a fresh Debian or Ubuntu only git, make and python3 are required.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
DEMO ?= demo

.PHONY: setup demo test test-production check format lock bench bench-ocr bench-quality bench-production bench-growth bench-endurance drills judges servers servers-env servers-stop image-check clean

setup: .venv/ready

.venv/ready: scripts/setup.sh requirements/dev.txt pyproject.toml
	bash scripts/setup.sh $(PYTHON)
	@touch $@

demo: setup
	bash scripts/demo.sh $(DEMO)

judges: setup
	bash tests/judges/install.sh

# The real servers that the tests need: installed once, started on free ports of loopback, found by every test.
# SOHOA_TEST_SERVERS=docker starts those of docker-compose.yml as its containers (CONTRIBUTING.md).
servers: setup
	bash tests/servers/install.sh
	cd tests && ../$(BIN)/python -m servers.shared start

# Shell lines that point a home at them: eval "$$(make -s servers-env)"
servers-env:
	@cd tests && ../$(BIN)/python -m servers.shared env

servers-stop: setup
	cd tests && ../$(BIN)/python -m servers.shared stop

test: setup judges servers
	$(BIN)/pytest
	$(MAKE) servers-stop

# Every behaviour test again, on PostgreSQL, MinIO and OpenSearch.
test-production: setup judges servers
	SOHOA_TEST_STACK=production $(BIN)/pytest

check: setup judges servers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Refreshes the locked requirements; needs `uv` (https://docs.astral.sh/uv/) on the path.
lock:
	uv pip compile -q --generate-hashes --python-version 3.11 --no-emit-index-url --no-emit-find-links \
		--custom-compile-command "make lock" -o requirements/run.txt pyproject.toml
	uv pip compile -q --generate-hashes --python-version 3.11 --no-emit-index-url --no-emit-find-links \
		--custom-compile-command "make lock" --extra dev -c requirements/run.txt -o requirements/dev.txt \
		pyproject.toml

bench: setup
	$(BIN)/python benchmarks/reading.py
	$(BIN)/python benchmarks/copies.py
	$(BIN)/python benchmarks/verify.py
	$(BIN)/python benchmarks/search.py

# Reading against OCRmyPDF, tier by tier; SCANS: a folder of PDFs with the truth in a .txt beside each.
bench-ocr: setup
	$(BIN)/python benchmarks/recognition.py $(if $(SCANS),--scans $(SCANS))

# Image quality: defects of known strength around each threshold, and pages without any; quarter of an hour.
bench-quality: setup
	$(BIN)/python benchmarks/quality.py

# The production shape against its engines spoken to bare, on an idle machine.
bench-production: setup servers
	$(BIN)/python benchmarks/production.py deposits workers claim
	-$(BIN)/python benchmarks/production_copies.py
	-SOHOA_TEST_STACK=production $(BIN)/python benchmarks/production_index.py

# Runs the Dockerfile's steps in a Debian made by debootstrap; needs root. IMAGE_ARGS: see the script.
image-check:
	bash scripts/chroot_image.sh $(IMAGE_ARGS) /tmp/sohoa-image

# Whether an archive grows without slowing down; half an hour on an idle machine.
bench-growth: setup
	$(BIN)/python benchmarks/growth.py

# Whether a reader's memory stays flat over 2,000 pages; a quarter of an hour.
bench-endurance: setup
	$(BIN)/python benchmarks/endurance.py

# Every long drill, with the figures it prints.
drills: setup judges servers
	$(BIN)/pytest -n0 -s -m drill tests

clean:
	rm -rf .venv demo build .mypy_cache .ruff_cache .pytest_cache .hypothesis
