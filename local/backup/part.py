"""The parts of an installation."""

from enum import StrEnum


class BackupPart(StrEnum):
    """What can be backed up and restored by itself; what refers to another part comes before it."""

    MONGODB = "mongodb"
    REGISTRY = "registry"
    STORE = "store"
