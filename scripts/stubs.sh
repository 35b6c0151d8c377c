#!/bin/sh
# Derives _core.pyi from the Rust source: `scripts/stubs.sh [--check]`.
set -eu
cd "$(dirname "$0")/.."
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
maturin generate-stubs --quiet --features stubs --out "$out" >"$out/log" 2>&1 || { cat "$out/log"; exit 1; }
stub=$(find "$out" -name '_core*.pyi' -o -path '*_core/__init__.pyi' | head -n 1)
[ -n "$stub" ] || stub=$(find "$out" -name '*.pyi' | head -n 1)
{ echo "# Derived from src/python by \`make stubs\`: do not edit."; sed 's/: dict\([,)]\)/: dict[str, Any]\1/g' "$stub"; } | ruff check --quiet --select RUF022,I --fix --stdin-filename _core.pyi - | ruff format --quiet --stdin-filename _core.pyi - >"$out/_core.pyi"
if [ "${1:-}" = --check ]; then
    diff -u python/atlas_privatelink/_core.pyi "$out/_core.pyi" || { echo "_core.pyi is stale: run \`make stubs\`" >&2; exit 1; }
else
    cp "$out/_core.pyi" python/atlas_privatelink/_core.pyi
fi
