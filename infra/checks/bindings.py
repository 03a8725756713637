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
LINK = re.compile(r"registry\.terraform\.io/providers/[^/]+/[^/]+/(?P<version>[^/]+)/docs[^#]*#(?P<name>\w+)")
INHERITED = frozenset({"alias", "count", "forEach", "provider", "dependsOn", "lifecycle", "provisioners", "connection"})
PRIMITIVES = {"string": "string", "number": "number", "boolean": "bool", "any": "dynamic"}
MAPS = {
    "cdktf.IResolvable": "bool",
    "cdktf.StringMap": ["map", "string"],
    "cdktf.NumberMap": ["map", "number"],
    "cdktf.BooleanMap": ["map", "bool"],
    "cdktf.AnyMap": ["map", "string"],
    "cdktf.StringMapList": ["list", ["map", "string"]],
}
"""What the bindings call maps; a computed boolean is of the first."""
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
    lines = [f"{json.dumps(name)}: {json.dumps(about, sort_keys=True)}" for name, about in names["types"].items()]
    head = f'{{"_": {json.dumps(source)}, "version": {json.dumps(names["version"])}, "types": {{'
    path.write_text(head + "\n" + ",\n".join(lines) + "\n}}\n", "utf-8")
    return path


def extract(assembly: Schema, provider: str, wanted: set[str]) -> Schema:
    """Return the provider's version and, for each wanted type, its arguments, blocks and attributes.

    Types are named as in HCL: `digitalocean_vpc`, or `data.digitalocean_vpc` of a data source. What the provider itself
    takes is `provider.digitalocean`.
    """
    types = assembly["types"]
    classes = {name.rpartition(".")[2].lower(): name for name in types if f"{name}Config" in types}
    settings = types[classes[f"{provider}provider"] + "Config"]
    found: Schema = {
        "version": _find_version(settings),
        "types": {f"provider.{provider}": {"arguments": _describe(types, settings, INHERITED), "attributes": {}}},
    }
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
        arguments = _describe(types, config, INHERITED)
        computed = _list_computed(types, types[found_class], config)
        found["types"][name] = {"arguments": arguments, "attributes": computed}
    return found


def _describe(types: Schema, struct: Schema, left_out: frozenset[str] = frozenset()) -> Schema:
    """Return arguments by name: whether they are required, and their type, or what a nested block has."""
    arguments: Schema = {}
    for each in struct.get("properties", []):
        if each["name"] in left_out:
            continue
        about: Schema = {"required": not each.get("optional", False)}
        if nested := _find_nested(types, each["type"]):
            about |= {"block": _describe(types, nested), "many": "collection" in json.dumps(each["type"])}
            if reference := types.get(f"{nested['fqn']}OutputReference"):
                computed = _list_computed(types, reference, nested)
                about["block"] |= {name: {"required": False, "computed": kind} for name, kind in computed.items()}
        else:
            about["type"] = _format_type(types, each["type"])
        arguments[_format_name(each)] = about
    return arguments


def _list_computed(types: Schema, described: Schema, config: Schema) -> Schema:
    """Return what only the provider sets, by name, with its type."""
    own = {each["name"] for each in config.get("properties", [])}
    own |= {f"{name}Input" for name in own} | {"internalValue", "terraformAttribute"}
    return {
        _format_name(each): _format_type(types, each["type"])
        for each in described.get("properties", [])
        if each["name"] not in own and not each.get("static")
    }


def _format_type(types: Schema, kind: Any) -> Any:
    """Return a type as Terraform writes it in JSON: `["list", "string"]`, which may be a set with the provider."""
    if "primitive" in kind:
        return PRIMITIVES[kind["primitive"]]
    if "collection" in kind:
        name = "list" if kind["collection"]["kind"] == "array" else "map"
        return [name, _format_type(types, kind["collection"]["elementtype"])]
    if "union" in kind:
        (other,) = (each for each in kind["union"]["types"] if each.get("fqn") != "cdktf.IResolvable")
        return _format_type(types, other)
    if (fqn := kind["fqn"]) in MAPS:
        return MAPS[fqn]
    if reference := types.get(f"{fqn.removesuffix('List')}OutputReference") if fqn.endswith("List") else types.get(fqn):
        computed = _list_computed(types, reference, {})
        return ["list", ["object", computed]] if fqn.endswith("List") else ["object", computed]
    raise ValueError(f"There is no rule for the type {fqn}.")


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
