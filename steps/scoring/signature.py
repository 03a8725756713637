"""Signatures of models, in the format of OpenSSF Model Signing: a Sigstore bundle over the hash of every file.

`model_signing verify key` of that project checks them too. The same files and the same key make the same signature, so
that a Bento stays reproducible.
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from steps.common.errors import ConfigurationError, DamagedArtefact
from steps.common.settings import SignatureSettings

SIGNATURE = "model.sig"
"""The file of the signature, beside the files that it covers."""
UNSIGNED = "unsigned"
SUBJECT = "pr-sentinel"
SIGN_AGAIN = "Set MODEL_SIGNING_KEY for register and run the pipeline again: it signs the champion again."
_BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
_PAYLOAD_TYPE = "application/vnd.in-toto+json"
_STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
_PREDICATE_TYPE = "https://model_signing/signature/v1.0"
_SERIALIZATION = {
    "method": "files",
    "hash_type": "sha256",
    "allow_symlinks": False,
    "ignore_paths": [SIGNATURE],
}
_HASHES: dict[str, hashes.HashAlgorithm] = {
    "secp256r1": hashes.SHA256(),
    "secp384r1": hashes.SHA384(),
    "secp521r1": hashes.SHA512(),
}
"""Of the curves P-256, P-384 and P-521, by their names."""
_PEM = re.compile(r"-----BEGIN PUBLIC KEY-----.+?-----END PUBLIC KEY-----", re.DOTALL)


class SignedModel(NamedTuple):
    """The SHA-256 of each file by its name, and the id of the key that has signed them."""

    files: Mapping[str, str]
    key_id: str


def sign(folder: Path, private_key: str) -> bytes:
    """Sign every file below a model's folder, and return the bundle.

    Raises:
        ConfigurationError: the key is not a private key that can be used.
        DamagedArtefact: there is a link below the folder.
    """
    key = _load_private_key(private_key)
    payload = json.dumps(_build_statement(_hash_files(folder)), sort_keys=True).encode()
    algorithm = ec.ECDSA(_HASHES[key.curve.name], deterministic_signing=True)
    signature = {"sig": _encode(key.sign(_add_length(payload), algorithm)), "keyid": ""}
    hint = _compute_key_id(key.public_key())
    bundle = {
        "mediaType": _BUNDLE_TYPE,
        "verificationMaterial": {"publicKey": {"hint": hint}, "tlogEntries": []},
        "dsseEnvelope": {"payload": _encode(payload), "payloadType": _PAYLOAD_TYPE, "signatures": [signature]},
    }
    return f"{json.dumps(bundle, indent=1)}\n".encode()


def find_key_id(private_key: str | None) -> str:
    """Return the id of a private key, the SHA-256 of its public key in PEM; `unsigned` without a key.

    Raises:
        ConfigurationError: the key is not a private key that can be used.
    """
    return _compute_key_id(_load_private_key(private_key).public_key()) if private_key else UNSIGNED


def read(folder: Path) -> dict[str, Any] | None:
    """Return the bundle of a model's folder without verifying it; None if the model is unsigned.

    Raises:
        DamagedArtefact: it is not valid JSON.
    """
    path = folder / SIGNATURE
    if not path.is_file():
        return None
    try:
        return dict(json.loads(path.read_bytes()))
    except (ValueError, TypeError):
        raise DamagedArtefact(f"{path} is not a valid signature.", advice=SIGN_AGAIN) from None


def verify(bundle: Any, public_keys: str) -> SignedModel:
    """Return what one of these keys has signed.

    Args:
        bundle: a bundle as `read` returns it; None for an unsigned model.
        public_keys: PEM, one key after the other.

    Raises:
        ConfigurationError: there is no public key that can be used.
        DamagedArtefact: the model is unsigned, or none of the keys has signed the bundle.
    """
    keys = _load_public_keys(public_keys)
    if bundle is None:
        raise DamagedArtefact(f"The model is {UNSIGNED}.", advice=SIGN_AGAIN)
    try:
        envelope = bundle["dsseEnvelope"]
        payload = base64.b64decode(envelope["payload"], validate=True)
        signatures = [base64.b64decode(one["sig"], validate=True) for one in envelope["signatures"]]
        for key in keys:
            if any(_has_signed(key, payload, signature) for signature in signatures):
                return SignedModel(_read_statement(payload), _compute_key_id(key))
    except (LookupError, TypeError, ValueError, AttributeError):
        raise DamagedArtefact("The signature of the model can't be read.", advice=SIGN_AGAIN) from None
    known = ", ".join(_compute_key_id(key)[:12] for key in keys)
    raise DamagedArtefact(
        f"The model is not signed by a key that is trusted here ({known}).",
        advice="Correct MODEL_PUBLIC_KEY, or find out who has signed this model.",
    )


def check(folder: Path, trust: SignatureSettings) -> SignedModel | None:
    """Make sure that a trusted key has signed every file below a folder; None if no signature is required.

    Raises:
        ConfigurationError: a signature is required, but no public key is set.
        DamagedArtefact: the model is unsigned, another key has signed it, or a file was changed, added, removed or
            replaced by a link.
    """
    if not is_required(trust):
        return None
    signed = verify(read(folder), str(trust.model_public_key))
    found = _hash_files(folder)
    wrong = sorted(name for name in found.keys() | signed.files.keys() if found.get(name) != signed.files.get(name))
    if wrong:
        raise DamagedArtefact(
            f"The model in {folder} is not as it was signed: {', '.join(wrong)} differs.",
            advice="Fetch the model again, or find out who has changed it.",
        )
    return signed


def is_required(trust: SignatureSettings) -> bool:
    """Return whether models must be signed: where it is so set, and wherever a public key is.

    Raises:
        ConfigurationError: it is so set, but no public key is.
    """
    if trust.model_public_key is None and trust.model_signature == "required":
        raise ConfigurationError(
            "MODEL_SIGNATURE is `required`, but MODEL_PUBLIC_KEY is not set.",
            advice="Set it to the public key that belongs to register's MODEL_SIGNING_KEY.",
        )
    return trust.model_public_key is not None


def _hash_files(folder: Path) -> dict[str, str]:
    """Return the hash of every file below a folder but the signature, by its name, sorted.

    Raises:
        DamagedArtefact: there is a link, whose target may change afterwards, or anything else that is not a file.
    """
    files = []
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise DamagedArtefact(
                f"The model in {folder} has {name}, which is neither a file nor a folder.",
                advice="Fetch the model again, without links.",
            )
        if path.is_file():
            files.append(name)
    files.sort()
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in files if name != SIGNATURE}


def _build_statement(files: Mapping[str, str]) -> dict[str, Any]:
    whole = hashlib.sha256(b"".join(bytes.fromhex(digest) for digest in files.values())).hexdigest()
    resources = [{"name": name, "algorithm": "sha256", "digest": digest} for name, digest in files.items()]
    return {
        "_type": _STATEMENT_TYPE,
        "subject": [{"name": SUBJECT, "digest": {"sha256": whole}}],
        "predicateType": _PREDICATE_TYPE,
        "predicate": {"serialization": _SERIALIZATION, "resources": resources},
    }


def _read_statement(payload: bytes) -> dict[str, str]:
    """Return the hashes in a statement.

    Raises:
        LookupError, TypeError, ValueError: it is of another kind, or its parts contradict one another.
    """
    statement = json.loads(payload)
    files = {one["name"]: one["digest"] for one in statement["predicate"]["resources"]}
    if statement != _build_statement(files):
        raise ValueError(statement["predicateType"])
    return files


def _add_length(payload: bytes) -> bytes:
    """Return what is signed: the payload behind its type and length (DSSE's pre-authentication encoding)."""
    return f"DSSEv1 {len(_PAYLOAD_TYPE)} {_PAYLOAD_TYPE} {len(payload)} ".encode() + payload


def _has_signed(key: ec.EllipticCurvePublicKey, payload: bytes, signature: bytes) -> bool:
    try:
        key.verify(signature, _add_length(payload), ec.ECDSA(_HASHES[key.curve.name]))
    except InvalidSignature:
        return False
    return True


def _load_private_key(text: str) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name not in _HASHES:
        raise ConfigurationError(
            "MODEL_SIGNING_KEY is not a private key in PEM of the curve P-256, P-384 or P-521.",
            advice="Make one: openssl ecparam -genkey -name prime256v1 -noout",
        )
    return key


def _load_public_keys(text: str) -> list[ec.EllipticCurvePublicKey]:
    keys = list(_iter_public_keys(text))
    if not keys:
        raise ConfigurationError(
            "MODEL_PUBLIC_KEY is not a public key in PEM of the curve P-256, P-384 or P-521.",
            advice="Make it from the private one: openssl ec -in KEY -pubout",
        )
    return keys


def _iter_public_keys(text: str) -> Iterator[ec.EllipticCurvePublicKey]:
    for pem in _PEM.findall(text):
        try:
            key = serialization.load_pem_public_key(pem.encode())
        except ValueError:
            continue
        if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _HASHES:
            yield key


def _compute_key_id(key: ec.EllipticCurvePublicKey) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return hashlib.sha256(key.public_bytes(serialization.Encoding.PEM, form)).hexdigest()


def _encode(content: bytes) -> str:
    return base64.b64encode(content).decode()
