"""A fake cosign: the signatures are in the file that `SIGNATURES` names, and a job of stage.yml is who signs."""

import json
import os
import sys
from pathlib import Path


def main() -> None:
    """Answer one command."""
    command, *options, reference = sys.argv[1:]
    if command == "sign":
        sign(reference)
        return
    wanted = dict(option.removeprefix("--").split("=", 1) for option in options)
    signed = json.loads(Path(os.environ["SIGNATURES"]).read_text()).get(reference)
    if command != "verify" or "certificate-identity" not in wanted or "certificate-oidc-issuer" not in wanted:
        sys.exit("Error: no identity is required")
    if signed is None:
        sys.exit("Error: no signatures found")
    if any(signed.get(name) != value for name, value in wanted.items()):
        sys.exit("Error: no matching signatures")


def sign(reference: str) -> None:
    """Sign as the job whose variables are set."""
    path, repository, ref = Path(os.environ["SIGNATURES"]), os.environ["GITHUB_REPOSITORY"], os.environ["GITHUB_REF"]
    signature = {
        "certificate-oidc-issuer": "https://token.actions.githubusercontent.com",
        "certificate-identity": f"https://github.com/{repository}/.github/workflows/stage.yml@{ref}",
        "certificate-github-workflow-repository": repository,
        "certificate-github-workflow-ref": ref,
        "certificate-github-workflow-sha": os.environ["GITHUB_SHA"],
    }
    path.write_text(json.dumps(json.loads(path.read_text()) | {reference: signature}))


if __name__ == "__main__":
    main()
