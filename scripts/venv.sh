# Sourced by the other scripts: makes .venv and installs pykbroker into it, again whenever pyproject.toml changes.
# After it, $python is the venv's. Needs nothing but a Python of 3.11 or later.

cd "$(dirname "${BASH_SOURCE[0]}")/.."

_find_python() {
    local candidate
    for candidate in "${PYTHON:-}" python3 python3.13 python3.12 python3.11 python3.14 python; do
        if [ -n "$candidate" ] && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo "pykbroker needs Python 3.11 or later; set PYTHON to one" >&2
    return 1
}

# _install EXTRA: "" for what the broker needs, "[test]" for what its tests need as well.
_install() {
    local stamp=".venv/installed$1" wanted
    wanted=$(cksum pyproject.toml)
    if [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
        return
    fi
    if [ ! -x .venv/bin/python ]; then
        "$(_find_python)" -m venv .venv
    fi
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --editable ".$1"
    echo "$wanted" >"$stamp"
}

python=.venv/bin/python
unset PYTHONPATH
