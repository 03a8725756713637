"""How a release goes from staging to production, and back: `python -m release COMMAND`, or make's targets."""

import json
import os
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from release.analysis import Analysis
from release.cluster import Cluster
from release.git import Clone
from release.settings import ClusterSettings, GitSettings, HubSettings, ImageSettings, ModelSettings
from steps.common.command_line import console, handle_errors, make_state_folder
from steps.common.errors import NotFound
from steps.common.settings import StepSettings, load

ROOT = Path(__file__).resolve().parents[1]
app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)
AnySettings = TypeVar("AnySettings", bound=StepSettings)
Results = Annotated[
    Path | None, typer.Option("--analyses", help="A file of `analyses`; without it staging's cluster is asked.")
]


def say(line: str) -> None:
    """A line as it is, however wide."""
    console.print(line, markup=False, soft_wrap=True)


def results(file: Path | None) -> list[Analysis]:
    """What the analyses on staging said, by a file or by its cluster."""
    from release import analysis

    if file:
        return analysis.load(file)
    settings = load(ClusterSettings)
    cluster = Cluster(settings.staging_context, settings.staging_namespace)
    # The commit first: what is asked after it is of that one or of a later one, which shows at the end.
    commit = Cluster(settings.argo_cd_context, settings.argo_cd_namespace).synced()
    return analysis.of_revision(commit, cluster.serving(), cluster.analysis_runs())


@app.command()
def stages(
    since: Annotated[str, typer.Option(help="A commit, whose files made the images that there are.")],
    as_json: Annotated[bool, typer.Option("--json", help="As one list in JSON.")] = False,
) -> None:
    """Tell which stages' images differ from those of an earlier commit."""
    from release import stages as staging

    with handle_errors():
        clone = Clone(ROOT, os.environ)
        with clone.files(clone.run("rev-parse", f"{since}^{{commit}}")) as before:
            found = staging.changed(before, ROOT)
    say(json.dumps(found) if as_json else "\n".join(found) or "none")


@app.command()
def set_digest(
    image: Annotated[str, typer.Argument(help="Its name here, such as pr-sentinel/serve.")],
    reference: Annotated[str, typer.Argument(help="Where it is: registry/name@sha256:…")],
    model_digest: Annotated[str, typer.Option(help="SHA-256 of the manifest of the model in it.")] = "",
    model_version: Annotated[str, typer.Option(help="Its version in the registry.")] = "",
) -> None:
    """Write an image's digest into branch staging, and with the service's the model that is in it."""
    from release import git, image_pins, images

    with handle_errors():
        model = images.Model(model_digest, model_version) if model_digest or model_version else None
        image_pins.check(image, reference, model)
        with git.clone(load(GitSettings)) as clone:
            moved = clone.move(git.STAGING, lambda head: image_pins.commit(clone, head, image, reference, model))
    say(f"{git.STAGING} {'now names' if moved else 'named already'} {reference}")


@app.command()
def champion(state: Annotated[Path, typer.Option(help="The folder that keeps the Bento.")] = Path(".state")) -> None:
    """Fetch the champion's Bento, and print as JSON where it is, and the version and digest of its model."""
    from steps.common.dataset import hash_file
    from steps.common.settings import StoreSettings, TrackingSettings
    from steps.packaging import archive
    from steps.packaging.champion import fetch
    from steps.scoring.artefact import MANIFEST

    with handle_errors():
        folder = make_state_folder(state) / archive.FOLDER
        found = fetch(load(TrackingSettings), load(StoreSettings), folder)
        digest = hash_file(found.folder / "src" / "model" / MANIFEST)
    say(json.dumps({"folder": str(found.folder), "version": found.version, "digest": digest}))


@app.command()
def analyses() -> None:
    """Print what the analyses on staging said, as JSON."""
    from release import analysis

    with handle_errors():
        say(analysis.written(results(None)))


@app.command()
def promote(file: Results = None) -> None:
    """Open the pull request from staging to main with the evidence, or bring it up to date."""
    from release import git, promotion
    from release.github import hub
    from release.models import models

    with handle_errors(), ExitStack() as parts:
        git.check_clean(Path.cwd())
        settings = load(HubSettings)
        clone = parts.enter_context(git.clone(load(GitSettings)))
        known = parts.enter_context(models(load(ModelSettings)))
        found = results(file)
        card = known.card if known else lambda _: None
        proposal = promotion.prepare(clone, found, card, settings.github_repository)
        request = promotion.propose(clone, parts.enter_context(hub(settings)), proposal)
        say(f"Merge it to promote: {request.html_url}")


@app.command()
def verify_promotion(
    number: Annotated[int, typer.Argument(help="The pull request's.")],
    file: Results = None,
) -> None:
    """Let a promotion pass only if what would be merged is what staging ran, and its analyses speak for it."""
    from release import git, promotion
    from release.github import hub

    with handle_errors(), hub(load(HubSettings)) as pulls, git.clone(load(GitSettings)) as clone:
        found = promotion.verify(clone, pulls.body(number), results(file))
        say(f"What staging ran at {found.commit} is what would be merged, and its analyses speak for it.")


@app.command()
def rollback(
    version: Annotated[str, typer.Argument(help="A model version that production has had.")],
) -> None:
    """Bring back a version: the Rollout at once, the registry's alias, and the pull request for Git."""
    from release import git
    from release import rollback as going_back
    from release.github import hub
    from release.models import models

    with handle_errors(), ExitStack() as parts:
        clusters, settings = load(ClusterSettings), load(HubSettings)
        clone = parts.enter_context(git.clone(load(GitSettings)))
        release = going_back.earlier(clone, version, load(ImageSettings))
        known = parts.enter_context(models(load(ModelSettings)))
        if known and known.card(version) is None:
            raise NotFound(f"The registry has no version {version} any more.", advice="Choose another one.")
        argo_cd = Cluster(clusters.argo_cd_context, clusters.argo_cd_namespace)
        production = Cluster(clusters.production_context, clusters.production_namespace)
        going_back.users(production, argo_cd, release, say)
        if known:
            known.go_back(version)
            say(f"Version {version} is champion.")
        else:
            say("Registry: not asked (no MLFLOW_URI); its alias stays.")
        if request := going_back.proposed(clone, parts.enter_context(hub(settings)), release):
            say(f"Merge it, and run this again: {request.html_url}")
        else:
            going_back.finish(clone, argo_cd, say)
            say(f"Production is at version {version}.")


@app.command()
def status() -> None:
    """Show what Git, production's Rollout and the registry say, and whether they agree; exit code 1 where not."""
    from release import sources
    from release import status as standing

    with handle_errors():
        found = sources.everybody(load(GitSettings), load(ClusterSettings), load(ModelSettings))
        for name, words in standing.lines(found):
            say(f"{name:<20}{words}")
        wrong = standing.disagreements(found)
        for line in wrong:
            console.print(f"They disagree: {line}.", style="red", markup=False, soft_wrap=True)
        if not wrong:
            say("They agree.")
        raise typer.Exit(1 if wrong else 0)


if __name__ == "__main__":
    app(prog_name="python -m release")
