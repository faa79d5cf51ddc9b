#!/usr/bin/env bash
# A newcomer's path: for each page, an environment with nothing but what the page says is to be
# installed (the built wheel for trustlayer), an empty folder, and the page's blocks, copied.
# `bash tests/newcomer.sh [PAGE.md...]`; without pages, the tutorial and one for each host. Needs
# the package index.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export UV_FIND_LINKS=${PIP_FIND_LINKS:-} UV_CACHE_DIR=$work/cache UV_LINK_MODE=hardlink
export LITELLM_LOCAL_MODEL_COST_MAP=True
python=${PYTHON:-python3}

"$python" -m venv "$work/tools"
"$work/tools/bin/python" -m pip -q --disable-pip-version-check install uv build
"$work/tools/bin/python" -m build -q --wheel --outdir "$work/dist" .
uv=$work/tools/bin/uv
wheel=$(echo "$work"/dist/*.whl)
echo 'torch==2.13.0' > "$work/pins" # its newest release brings gigabytes of CUDA packages
cp tests/blocks.py "$work/"         # from here on, nothing of the checkout but the page is used

if [ $# = 0 ]; then
  set -- docs/tutorial.md docs/howto/*.md
  for page in docs/litellm.md docs/desk.md docs/config.md docs/vault.md; do
    [ ! -e "$page" ] || set -- "$@" "$page"
  done
fi
failed=()
for page in "$@"; do
  cp "$page" "$work/$(basename "$page")"
  "$uv" venv -q --python "$python" "$work/venv"
  "$work/tools/bin/python" "$work/blocks.py" --packages "$page" "$wheel" > "$work/needs.txt"
  if "$uv" pip install -q --python "$work/venv" -c "$work/pins" -r "$work/needs.txt"; then
    (cd "$work" && "$work/venv/bin/python" -W ignore blocks.py "$(basename "$page")") \
      || failed+=("$page")
  else
    failed+=("$page")
  fi
  rm -rf "$work/venv"
done
[ ${#failed[@]} = 0 ] || { echo "failed: ${failed[*]}"; exit 1; }
