"""Write an overlay, print secrets for Vault, or check the modules.

python -m infra settings CLOUD ENVIRONMENT   writes gitops/clusters/ENVIRONMENT/cloud
python -m infra secrets CLOUD                prints each step's secrets, for gitops/bootstrap/vault/apply.py
python -m infra check                        checks infra/ without an account
python -m infra names WHEEL...               writes infra/checks/names from a provider's bindings
"""

import argparse
import json
import sys
from pathlib import Path

import yaml

from infra import overlay


def parse_arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m infra", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    settings = commands.add_parser("settings")
    settings.add_argument("cloud", choices=overlay.CLOUDS)
    settings.add_argument("environment", choices=overlay.ENVIRONMENTS)
    secrets = commands.add_parser("secrets")
    secrets.add_argument("cloud", choices=overlay.CLOUDS)
    for command in (settings, secrets):
        command.add_argument("--outputs", type=Path, help="a file with what `tofu output -json` printed")
    commands.add_parser("check")
    names = commands.add_parser("names")
    names.add_argument("wheels", nargs="+", type=Path)
    return parser.parse_args()


def run_checks(arguments: argparse.Namespace) -> int:
    """Run the checks, or write the names that they compare with; only these read HCL."""
    from infra.checks import bindings, run

    if arguments.command == "check":
        return run.check()
    for wheel in arguments.wheels:
        sys.stdout.write(f"{bindings.write(wheel, run.list_types())}\n")
    return 0


def main() -> int:
    """Run one command and return its exit code."""
    arguments = parse_arguments()
    if arguments.command in {"check", "names"}:
        return run_checks(arguments)
    try:
        outputs = (
            json.loads(arguments.outputs.read_text("utf-8"))
            if arguments.outputs
            else overlay.read_outputs(arguments.cloud)
        )
        if arguments.command == "secrets":
            yaml.safe_dump(overlay.build_secrets(outputs), sys.stdout)
        else:
            sys.stdout.write(f"{overlay.write(arguments.cloud, arguments.environment, outputs)}\n")
    except overlay.OverlayError as error:
        sys.exit(str(error))
    return 0


if __name__ == "__main__":
    sys.exit(main())
