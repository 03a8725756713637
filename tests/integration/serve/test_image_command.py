"""`make image`: what Docker is asked to build, and what is said where it can't."""

from pathlib import Path

import pytest
from rich.console import Console

from local import image
from local.champion import fetch_champion
from steps.common.errors import ConfigurationError
from tests.support.command_line import SETTINGS


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `docker` that keeps what it is asked in a file, and fails where it is asked for what there is not."""
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "bin").mkdir()
    script = tmp_path / "bin" / "docker"
    script.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {tmp_path}/asked\ncase "$*" in *--nothing*) exit 125; esac\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path / "asked"


def test_the_champions_bento_is_built_with_its_own_dockerfile(
    state: Path, docker: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Under its version and hash, with what else Docker is to know, and a line that says how to try it."""
    champion = fetch_champion(state)
    assert image.build(state, ["--network", "host"], Console(width=200)) == 0
    asked = docker.read_text().splitlines()
    version = champion.tag.rpartition(":")[2]
    assert asked[:3] == ["build", "--tag", f"pr-sentinel/serve:{version}"]
    assert asked[asked.index("--file") + 1] == f"{champion.folder}/env/docker/Dockerfile"
    assert asked[-3:] == ["--network", "host", str(champion.folder)]
    assert f"VERSION={version}" in asked
    assert (
        f"docker run --read-only --tmpfs /tmp --publish 3000:3000 pr-sentinel/serve:{version}"
        in capsys.readouterr().out
    )


def test_a_failure_of_docker_sets_the_exit_code(state: Path, docker: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With its exit code, and nothing to try."""
    assert image.build(state, ["--nothing"], Console()) == 125
    assert docker.is_file()
    assert "docker run" not in capsys.readouterr().out


def test_a_missing_docker_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is looked up."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigurationError, match="docker is not on the PATH"):
        image.build(tmp_path, [], Console())
