"""The store of datasets: a folder or an S3 bucket behind the same few calls."""

import errno
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol
from urllib.parse import urlsplit

from steps.common.errors import AccessRefused, NotFound, SentinelError, StorageFull, Unavailable
from steps.common.settings import StoreSettings

CHUNK_BYTES = 1 << 20
REFUSED_CODES = frozenset(
    {"AccessDenied", "403", "Forbidden", "InvalidAccessKeyId", "SignatureDoesNotMatch", "XAdminUserNotFound"}
)
"""What S3 says of a key that is wrong or may not do this; the last is versitygw's word for one that it doesn't know."""


class Store(Protocol):
    """Objects by key (`a/b/c`); a write is seen whole or not at all."""

    url: str

    def keys(self, prefix: str) -> list[str]:
        """All keys below a prefix (a folder, without its slash), in order."""

    def exists(self, key: str) -> bool:
        """Whether there is an object of this key."""

    def read(self, key: str) -> bytes:
        """A small object's bytes. Raises: NotFound."""

    def write(self, key: str, content: bytes) -> None:
        """Make the object, in one move."""

    def upload(self, key: str, path: Path) -> None:
        """Make the object from a file, in one move."""

    def chunks(self, key: str) -> Iterator[bytes]:
        """An object's bytes, a piece at a time. Raises: NotFound."""

    def local(self, key: str, folder: Path) -> Path:
        """A file with the object's bytes: itself where it is one, a copy in the folder elsewhere. Raises: NotFound."""

    def move(self, source: str, target: str) -> None:
        """Give an object another key, without its bytes passing through here."""

    def delete(self, prefix: str) -> None:
        """Delete everything below a prefix; nothing there is fine."""


def open_store(settings: StoreSettings) -> Store:
    """The store that the settings name."""
    parts = urlsplit(settings.store_url)
    if parts.scheme == "file":
        return FolderStore(Path(parts.path))
    return S3Store(parts.netloc, parts.path.strip("/"), _s3_client(settings))


class FolderStore:
    """A folder on this machine."""

    def __init__(self, folder: Path) -> None:
        self.url = f"file://{folder}"
        self._folder = folder

    def keys(self, prefix: str) -> list[str]:
        """All keys below a prefix, in order."""
        top = self._folder / prefix
        return sorted(path.relative_to(self._folder).as_posix() for path in top.rglob("*") if path.is_file())

    def exists(self, key: str) -> bool:
        """Whether there is a file."""
        return (self._folder / key).is_file()

    def read(self, key: str) -> bytes:
        """A small file's bytes."""
        return b"".join(self.chunks(key))

    def write(self, key: str, content: bytes) -> None:
        """Write a file."""
        with self._replacing(key) as file:
            file.write(content)

    def upload(self, key: str, path: Path) -> None:
        """Copy a file."""
        with self._replacing(key) as file, path.open("rb") as source:
            shutil.copyfileobj(source, file, CHUNK_BYTES)

    def chunks(self, key: str) -> Iterator[bytes]:
        """A file's bytes, a piece at a time."""
        try:
            with (self._folder / key).open("rb") as file:
                while chunk := file.read(CHUNK_BYTES):
                    yield chunk
        except FileNotFoundError:
            raise _nothing_at(self.url, key) from None

    def local(self, key: str, folder: Path) -> Path:
        """The file itself."""
        if not self.exists(key):
            raise _nothing_at(self.url, key)
        return self._folder / key

    def move(self, source: str, target: str) -> None:
        """Rename a file."""
        (self._folder / target).parent.mkdir(parents=True, exist_ok=True)
        (self._folder / source).replace(self._folder / target)

    def delete(self, prefix: str) -> None:
        """Delete a folder."""
        shutil.rmtree(self._folder / prefix, ignore_errors=True)

    @contextmanager
    def _replacing(self, key: str) -> Iterator[BinaryIO]:
        """A file beside the target that takes its place once it is whole and on disk."""
        target = self._folder / key
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = target.with_name(f".{target.name}-{uuid.uuid4().hex}")
        try:
            with beside.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            beside.replace(target)
        except OSError as error:
            beside.unlink(missing_ok=True)
            raise _os_error(self.url, error) from None


class S3Store:
    """A bucket of any S3-compatible service, below a prefix."""

    def __init__(self, bucket: str, prefix: str, client: Any) -> None:
        self.url = f"s3://{bucket}/{prefix}".rstrip("/")
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._client = client

    def keys(self, prefix: str) -> list[str]:
        """All keys below a prefix, in order."""
        with self._told(prefix):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=f"{self._prefix}{prefix}/"
            )
            found = [item["Key"] for page in pages for item in page.get("Contents", [])]
        return sorted(key.removeprefix(self._prefix) for key in found if not key.endswith("/"))

    def exists(self, key: str) -> bool:
        """Whether there is an object."""
        try:
            with self._told(key):
                self._client.head_object(Bucket=self._bucket, Key=self._prefix + key)
        except NotFound:
            return False
        return True

    def read(self, key: str) -> bytes:
        """A small object's bytes."""
        return b"".join(self.chunks(key))

    def write(self, key: str, content: bytes) -> None:
        """Put an object."""
        with self._told(key):
            self._client.put_object(Bucket=self._bucket, Key=self._prefix + key, Body=content)

    def upload(self, key: str, path: Path) -> None:
        """Put an object from a file."""
        with self._told(key), path.open("rb") as file:
            self._client.put_object(Bucket=self._bucket, Key=self._prefix + key, Body=file)

    def chunks(self, key: str) -> Iterator[bytes]:
        """An object's bytes, a piece at a time."""
        with self._told(key):
            body = self._client.get_object(Bucket=self._bucket, Key=self._prefix + key)["Body"]
            yield from body.iter_chunks(CHUNK_BYTES)

    def local(self, key: str, folder: Path) -> Path:
        """A copy in the folder."""
        target = folder / key
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as file:
            file.writelines(self.chunks(key))
        return target

    def move(self, source: str, target: str) -> None:
        """Copy inside the service, then delete the source."""
        with self._told(source):
            self._client.copy(
                {"Bucket": self._bucket, "Key": self._prefix + source}, self._bucket, self._prefix + target
            )
            self._client.delete_object(Bucket=self._bucket, Key=self._prefix + source)

    def delete(self, prefix: str) -> None:
        """Delete everything below a prefix."""
        for key in self.keys(prefix):
            with self._told(key):
                self._client.delete_object(Bucket=self._bucket, Key=self._prefix + key)

    @contextmanager
    def _told(self, key: str) -> Iterator[None]:
        """Turn what boto3 raises into what a person can mend."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except ClientError as error:
            raise _s3_error(self.url, key, error) from None
        except BotoCoreError as error:
            raise Unavailable(
                f"The store {self.url} does not answer: {error}", advice="Check S3_ENDPOINT_URL and the network."
            ) from None


def _s3_client(settings: StoreSettings) -> Any:
    import boto3
    from botocore.config import Config

    key, secret = settings.s3_access_key_id, settings.s3_secret_access_key
    return boto3.client(
        "s3",
        endpoint_url=settings.s3_endpoint_url,
        aws_access_key_id=key.get_secret_value() if key else None,
        aws_secret_access_key=secret.get_secret_value() if secret else None,
        config=Config(connect_timeout=10, read_timeout=60, retries={"mode": "standard", "max_attempts": 5}),
    )


def _s3_error(url: str, key: str, error: Any) -> NotFound | AccessRefused | StorageFull | Unavailable:
    code = str(error.response.get("Error", {}).get("Code", ""))
    if code == "NoSuchBucket":
        return NotFound(f"The bucket of {url} does not exist.", advice="Create it, or correct STORE_URL.")
    if code in {"NoSuchKey", "404", "NotFound"}:
        return _nothing_at(url, key)
    if code in REFUSED_CODES:
        return AccessRefused(
            f"The store {url} refuses the key ({code}).",
            advice="Check S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY and the key's rights on the bucket.",
        )
    if code in {"QuotaExceeded", "InsufficientStorage", "XMinioStorageFull", "507"}:
        return StorageFull(f"The store {url} is full ({code}).", advice="Free some space or raise the quota.")
    return Unavailable(f"The store {url} answers {code or 'an error'}.", advice="Try again; check its health.")


def _os_error(url: str, error: OSError) -> SentinelError | OSError:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return StorageFull(f"The store {url} is full.", advice="Free some space and run it again.")
    if isinstance(error, PermissionError):
        return AccessRefused(f"The store {url} can't be written to.", advice="Check who owns the folder.")
    return error


def _nothing_at(url: str, key: str) -> NotFound:
    return NotFound(f"Nothing at {key} in {url}.", advice="Check the address, and that the step before has finished.")
