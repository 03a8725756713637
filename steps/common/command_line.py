"""The command-line frame that `local` and `release` share: messages and exit codes instead of tracebacks."""

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile

import typer
from rich.console import Console

from steps.common.errors import ConfigurationError, SentinelError, find_storage_full
from steps.common.proxies import prepare_environment

INTERRUPTED = 130
OWNER_ONLY = 0o700
"""A state folder holds a database with its password, and what was fetched with a token."""
DEFAULT_STATE = ".state"
CLONE = Path(__file__).resolve().parents[2]
UNPRINTABLE = frozenset({"Cc", "Cs"})
"""Unicode's categories of control characters, and of bytes that are not UTF-8."""
console = Console(highlight=False)
error_console = Console(highlight=False, stderr=True)


@contextmanager
def handle_errors() -> Iterator[None]:
    """Turn errors that a person can fix into a short message and an exit code, without a traceback.

    They go to standard error, so that what reads a command's output never takes one for a result.
    """
    prepare_environment()
    try:
        yield
    except KeyboardInterrupt:
        error_console.print("Interrupted. Finished work is kept; the next run continues from there.")
        raise typer.Exit(INTERRUPTED) from None
    except SentinelError as error:
        failure = find_storage_full(error) or error
    except Exception as error:
        if (full := find_storage_full(error)) is None:
            raise
        failure = full
    else:
        return
    error_console.print(failure.problem, style="bold red", markup=False, soft_wrap=True)
    error_console.print(failure.advice, markup=False, soft_wrap=True)
    raise typer.Exit(failure.exit_code)


def make_state_folder(state: Path) -> Path:
    """Create the folder if it is missing, for its owner alone, and return its absolute path.

    A folder that is there keeps its mode, which is its owner's choice, unless it has the default name.

    Raises:
        ConfigurationError: the folder can't be created or written, or is the clone, or no database can have its name.
    """
    with suppress(RuntimeError):  # nobody has that home
        state = state.expanduser()
    _check_name(state.absolute())
    try:
        if not state.is_dir():
            state.parent.mkdir(parents=True, exist_ok=True)
            state.mkdir(mode=OWNER_ONLY, exist_ok=True)
        if state.name == DEFAULT_STATE:
            state.chmod(OWNER_ONLY)
        with TemporaryFile(dir=state):
            pass
    except OSError as error:
        if find_storage_full(error):
            raise
        raise ConfigurationError(
            f"The folder {state} can't be created or written: {error.strerror}.",
            advice="Choose another one with STATE=, or check its owner.",
        ) from None
    return state.resolve()


def _check_name(state: Path) -> None:
    if state.is_dir() and state.samefile(CLONE):
        raise ConfigurationError(
            "The results would be among the files of the clone.", advice="Give them a folder of their own with STATE=."
        )
    if any(unicodedata.category(letter) in UNPRINTABLE for letter in str(state)):
        raise ConfigurationError(
            f"The folder {str(state)!a} has letters that no URL of a database can have.",
            advice="Choose another one with STATE=, or move the clone.",
        )
