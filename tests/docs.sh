#!/usr/bin/env bash
# The documentation, built strictly into site/, and every link and asset of what was built.
set -euo pipefail
cd "$(dirname "$0")/.."
rm -rf site
.venv/bin/zensical build --clean --strict
.venv/bin/python tests/links.py site
