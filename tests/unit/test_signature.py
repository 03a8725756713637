"""A model's signature holds for exactly the files and the key that made it, in the format of OpenSSF Model Signing."""

import base64
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from steps.common.errors import ConfigurationError, DamagedArtefact
from steps.common.settings import SignatureSettings
from steps.scoring import signature
from tests.support import signing_keys

KEYS, OTHER_KEYS = signing_keys.build(1), signing_keys.build(2)
TRUST = SignatureSettings(model_public_key=KEYS.public, model_signature="required")
ED25519 = (
    Ed25519PrivateKey.from_private_bytes(bytes(32))
    .public_key()
    .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    .decode()
)
FILES = {"model.onnx": b"\x08\x07", "manifest.json": b"{}", "version.json": b'{"version": "3"}'}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of files that are signed."""
    found = tmp_path / "model"
    found.mkdir()
    for name, content in FILES.items():
        (found / name).write_bytes(content)
    (found / signature.SIGNATURE).write_bytes(signature.sign(found, KEYS.private))
    return found


def rewrite(folder: Path, change: Callable[[Any], object]) -> None:
    """Change a signature's bundle."""
    path = folder / signature.SIGNATURE
    bundle = json.loads(path.read_bytes())
    change(bundle)
    path.write_text(json.dumps(bundle))


def restate(folder: Path, change: Callable[[Any], object]) -> None:
    """Change what a signature states, but not who has signed it."""

    def restated(bundle: Any) -> None:
        statement = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
        change(statement)
        bundle["dsseEnvelope"]["payload"] = base64.b64encode(json.dumps(statement).encode()).decode()

    rewrite(folder, restated)


def add_below(folder: Path) -> None:
    """Add a file to a folder inside."""
    (folder / "more").mkdir()
    (folder / "more" / "x").touch()


def test_files_that_are_as_they_were_signed_pass(folder: Path) -> None:
    """Every file is covered, and the key is named."""
    signed = signature.check(folder, TRUST)
    assert signed is not None
    assert set(signed.files) == set(FILES)
    assert signed.key_id == signature.find_key_id(KEYS.private) != signature.find_key_id(OTHER_KEYS.private)


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()], ids=lambda curve: str(curve.name))
def test_model_signing_itself_accepts_a_signature_and_refuses_a_changed_file(
    folder: Path, tmp_path: Path, curve: ec.EllipticCurve
) -> None:
    """The command of that project, of every curve that it takes."""
    keys = signing_keys.build(3, curve)
    (tmp_path / "public.pem").write_text(keys.public)
    path = folder / signature.SIGNATURE
    path.write_bytes(signature.sign(folder, keys.private))
    command = [sys.executable, "-m", "model_signing", "verify", "key", str(folder), "--signature", str(path)]
    command += ["--public_key", str(tmp_path / "public.pem")]
    accepted = subprocess.run(command, capture_output=True, text=True, check=False)
    assert accepted.returncode == 0, accepted.stdout + accepted.stderr
    (folder / "version.json").write_bytes(b"{}")
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "version.json" in refused.stdout + refused.stderr


def test_the_same_files_and_key_make_the_same_signature(folder: Path) -> None:
    """Else a Bento would have other bytes each time that it is built."""
    assert signature.sign(folder, KEYS.private) == (folder / signature.SIGNATURE).read_bytes()


def test_the_signed_statement_is_of_the_format_in_its_canonical_form(tmp_path: Path) -> None:
    """Others read it by that project's rules: no links, each file by its name, in the order of names."""
    hashes = {f"{number}.txt": hashlib.sha256(f"{number}".encode()).hexdigest() for number in [*range(9, 1, -1), 10, 1]}
    for name in hashes:
        (tmp_path / name).write_text(name.removesuffix(".txt"))
    names = sorted(hashes)
    whole = hashlib.sha256(b"".join(bytes.fromhex(hashes[name]) for name in names)).hexdigest()
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "predicate": {
            "resources": [{"algorithm": "sha256", "digest": hashes[name], "name": name} for name in names],
            "serialization": {
                "allow_symlinks": False,
                "hash_type": "sha256",
                "ignore_paths": ["model.sig"],
                "method": "files",
            },
        },
        "predicateType": "https://model_signing/signature/v1.0",
        "subject": [{"digest": {"sha256": whole}, "name": "pr-sentinel"}],
    }
    bundle = json.loads(signature.sign(tmp_path, KEYS.private))
    assert base64.b64decode(bundle["dsseEnvelope"]["payload"]).decode() == json.dumps(statement)


def replace_by_link(folder: Path) -> None:
    """Replace a file by a link to its like."""
    (folder / "manifest.json").rename(folder.parent / "manifest.json")
    (folder / "manifest.json").symlink_to(folder.parent / "manifest.json")


def link_folder(folder: Path) -> None:
    """Add a link to a folder of files."""
    (folder.parent / "other").mkdir()
    (folder.parent / "other" / "model.onnx").touch()
    (folder / "more").symlink_to(folder.parent / "other")


def add_junk(bundle: Any, part: str) -> None:
    """Add a character that no Base64 has to the payload or the signature."""
    envelope = bundle["dsseEnvelope"]
    holder = envelope if part == "payload" else envelope["signatures"][0]
    holder[part] = f"*{holder[part]}"


CHANGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a changed file": (lambda folder: (folder / "model.onnx").write_bytes(b"\x08\x08"), "model.onnx differs"),
    "another version number": (lambda folder: (folder / "version.json").write_bytes(b"{}"), "version.json differs"),
    "a file more": (lambda folder: (folder / "more.json").write_bytes(b"{}"), "more.json differs"),
    "a file in a folder more": (add_below, "more/x differs"),
    "a file less": (lambda folder: (folder / "manifest.json").unlink(), "manifest.json differs"),
    "no signature": (lambda folder: (folder / signature.SIGNATURE).unlink(), "The model is unsigned"),
    "another key": (
        lambda folder: (folder / signature.SIGNATURE).write_bytes(signature.sign(folder, OTHER_KEYS.private)),
        "not signed by a key that is trusted here",
    ),
    "another statement": (
        lambda folder: restate(folder, lambda found: found["predicate"]["resources"].pop()),
        "not signed by a key that is trusted here",
    ),
    "no signature inside": (
        lambda folder: rewrite(folder, lambda found: found["dsseEnvelope"]["signatures"].clear()),
        "not signed by a key that is trusted here",
    ),
    "an empty signature": (lambda folder: (folder / signature.SIGNATURE).write_bytes(b""), "is not a valid signature"),
    "a list": (lambda folder: (folder / signature.SIGNATURE).write_bytes(b"[1]"), "is not a valid signature"),
    "junk in the payload": (lambda folder: rewrite(folder, lambda found: add_junk(found, "payload")), "can't be read"),
    "junk in the signature": (lambda folder: rewrite(folder, lambda found: add_junk(found, "sig")), "can't be read"),
    "a link to the same file": (replace_by_link, "manifest.json, which is neither a file nor a folder"),
    "a link to a folder": (link_folder, "more, which is neither a file nor a folder"),
    "a link to nothing": (
        lambda folder: (folder / "more").symlink_to("none"),
        "more, which is neither a file nor a folder",
    ),
    "a pipe": (lambda folder: os.mkfifo(folder / "more"), "more, which is neither a file nor a folder"),
    "another object": (lambda folder: (folder / signature.SIGNATURE).write_bytes(b"{}"), "can't be read"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_is_not_as_it_was_signed_is_refused(name: str, folder: Path) -> None:
    """One change each, in words that name it."""
    change, said = CHANGES[name]
    change(folder)
    with pytest.raises(DamagedArtefact, match=said):
        signature.check(folder, TRUST)


def test_a_refusal_names_the_trusted_keys_by_the_beginnings_of_their_ids(folder: Path) -> None:
    """As long as `git` shows of a hash: enough to find the key, and short enough to be read."""
    ids = [signature.find_key_id(keys.private)[:12] for keys in (KEYS, OTHER_KEYS)]
    (folder / signature.SIGNATURE).write_bytes(signature.sign(folder, signing_keys.build(3).private))
    with pytest.raises(DamagedArtefact, match=rf"trusted here \({ids[0]}, {ids[1]}\)\."):
        signature.check(folder, SignatureSettings(model_public_key=KEYS.public + OTHER_KEYS.public))


@pytest.mark.parametrize(
    "change",
    [
        lambda found: found.update(predicateType="https://slsa.dev/provenance/v1"),
        lambda found: found.update(_type="https://in-toto.io/Statement/v0.1"),
        lambda found: found["subject"][0].update(name="another"),
        lambda found: found["subject"][0]["digest"].update(sha256="0" * 64),
        lambda found: found["predicate"]["resources"].append(found["predicate"]["resources"][0]),
        lambda found: found["predicate"]["serialization"].update(ignore_paths=["model.onnx"]),
        lambda found: found.clear(),
    ],
    ids=["predicate", "statement", "subject", "digest", "twice", "ignored files", "nothing"],
)
def test_another_statement_of_the_same_key_is_no_signature_of_a_model(
    folder: Path, change: Callable[[Any], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key may sign other things, too."""
    build = signature._build_statement

    def build_another(files: Any) -> Any:
        found = json.loads(json.dumps(build(files)))
        change(found)
        return found

    with monkeypatch.context() as patched:
        patched.setattr(signature, "_build_statement", build_another)
        (folder / signature.SIGNATURE).write_bytes(signature.sign(folder, KEYS.private))
    with pytest.raises(DamagedArtefact, match="can't be read"):
        signature.check(folder, TRUST)


def test_while_keys_change_several_are_trusted(folder: Path) -> None:
    """In either order; the signature names the one that it is of."""
    for keys in (KEYS.public + OTHER_KEYS.public, OTHER_KEYS.public + KEYS.public):
        signed = signature.check(folder, SignatureSettings(model_public_key=keys))
        assert signed is not None
        assert signed.key_id == signature.find_key_id(KEYS.private)


@pytest.mark.parametrize("other", ["rubbish", "of another curve", "of another kind"])
def test_a_key_of_no_use_hides_none_that_follows(folder: Path, other: str) -> None:
    """A list may hold keys for other things."""
    keys = {
        "rubbish": "-----BEGIN PUBLIC KEY-----\nrubbish\n-----END PUBLIC KEY-----\n",
        "of another curve": signing_keys.build(4, ec.SECP256K1()).public,
        "of another kind": ED25519,
    }
    assert signature.check(folder, SignatureSettings(model_public_key=keys[other] + KEYS.public)) is not None


@pytest.mark.parametrize("mode", ["optional", "required"])
def test_with_a_public_key_models_must_be_signed(folder: Path, mode: Any) -> None:
    """Whatever the other setting says."""
    (folder / signature.SIGNATURE).unlink()
    with pytest.raises(DamagedArtefact, match="unsigned"):
        signature.check(folder, SignatureSettings(model_public_key=KEYS.public, model_signature=mode))


def test_without_a_public_key_nothing_is_verified_unless_it_must_be(folder: Path) -> None:
    """A laptop has no keys; production must."""
    assert signature.check(folder, SignatureSettings()) is None
    with pytest.raises(ConfigurationError, match="MODEL_PUBLIC_KEY is not set"):
        signature.check(folder, SignatureSettings(model_signature="required"))


@pytest.mark.parametrize("key", ["", "secret", KEYS.public, signing_keys.build(4, ec.SECP256K1()).private])
def test_what_is_no_private_key_of_these_curves_signs_nothing(folder: Path, key: str) -> None:
    """It says which keys it takes, and shows none."""
    with pytest.raises(ConfigurationError) as refused:
        signature.sign(folder, key)
    assert refused.value.problem.endswith("of the curve P-256, P-384 or P-521.")


@pytest.mark.parametrize("key", ["rubbish", KEYS.private, ED25519, signing_keys.build(4, ec.SECP256K1()).public])
def test_what_is_no_public_key_of_these_curves_trusts_nothing(folder: Path, key: str) -> None:
    """So a slip in the settings accepts no model."""
    with pytest.raises(ConfigurationError, match="MODEL_PUBLIC_KEY is not a public key"):
        signature.check(folder, SignatureSettings(model_public_key=key))
