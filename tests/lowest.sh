#!/usr/bin/env bash
# The lowest versions that pyproject.toml allows: installed beside the built wheel, and tested.
# `bash tests/lowest.sh [PYTEST ARGUMENTS]`. torch alone stays as CI has it: older builds for CPUs
# are not on the package index. What needs the extras web and train is left out. Needs the index.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export UV_FIND_LINKS=${PIP_FIND_LINKS:-} UV_CACHE_DIR=$work/cache UV_LINK_MODE=hardlink
python=${PYTHON:-python3}
extras=(models guardrails langchain otel openai postgres)

"$python" -m venv "$work/tools"
"$work/tools/bin/python" -m pip -q --disable-pip-version-check install uv build
"$work/tools/bin/python" -m build -q --wheel --outdir "$work/dist" .
uv=$work/tools/bin/uv

"$uv" pip compile -q --resolution lowest-direct --no-emit-package torch \
  --python-version "$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')" \
  $(printf -- '--extra %s ' "${extras[@]}") --no-header --no-annotate pyproject.toml \
  | grep -v -E '^(nvidia|cuda|triton)' > "$work/lowest.txt"
echo "the lowest that pyproject.toml allows:"
"$python" - "$work/lowest.txt" <<'PY'
import re, sys, tomllib
project = tomllib.load(open("pyproject.toml", "rb"))["project"]
extras = project["optional-dependencies"]
direct = project["dependencies"] + [r for name in ("models", "guardrails", "langchain", "otel", "openai", "postgres") for r in extras[name]]
names = {re.split(r"[\[<>=!~ ]", r)[0].lower() for r in direct}
print(*(line.strip() for line in open(sys.argv[1]) if line.split("==")[0].lower() in names))
PY

"$uv" venv -q --python "$python" "$work/venv"
"$uv" pip install -q --python "$work/venv" torch==2.13.0
"$uv" pip install -q --python "$work/venv" -r "$work/lowest.txt" pytest pytest-asyncio \
  hypothesis opentelemetry-sdk pytest-xdist
"$uv" pip install -q --python "$work/venv" --no-deps "$work"/dist/*.whl
"$uv" pip list -q --python "$work/venv" | grep -i -E '^(torch|langchain|guardrails|sqlalchemy|transformers|sentence)'
cp -r tests examples README.md pyproject.toml "$work/"
cd "$work"
"$work/venv/bin/python" tests/probe.py "${extras[@]}"
# Deprecations of old releases on new Pythons are not ours: warnings are shown, not errors.
"$work/venv/bin/python" -m pytest -q -p no:cacheprovider -W default -m "not slow and not checkout" \
  --ignore=tests/benchmarks --ignore=tests/web --ignore=tests/test_grounding_training.py "${@:-tests}"
