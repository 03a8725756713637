"""Promote and roll back releases: `python -m release COMMAND`, or the make targets."""

import json
import os
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from release.analysis import Analysis
from release.cluster import open_argo_cd, open_cluster
from release.git import Clone
from release.images import Release
from release.settings import (
    ClusterSettings,
    GitHubRepoSettings,
    GitSettings,
    ImageSettings,
    ModelSettings,
    SignerSettings,
)
from steps.common.command_line import console, handle_errors, make_state_folder
from steps.common.errors import ConfigurationError, DataError, NotFound, SentinelError
from steps.common.settings import StepSettings, load

ROOT = Path(__file__).resolve().parents[1]
app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)
AnySettings = TypeVar("AnySettings", bound=StepSettings)
AnalysesFile = Annotated[
    Path | None, typer.Option("--analyses", help="A file written by `analyses`; default: query the staging cluster.")
]


def print_line(line: str) -> None:
    """Print a line without wrapping or markup."""
    console.print(line, markup=False, soft_wrap=True)


def check_images(clone: Clone, commit: str, release: Release) -> list[str]:
    """Return the objections to the images of a commit's release."""
    from release import provenance

    return provenance.find_objections(clone, commit, release, load(ImageSettings), load(SignerSettings))


def load_analyses(file: Path | None) -> list[Analysis]:
    """Return the results of the analyses on staging, from a file or from the cluster."""
    from release import analysis

    if file:
        return analysis.load(file)
    settings = load(ClusterSettings)
    cluster = open_cluster(settings, "staging")
    # Read the commit first: a later sync then shows up as a mismatch instead of going unnoticed.
    commit = open_argo_cd(settings, "staging").synced_commit()
    return analysis.find_analyses(commit, cluster.read_state(), cluster.analysis_runs())


@app.command()
def stages(
    since: Annotated[str, typer.Option(help="The commit that the existing images were built from.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
) -> None:
    """List the stages whose images differ from those of an earlier commit."""
    from release import stages as image_stages

    with handle_errors():
        clone = Clone(ROOT, os.environ)
        with clone.checkout(clone.resolve(since)) as before:
            found = image_stages.find_changed(before, ROOT)
    print_line(json.dumps(found) if as_json else "\n".join(found) or "none")


@app.command("outdated")
def list_outdated(
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
) -> None:
    """List the stages whose image in the branch staging is not of the branch's sources, or not of the champion."""
    from release import git, provenance
    from release.models import open_registry
    from release.stages import SERVE

    with handle_errors(), git.clone(load(GitSettings)) as clone, open_registry(load(ModelSettings)) as known:
        head = clone.head(git.STAGING)
        release = clone.release(head)
        found = provenance.find_outdated(clone, head, release, load(ImageSettings))
        if known:
            champion = known.champion()
            is_champion = champion is not None and champion.version == release.model.version
            # Without a champion there is nothing to build.
            found = [stage for stage in found if stage != SERVE or champion]
            found += [SERVE] if champion and not is_champion and SERVE not in found else []
    print_line(json.dumps(found) if as_json else "\n".join(found) or "none")


@app.command()
def set_digest(
    image: Annotated[str, typer.Argument(help="The image's name in this repository, such as pr-sentinel/serve.")],
    reference: Annotated[str, typer.Argument(help="The image reference: registry/name@sha256:…")],
    model_digest: Annotated[str, typer.Option(help="SHA-256 of the manifest of the model in the image.")] = "",
    model_version: Annotated[str, typer.Option(help="The model's version in the registry.")] = "",
) -> None:
    """Tag an image, and write its digest into the branch staging; with the model if it is the serving image."""
    from release import git, image_pins, image_registry, images, provenance

    with handle_errors():
        model = images.ReleasedModel(model_digest, model_version) if model_digest or model_version else None
        image_pins.check(image, reference, model)
        with git.clone(load(GitSettings)) as clone:
            head = clone.head(git.STAGING)
            registry = load(ImageSettings)
            provenance.verify(clone, head, image, reference, registry, load(SignerSettings))
            image_registry.anchor_image(reference, registry)
            pushed = clone.push_with_retry(
                git.STAGING, lambda head: image_pins.commit_pin(clone, head, image, reference, model)
            )
    print_line(f"{git.STAGING} {'now names' if pushed else 'already names'} {reference}")


@app.command()
def champion(
    state: Annotated[Path, typer.Option(help="The state folder, which will contain the Bento.")] = Path(".state"),
) -> None:
    """Fetch the champion's Bento and print its folder, model version and model digest as JSON."""
    from steps.common.dataset import hash_file
    from steps.common.settings import StoreSettings, TrackingSettings
    from steps.packaging import archive
    from steps.packaging.champion import fetch
    from steps.scoring.artefact import MANIFEST

    with handle_errors():
        folder = make_state_folder(state) / archive.FOLDER
        found = fetch(load(TrackingSettings), load(StoreSettings), folder)
        digest = hash_file(found.folder / "src" / "model" / MANIFEST)
    print_line(json.dumps({"folder": str(found.folder), "version": found.version, "digest": digest}))


@app.command()
def licences() -> None:
    """List the licences of the packages in images; fail where one is not allowed."""
    from release import licences as licensing

    with handle_errors():
        shipped = licensing.list_shipped(ROOT)
        for package in shipped:
            print_line(f"{package.name} {package.version}: {licensing.ACCEPTED.get(package.name) or package.licence}")
        if refused := licensing.find_refused(shipped):
            names = ", ".join(f"{one.name} ({one.licence or 'unknown'})" for one in refused)
            raise DataError(
                f"Not allowed in images: {names}.",
                advice="Use another package, or add it to release/licences.py with the reason.",
            )


@app.command()
def analyses() -> None:
    """Print the results of the analyses on staging as JSON."""
    from release import analysis

    with handle_errors():
        print_line(analysis.dump(load_analyses(None)))


@app.command()
def promote(file: AnalysesFile = None) -> None:
    """Open or update the pull request from staging to main, with the evidence."""
    from release import git, promotion
    from release.github import open_repo
    from release.models import open_registry

    with handle_errors(), ExitStack() as parts:
        git.check_clean(Path.cwd())
        settings = load(GitHubRepoSettings)
        clone = parts.enter_context(git.clone(load(GitSettings)))
        known = parts.enter_context(open_registry(load(ModelSettings)))
        found = load_analyses(file)
        card = known.card if known else lambda _: None
        proposal = promotion.prepare(clone, found, card, settings.github_repository, check_images)
        request = promotion.open_pull_request(clone, parts.enter_context(open_repo(settings)), proposal)
        print_line(f"Merge it to promote: {request.html_url}")


@app.command()
def verify(
    number: Annotated[int, typer.Argument(help="The number of a pull request to main.")],
    file: AnalysesFile = None,
) -> None:
    """Verify that a pull request to main is a promotion or a rollback, and set the status `verify` of its commit."""
    from release import git, verification
    from release.github import open_repo

    with handle_errors(), open_repo(load(GitHubRepoSettings)) as pulls:
        proposed = pulls.describe(number)
        # Whatever happens before the end, an earlier success no longer counts.
        pulls.set_status(proposed.commit, "pending", "Verifying.")
        try:
            with git.clone(load(GitSettings)) as clone:
                words = verification.verify(clone, proposed, lambda: load_analyses(file), check_images)
        except SentinelError as error:
            pulls.set_status(proposed.commit, "failure", error.problem)
            raise
        pulls.set_status(proposed.commit, "success", words)
        print_line(words)


@app.command()
def rollback(
    version: Annotated[str, typer.Argument(help="A model version that production has had.")],
) -> None:
    """Roll back to a version: the Rollout at once, the registry alias, and a pull request for Git."""
    from release import git, images
    from release import rollback as rollbacks
    from release.github import open_repo
    from release.models import open_registry

    with handle_errors(), ExitStack() as parts:
        images.check_version(version)
        clusters, settings = load(ClusterSettings), load(GitHubRepoSettings)
        clone = parts.enter_context(git.clone(load(GitSettings)))
        release = rollbacks.find_release(clone, version, load(ImageSettings))
        known = parts.enter_context(open_registry(load(ModelSettings)))
        if known and known.card(version) is None:
            raise NotFound(f"The registry no longer has version {version}.", advice="Choose another version.")
        production, argo_cd = open_cluster(clusters, "production"), open_argo_cd(clusters, "production")
        rollbacks.restore_rollout(production, argo_cd, release, print_line)
        if known:
            known.go_back(release)
            print_line(f"Version {version} is the champion, and recorded as production's.")
        else:
            print_line("Registry: skipped (MLFLOW_URI is not set); the aliases are unchanged.")
        if request := rollbacks.propose_revert(clone, parts.enter_context(open_repo(settings)), release):
            print_line(f"Merge it, then run this command again: {request.html_url}")
        else:
            rollbacks.finish(clone, argo_cd, print_line)
            print_line(f"Production is at version {version}.")


@app.command("released")
def record_production(
    allow_pending: Annotated[
        bool,
        typer.Option(help="Succeed, and record nothing, where users don't get what main names, or not yet for good."),
    ] = False,
) -> None:
    """Record the version that production's users get, once its live metrics have passed, as the alias `production`."""
    from release import git
    from release import status as reports
    from release.models import open_registry

    with handle_errors(), git.clone(load(GitSettings)) as clone, open_registry(load(ModelSettings)) as known:
        main = clone.release(clone.head(git.PRODUCTION))
        serving = open_cluster(load(ClusterSettings), "production").read_state()
        if allow_pending and (pending := reports.find_pending(main, serving)):
            print_line(f"Nothing to record: {pending.problem}")
            return
        version = reports.require_released(main, serving)
        if known is None:
            raise ConfigurationError("MLFLOW_URI is not set.", advice="Set it to the URI of the registry.")
        known.record_production(main)
        print_line(f"Version {version} is recorded as production's.")


@app.command()
def status() -> None:
    """Show what Git, the production Rollout and the registry report; exit with code 1 if they disagree."""
    from release import status as reports
    from release import status_sources

    with handle_errors():
        found = status_sources.collect_status(
            load(GitSettings), load(ClusterSettings), load(ModelSettings), load(ImageSettings)
        )
        for name, words in reports.format_lines(found):
            print_line(f"{name:<22}{words}")
        wrong = reports.find_disagreements(found)
        for line in wrong:
            console.print(f"They disagree: {line}.", style="red", markup=False, soft_wrap=True)
        if not wrong:
            print_line("They agree.")
        raise typer.Exit(1 if wrong else 0)


if __name__ == "__main__":
    app(prog_name="python -m release")
