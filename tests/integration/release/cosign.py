"""A fake `cosign verify`: it knows the signatures in the file that `SIGNATURES` names."""

import json
import os
import sys
from pathlib import Path


def main() -> None:
    """Answer one command."""
    command, *options, reference = sys.argv[1:]
    wanted = dict(option.removeprefix("--").split("=", 1) for option in options)
    signed = json.loads(Path(os.environ["SIGNATURES"]).read_text()).get(reference)
    if command != "verify" or "certificate-identity" not in wanted or "certificate-oidc-issuer" not in wanted:
        sys.exit("Error: no identity is required")
    if signed is None:
        sys.exit("Error: no signatures found")
    if any(signed.get(name) != value for name, value in wanted.items()):
        sys.exit("Error: no matching signatures")


if __name__ == "__main__":
    main()
