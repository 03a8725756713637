#!/bin/sh
# Installs a step's packages into /venv, as the lock file names them: packages.sh STEP MODULE...
# Every file gets the same date, so that the same lock file gives the same layer. It is /packages/venv because Docker
# sets the date of the folder that it copies to, but not of the files in it.
set -eu
step=$1
shift
reset_dates() { find /packages -exec touch --no-dereference --date=@0 {} +; }

mkdir --parents /packages/venv
ln --symbolic /packages/venv /venv
# TensorFlow requires libclang, which only its own build uses.
UV_PROJECT_ENVIRONMENT=/venv UV_PYTHON_DOWNLOADS=never /uv/bin/uv sync --quiet --no-cache --frozen \
  --python /usr/local/bin/python3 --only-group "$step" --no-install-package libclang
rm /venv/.lock # world-writable
unused=$(grep -v '^#' unused.txt)
# shellcheck disable=SC2086  # they are patterns
(
  cd /venv/lib/python3*/site-packages
  rm -rf $unused
  # The largest libraries come with symbols, which only a debugger reads.
  find . -name 'lib*.so*' \( -path './tensorflow/*' -o -path './llvmlite/*' -o -path './pyarrow/*' \) \
    -exec strip --strip-unneeded {} +
)
reset_dates # bytecode holds the date of its source
# Bytecode of the modules in use, for a read-only root file system.
for module; do
  HOME=/tmp /venv/bin/python -c "import $module"
done
reset_dates
