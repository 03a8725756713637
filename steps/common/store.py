"""The store of datasets: a local folder or an S3 bucket behind one interface."""

import hashlib
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol
from urllib.parse import unquote, urlsplit

from steps.common.errors import AccessRefused, NotFound, SentinelError, StorageFull, is_storage_full
from steps.common.settings import StoreSettings
from steps.common.store_errors import build_not_found, translate_s3_error

FILE_SCHEME = "file://"
CHUNK_BYTES = 1 << 20


class Store(Protocol):
    """Objects by key (`a/b/c`); a write is atomic: readers see all of it or nothing."""

    url: str

    def list_keys(self, prefix: str) -> list[str]:
        """Return the keys below a prefix (a folder, without its slash; empty for all), sorted."""

    def exists(self, key: str) -> bool:
        """Return whether there is an object with this key."""

    def read(self, key: str) -> bytes:
        """Return the bytes of a small object. Raises: NotFound."""

    def write(self, key: str, content: bytes) -> None:
        """Write an object atomically."""

    def upload(self, key: str, path: Path) -> None:
        """Write a file's content as an object, atomically."""

    def iter_chunks(self, key: str) -> Iterator[bytes]:
        """Yield an object's bytes in chunks. Raises: NotFound."""

    def ensure_local(self, key: str, folder: Path) -> Path:
        """Return a local file with the object's bytes, downloaded into `folder` if necessary. Raises: NotFound."""

    def move(self, source: str, target: str) -> None:
        """Give an object another key, without downloading its bytes."""

    def delete(self, prefix: str) -> None:
        """Delete everything below a prefix, if there is anything."""


def open_store(settings: StoreSettings) -> Store:
    """Open the store at `STORE_URL`."""
    if settings.store_url.startswith(FILE_SCHEME):
        # Not by urlsplit: in a folder's name, ? and # are letters, which people write as they are.
        return FolderStore(Path(unquote(settings.store_url.removeprefix(FILE_SCHEME))))
    parts = urlsplit(settings.store_url)
    return S3Store(parts.netloc, parts.path.strip("/"), _create_s3_client(settings))


def hash_object(store: Store, key: str) -> str:
    """Return the SHA-256 of an object in hexadecimal, read in chunks.

    Raises:
        NotFound: there is no such object.
    """
    digest = hashlib.sha256()
    for chunk in store.iter_chunks(key):
        digest.update(chunk)
    return digest.hexdigest()


class FolderStore:
    """A store in a local folder."""

    def __init__(self, folder: Path) -> None:
        self.url = folder.as_uri()
        self._folder = folder

    def list_keys(self, prefix: str) -> list[str]:
        """Return the keys below a prefix, sorted."""
        top = self._folder / prefix
        return sorted(path.relative_to(self._folder).as_posix() for path in top.rglob("*") if path.is_file())

    def exists(self, key: str) -> bool:
        """Return whether the file exists."""
        return (self._folder / key).is_file()

    def read(self, key: str) -> bytes:
        """Return the bytes of a small file."""
        return b"".join(self.iter_chunks(key))

    def write(self, key: str, content: bytes) -> None:
        """Write a file atomically."""
        with self._replace(key) as file:
            file.write(content)

    def upload(self, key: str, path: Path) -> None:
        """Copy a file atomically."""
        with self._replace(key) as file, path.open("rb") as source:
            shutil.copyfileobj(source, file, CHUNK_BYTES)

    def iter_chunks(self, key: str) -> Iterator[bytes]:
        """Yield a file's bytes in chunks."""
        try:
            with (self._folder / key).open("rb") as file:
                while chunk := file.read(CHUNK_BYTES):
                    yield chunk
        except FileNotFoundError:
            raise build_not_found(self.url, key) from None

    def ensure_local(self, key: str, folder: Path) -> Path:
        """Return the path of the stored file itself."""
        if not self.exists(key):
            raise build_not_found(self.url, key)
        return self._folder / key

    def move(self, source: str, target: str) -> None:
        """Rename a file."""
        try:
            (self._folder / target).parent.mkdir(parents=True, exist_ok=True)
            (self._folder / source).replace(self._folder / target)
        except OSError as error:
            raise _translate_os_error(self.url, error) from None

    def delete(self, prefix: str) -> None:
        """Delete a folder."""
        shutil.rmtree(self._folder / prefix, ignore_errors=True)

    @contextmanager
    def _replace(self, key: str) -> Iterator[BinaryIO]:
        """Yield a temporary file that replaces the target once it is complete and on disk."""
        target = self._folder / key
        temporary = target.with_name(f".{target.name}-{uuid.uuid4().hex}")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(target)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise _translate_os_error(self.url, error) from None


class S3Store:
    """A store in a bucket of any S3-compatible service, below a prefix."""

    def __init__(self, bucket: str, prefix: str, client: Any) -> None:
        self.url = f"s3://{bucket}/{prefix}".rstrip("/")
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._client = client

    def list_keys(self, prefix: str) -> list[str]:
        """Return the keys below a prefix, sorted."""
        with self._translate_errors(prefix):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=self._prefix + (f"{prefix}/" if prefix else "")
            )
            found = [item["Key"] for page in pages for item in page.get("Contents", [])]
        return sorted(key.removeprefix(self._prefix) for key in found if not key.endswith("/"))

    def exists(self, key: str) -> bool:
        """Return whether the object exists."""
        try:
            with self._translate_errors(key):
                self._client.head_object(Bucket=self._bucket, Key=self._prefix + key)
        except NotFound:
            return False
        return True

    def read(self, key: str) -> bytes:
        """Return the bytes of a small object."""
        return b"".join(self.iter_chunks(key))

    def write(self, key: str, content: bytes) -> None:
        """Put an object."""
        with self._translate_errors(key):
            self._client.put_object(Bucket=self._bucket, Key=self._prefix + key, Body=content)

    def upload(self, key: str, path: Path) -> None:
        """Put an object from a file."""
        with self._translate_errors(key), path.open("rb") as file:
            self._client.put_object(Bucket=self._bucket, Key=self._prefix + key, Body=file)

    def iter_chunks(self, key: str) -> Iterator[bytes]:
        """Yield an object's bytes in chunks."""
        with self._translate_errors(key):
            body = self._client.get_object(Bucket=self._bucket, Key=self._prefix + key)["Body"]
            yield from body.iter_chunks(CHUNK_BYTES)

    def ensure_local(self, key: str, folder: Path) -> Path:
        """Download the object into `folder` and return its path."""
        target = folder / key
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as file:
            file.writelines(self.iter_chunks(key))
        return target

    def move(self, source: str, target: str) -> None:
        """Copy the object within the service, then delete the source."""
        with self._translate_errors(source):
            self._client.copy(
                {"Bucket": self._bucket, "Key": self._prefix + source}, self._bucket, self._prefix + target
            )
            self._client.delete_object(Bucket=self._bucket, Key=self._prefix + source)

    def delete(self, prefix: str) -> None:
        """Delete everything below a prefix."""
        for key in self.list_keys(prefix):
            with self._translate_errors(key):
                self._client.delete_object(Bucket=self._bucket, Key=self._prefix + key)

    @contextmanager
    def _translate_errors(self, key: str) -> Iterator[None]:
        """Translate boto3's exceptions into errors that a person can fix."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except (BotoCoreError, ClientError) as error:
            raise translate_s3_error(error, self.url, key) from None


def _create_s3_client(settings: StoreSettings) -> Any:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    key, secret = settings.s3_access_key_id, settings.s3_secret_access_key
    config = Config(
        connect_timeout=10,
        read_timeout=60,
        retries={"mode": "standard", "max_attempts": 5},
        # Services that are not Amazon's refuse the checksums of today's boto3; manifests have checksums of their own.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    try:
        return boto3.client(
            "s3",
            endpoint_url=settings.s3_endpoint_url,
            aws_access_key_id=key.get_secret_value() if key else None,
            aws_secret_access_key=secret.get_secret_value() if secret else None,
            config=config,
        )
    except (BotoCoreError, ValueError) as error:
        raise translate_s3_error(error, settings.store_url) from None


def _translate_os_error(url: str, error: OSError) -> SentinelError | OSError:
    if is_storage_full(error):
        return StorageFull(f"The store {url} is full.", advice="Free some space and run it again.")
    if isinstance(error, PermissionError):
        return AccessRefused(f"The store {url} is not writable.", advice="Check the owner of the folder.")
    return error
