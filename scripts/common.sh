# Shared by the scripts beside it: finds Python, makes a virtual environment, installs the project in it.
# Sourced from the repository's top folder.

# The virtual environment that is made and used. `scripts/test --newest` has its own.
VENV=.venv

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

# Makes $VENV, unless it is there and works.
make_venv() {
    local python
    if [ -x "$VENV/bin/python" ] && "$VENV/bin/python" -c '' 2>/dev/null; then return; fi
    python=$(find_python)
    say "making $VENV with $("$python" --version)"
    rm -rf "$VENV"
    "$python" -m venv "$VENV" || {
        rm -rf "$VENV"
        fail "$python can't make a virtual environment. On Debian and Ubuntu: apt install python3-venv"
    }
}

pip() { "$VENV/bin/python" -m pip --disable-pip-version-check "$@"; }

# xds-protos brings an old copy of the modules of opentelemetry-proto, which lacks what the exporter needs. Both
# work with the newer ones, so these are written once more, in the version that is installed.
restore_otlp() {
    local version
    version=$("$VENV/bin/python" -c 'from importlib.metadata import version as v; print(v("opentelemetry-proto"))' \
        2>/dev/null) || return 0
    pip install --quiet --no-deps --force-reinstall "opentelemetry-proto==$version" ||
        fail "opentelemetry-proto could not be installed again."
}

# What the packages installed from requirements/$1.txt depend on.
fingerprint() {
    { cat "requirements/$1.txt" requirements/build.txt pyproject.toml gateway/__init__.py; "$VENV/bin/python" -VV; } |
        git hash-object --stdin
}

# install NAME: the versions in requirements/NAME.txt, each checked against its hashes, then the project.
# Editable: a change of the source needs no new installation.
install() {
    local name=$1 other problems
    make_venv
    # The packages of the tests include all that the gateway itself needs.
    for other in "$name" test; do
        if [ "$(cat "$VENV/gatepost.stamp" 2>/dev/null)" = "$other $(fingerprint "$other")" ]; then return; fi
    done
    say "installing into $VENV; the first time this takes a minute"
    pip install --quiet --require-hashes -r "requirements/$name.txt" -r requirements/build.txt ||
        fail "the installation failed: pip's words above say why. It needs to reach a package index."
    restore_otlp
    pip install --quiet --no-deps --no-build-isolation --editable . ||
        fail "the project itself could not be installed."
    problems=$(pip check) || fail "$problems
Run scripts/lock if pyproject.toml has changed. If not, remove $VENV: it holds other packages, too."
    printf '%s %s\n' "$name" "$(fingerprint "$name")" >"$VENV/gatepost.stamp"
}

# The newest versions that pyproject.toml allows, instead of those in requirements/.
install_newest() {
    local extras problems
    make_venv
    extras=$("$VENV/bin/python" -c '
import tomllib
with open("pyproject.toml", "rb") as file:
    print(",".join(tomllib.load(file)["project"]["optional-dependencies"]))')
    say "installing the newest versions into $VENV"
    pip install --quiet --upgrade --upgrade-strategy eager --editable ".[$extras]" ||
        fail "the installation failed: pip's words above say why."
    restore_otlp
    problems=$(pip check) || fail "the newest versions do not go together. $problems"
}
