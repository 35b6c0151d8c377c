#!/usr/bin/env bash
# Makes a virtual environment with one minor version of Airflow, as its users had it some days after its last release,
# and with the wheel of this package: airflow_environment.sh VERSION FOLDER WHEEL
set -euo pipefail
version=$1 folder=$2 wheel=$3
cd "$(dirname "$0")/.."

# a date instead of Airflow's constraints file, which is not in the package index
case $version in
    2.11) release=2.11.2 until=2026-03-17 ;;
    3.0) release=3.0.6 until=2025-09-01 ;;
    3.1) release=3.1.8 until=2026-03-14 ;;
    3.2) release=3.2.2 until=2026-06-01 ;;
    3.3) release=3.3.2 until=2026-09-20 ;;
    *) echo "no such version: $version" >&2; exit 2 ;;
esac

# the tests' own local EC2 needs a moto, and moto a parser, that are younger than Airflow 3.0's environment
tools=$until
[[ $tools > 2026-03-14 ]] || tools=2026-03-14

extras='[celery,postgres,redis]'
uv=${UV:-.venv/bin/uv}
"$uv" venv --quiet --clear --python "${PYTHON:-python3}" "$folder"
# hundreds of processes import it
"$uv" pip install --quiet --compile-bytecode --python "$folder/bin/python" --exclude-newer "${until}T00:00:00Z" \
    --exclude-newer-package "moto=${tools}T00:00:00Z" \
    --exclude-newer-package "py-partiql-parser=${tools}T00:00:00Z" \
    "apache-airflow$extras==$release" -r tests/airflow_provider/requirements.txt
"$uv" pip install --quiet --compile-bytecode --python "$folder/bin/python" --no-deps "$wheel"
if [[ $version == 3.3 ]]; then
    "$uv" pip install --quiet --python "$folder/bin/python" -r <(grep -E '^(mypy|boto3-stubs|types-jsonschema)' requirements-dev.txt)
fi
