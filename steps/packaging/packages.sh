#!/bin/sh
# Installs a step's packages into /venv, as the lock file names them: packages.sh STEP MODULE...
# Every file there has the same date, so that the same lock file gives the same layer; for that it is /packages/venv,
# as Docker dates the folder that it copies to, but not what is in it.
set -eu
step=$1
shift
undate() { find /packages -exec touch --no-dereference --date=@0 {} +; }

mkdir --parents /packages/venv
ln --symbolic /packages/venv /venv
# TensorFlow asks for libclang, which only its own build uses.
UV_PROJECT_ENVIRONMENT=/venv UV_PYTHON_DOWNLOADS=never /uv/bin/uv sync --quiet --no-cache --frozen \
  --python /usr/local/bin/python3 --only-group "$step" --no-install-package libclang
rm /venv/.lock # anybody might write to it
unused=$(grep -v '^#' unused.txt)
# shellcheck disable=SC2086  # they are patterns
(
  cd /venv/lib/python3*/site-packages
  rm -rf $unused
  # The largest libraries bring the names of all their parts, which only a debugger reads.
  find . -name 'lib*.so*' \( -path './tensorflow/*' -o -path './llvmlite/*' -o -path './pyarrow/*' \) \
    -exec strip --strip-unneeded {} +
)
undate # bytecode holds the date of its source
# Bytecode of what is used, for a root that can't be written to.
for module; do
  HOME=/tmp /venv/bin/python -c "import $module"
done
undate
