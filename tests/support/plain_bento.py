"""A Bento without BentoML and in no time, for tests that are about where it stands and not what is in it."""

import shutil
from pathlib import Path

from steps.packaging import archive
from steps.register import package
from steps.scoring import signature


def build(
    model: Path, registration: package.RegisteredVersion, tag: str, scratch: Path, signing_key: str | None = None
) -> Path:
    """In the place of `package.make`: the model, what is told of it, and the tag."""
    folder, packed = scratch / "plain", scratch / "plain.bento"
    shutil.copytree(model, folder)
    (folder / package.REGISTRATION_FILE).write_bytes(registration.to_json())
    if signing_key:
        (folder / signature.SIGNATURE).write_bytes(signature.sign(folder, signing_key))
    (folder / "tag").write_text(tag)
    archive.pack(folder, packed)
    return packed
