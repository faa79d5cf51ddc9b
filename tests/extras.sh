#!/usr/bin/env bash
# Each extra alone, in an environment of its own with the built wheel: what belongs to it works,
# and everything else names the extra that it needs. `bash tests/extras.sh [EXTRA...]`; all of
# them take a quarter of an hour. Needs the package index.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export UV_FIND_LINKS=${PIP_FIND_LINKS:-} UV_CACHE_DIR=$work/cache UV_LINK_MODE=hardlink
python=${PYTHON:-python3}

"$python" -m venv "$work/tools"
"$work/tools/bin/python" -m pip -q --disable-pip-version-check install uv build
"$work/tools/bin/python" -m build -q --wheel --outdir "$work/dist" .
uv=$work/tools/bin/uv
wheel=$(echo "$work"/dist/*.whl)

if [ $# = 0 ]; then
  set -- bare models guardrails langchain litellm otel openai postgres parquet ray web crypto presidio train
fi
failed=()
for extra in "$@"; do
  venv=$work/$extra
  "$uv" venv -q --python "$python" "$venv"
  what=$wheel
  [ "$extra" = bare ] || what="$wheel[$extra]"
  # torch is pinned: its newest release brings gigabytes of CUDA packages.
  if echo 'torch==2.13.0' > "$work/pins" \
    && "$uv" pip install -q --python "$venv" -c "$work/pins" "$what" \
    && "$uv" pip check -q --python "$venv" \
    && (cd "$work" && "$venv/bin/python" -W ignore "$root/tests/probe.py" "$extra" > "$work/told"); then
    echo "ok   $extra ($("$uv" pip list -q --python "$venv" | tail -n +3 | wc -l) packages)"
  else
    echo "BAD  $extra"
    grep -s BAD "$work/told" || true
    failed+=("$extra")
  fi
  rm -rf "$venv"
done
[ ${#failed[@]} = 0 ] || { echo "failed: ${failed[*]}"; exit 1; }
