#!/bin/sh
# Make .venv with the pinned, hashed requirements: by uv where it is there, else by python3 -m venv and pip.
# POSIX sh, so that it runs on Linux and macOS alike. `make setup` calls it when something changed.
set -eu
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }
die() { say "flowforge: $*"; exit 1; }

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
    for candidate in python3 python3.13 python3.12 python3.11 python3.14 python; do
        if command -v "$candidate" >/dev/null 2>&1 && is_new_enough "$candidate"; then
            command -v "$candidate"
            return 0
        fi
    done
    return 1
}

# A version manager's shim may be on PATH without a program behind it: only what answers counts.
if uv --version >/dev/null 2>&1; then has_uv=yes; else has_uv=no; fi

python=$(find_python) || python=
if [ -z "$python" ] && [ "$has_uv" = no ]; then
    found=$(python3 --version 2>/dev/null) || found="no python3"
    die "Python 3.11 or newer is needed, and there is $found; install it from https://www.python.org or install uv"
fi

if ! is_new_enough .venv/bin/python; then
    rm -rf .venv
    if [ "$has_uv" = yes ]; then
        say "making .venv with uv"
        uv venv --quiet --python "${python:->=3.11}" .venv
    else
        say "making .venv with $python"
        "$python" -m venv .venv || {
            rm -rf .venv
            die "$python cannot make virtual environments; on Debian and Ubuntu: apt install python3-venv"
        }
    fi
fi

say "installing the pinned requirements"
if [ "$has_uv" = yes ]; then
    uv pip install --quiet --python .venv/bin/python --require-hashes -r requirements-dev.txt
else
    .venv/bin/python -m pip --version >/dev/null 2>&1 || .venv/bin/python -m ensurepip >/dev/null
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
fi
