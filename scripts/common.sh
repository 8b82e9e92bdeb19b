# Shared by scripts/run and scripts/test: finds Python, and makes .venv with the project in it.
# Sourced from the repository's top folder.

say() { printf '%s\n' "gatepost: $*" >&2; }
fail() { say "$*"; exit 1; }

# The newest Python that is new enough; PYTHON says which one to take instead.
find_python() {
    local name
    for name in ${PYTHON:+"$PYTHON"} python3.14 python3.13 python3.12 python3.11 python3; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
            printf '%s' "$name"
            return
        fi
        if [ -n "${PYTHON:-}" ]; then
            fail "PYTHON=$PYTHON is no Python 3.11 or later."
        fi
    done
    fail "Python 3.11 or later is needed, and none was found. Install it, or set PYTHON to its path."
}

# What the installed packages depend on. Editable: a change of the source needs no new installation.
fingerprint() {
    { cat pyproject.toml gateway/__init__.py; printf '%s' "$1"; .venv/bin/python -VV; } | git hash-object --stdin
}

# install EXTRAS: EXTRAS is "" or "[test]".
install() {
    local extras=$1 stamp=.venv/gatepost.stamp python
    if [ ! -x .venv/bin/python ] || ! .venv/bin/python -c '' 2>/dev/null; then
        python=$(find_python)
        say "making .venv with $("$python" --version)"
        rm -rf .venv
        "$python" -m venv .venv || {
            rm -rf .venv
            fail "$python can't make a virtual environment. On Debian and Ubuntu: apt install python3-venv"
        }
    fi
    # The test extras include all that the gateway itself needs.
    if [ "$(cat "$stamp" 2>/dev/null)" = "$(fingerprint "$extras")" ] ||
        [ "$(cat "$stamp" 2>/dev/null)" = "$(fingerprint "[test]")" ]; then
        return
    fi
    say "installing into .venv; the first time this takes a minute"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --editable ".$extras" ||
        fail "the installation failed: pip's words above say why. It needs to reach a package index."
    fingerprint "$extras" >"$stamp"
}
