#!/usr/bin/env bash
# Build wheel and sdist, install the wheel apart from the checkout, and run the tests on it there.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

.venv/bin/python -m build -q --outdir "$work/dist" .
size=$(stat -c %s "$work"/dist/*.whl)
[ "$size" -lt 100000000 ] || { echo "the wheel has $size bytes, more than 100 MB"; exit 1; }

# A bare environment with the wheel, which sees the dependencies that .venv already holds; a
# folder named in a .pth is not searched for further .pth files, so the checkout stays out.
.venv/bin/python -m venv "$work/venv"
"$work/venv/bin/python" -m pip -q --disable-pip-version-check install --no-deps "$work"/dist/*.whl
site=$("$work/venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
"$root/.venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))' > "$site/zz_dependencies.pth"

cp -r tests examples README.md pyproject.toml "$work/"
cd "$work"
"$work/venv/bin/python" -c 'import trustlayer; assert "site-packages" in trustlayer.__file__, trustlayer.__file__'
"$work/venv/bin/trustlayer" db upgrade --db "sqlite:///$work/wheel.db"
"$work/venv/bin/python" -m pytest -q -n 2 --dist loadfile -p no:cacheprovider --ignore=tests/benchmarks -m "not slow and not checkout"
