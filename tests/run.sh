#!/usr/bin/env bash
# All tests on the checkout, with coverage of at least 90 % of lines.
set -euo pipefail
cd "$(dirname "$0")/.."
.venv/bin/coverage erase
.venv/bin/pytest -q -n 2 --dist loadfile --cov --cov-report= --ignore=tests/benchmarks "$@"
.venv/bin/coverage report --fail-under=90 --skip-covered
