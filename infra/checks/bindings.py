"""The names that a provider knows, out of the bindings that are generated from its schema.

Providers can't be had everywhere; their bindings for Python come from PyPI. `names/` keeps the types in use.
"""

import gzip
import io
import json
import re
import tarfile
import zipfile
from pathlib import Path
from typing import Any

NAMES = Path(__file__).parent / "names"
PROVIDERS = ("digitalocean", "aws", "google", "helm")
LINK = re.compile(r"registry\.terraform\.io/providers/[^/]+/[^/]+/(?P<version>[^/]+)/docs/[^#]+#(?P<name>\w+)")
INHERITED = frozenset({"count", "forEach", "provider", "dependsOn", "lifecycle", "provisioners", "connection"})
Schema = dict[str, Any]


def read_assembly(wheel: Path) -> Schema:
    """Read the description of all types from a wheel of `cdktf-cdktf-provider-…`."""
    with zipfile.ZipFile(wheel) as files:
        (package,) = (name for name in files.namelist() if name.endswith(".jsii.tgz"))
        with tarfile.open(fileobj=io.BytesIO(files.read(package))) as archive:
            names = archive.getnames()
            compressed = "package/.jsii.gz"
            found = archive.extractfile(compressed if compressed in names else "package/.jsii")
            assert found is not None  # noqa: S101  # both are plain files
            content = found.read()
    return dict(json.loads(gzip.decompress(content) if compressed in names else content))


def write(wheel: Path, wanted: set[str]) -> Path:
    """Write the names of the wanted types out of a provider's wheel and return the file."""
    match = re.match(r"cdktf_cdktf_provider_(?P<provider>[a-z]+)-(?P<version>[\d.]+)-", wheel.name)
    if not match:
        raise ValueError(f"{wheel.name} is not a wheel of cdktf-cdktf-provider-…")
    path = NAMES / f"{match['provider']}.json"
    path.parent.mkdir(exist_ok=True)
    source = f"Generated from cdktf-cdktf-provider-{match['provider']} {match['version']}; do not edit."
    names = extract(read_assembly(wheel), match["provider"], wanted)
    path.write_text(json.dumps({"_": source, **names}, indent=1, sort_keys=True) + "\n", "utf-8")
    return path


def extract(assembly: Schema, provider: str, wanted: set[str]) -> Schema:
    """Return the provider's version and, for each wanted type, its arguments, blocks and attributes.

    Types are named as in HCL: `digitalocean_vpc`, or `data.digitalocean_vpc` of a data source.
    """
    types = assembly["types"]
    classes = {name.rpartition(".")[2].lower(): name for name in types if f"{name}Config" in types}
    found: Schema = {"version": "", "types": {}}
    for name in sorted(wanted):
        plain = name.removeprefix("data.")
        if not plain.startswith(f"{provider}_"):
            continue
        # Classes of data sources begin with Data and the provider: DataDigitaloceanVpc; acronyms differ in case.
        short = plain.removeprefix(f"{provider}_").replace("_", "")
        key = f"data{provider}{short}" if name.startswith("data.") else short
        # A resource whose name a nested block of another one has is called …A.
        if not (found_class := classes.get(f"{key}a") or classes.get(key)):
            continue
        config = types[f"{found_class}Config"]
        found["types"][name] = {
            "arguments": _describe(types, config),
            "attributes": sorted({_format_name(each) for each in types[found_class]["properties"]}),
        }
        found["version"] = found["version"] or _find_version(config)
    return found


def _describe(types: Schema, struct: Schema) -> Schema:
    """Return arguments by name: whether they are required, and what a nested block has."""
    arguments: Schema = {}
    for each in struct.get("properties", []):
        if each.get("name") in INHERITED:
            continue
        nested = _find_nested(types, each["type"])
        arguments[_format_name(each)] = {
            "required": not each.get("optional", False),
            **({"block": _describe(types, nested)} if nested else {}),
        }
    return arguments


def _find_nested(types: Schema, kind: Any) -> Schema | None:
    if isinstance(kind, dict):
        name = kind.get("fqn", "")
        if name.startswith("@cdktf/provider-") and types[name]["kind"] == "interface":
            return dict(types[name])
        for value in kind.values():
            if found := _find_nested(types, value):
                return found
    for value in kind if isinstance(kind, list) else ():
        if found := _find_nested(types, value):
            return found
    return None


def _format_name(described: Schema) -> str:
    if match := LINK.search(json.dumps(described.get("docs", {}))):
        return match["name"]
    return re.sub(r"(?<!^)(?=[A-Z])", "_", described["name"]).lower()


def _find_version(config: Schema) -> str:
    match = LINK.search(json.dumps(config))
    return match["version"] if match else ""
