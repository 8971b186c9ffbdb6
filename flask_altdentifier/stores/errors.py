"""The errors of the stores. Only the name of the class reaches the log."""

from __future__ import annotations


class StoreError(Exception):
    """Base of the errors of this module."""


class StoreDirectoryMissing(StoreError):
    """The directory of the SQLite file does not exist."""


class StoreFileMissing(StoreError):
    """The SQLite file that this process has used was deleted."""


class StoreFileReplaced(StoreFileMissing):
    """Another file has replaced the SQLite file that this process has used."""


class StoreFileForeign(StoreError):
    """Another user owns the SQLite file, in a directory where everybody can create files."""


class CannotOpenDatabase(StoreError):
    """SQLite cannot open the file, or cannot create its `-wal` and `-shm` files beside it."""


class NotADatabase(StoreError):
    """The file is not an SQLite database."""


class DatabaseDamaged(StoreError):
    """The file is a damaged SQLite database."""


class NewerDatabaseVersion(StoreError):
    """The file was written by a newer version of this package."""


class StoreBusy(StoreError):
    """Another process kept the SQLite file locked for too long."""


class StoreFull(StoreError):
    """The disk is full."""


class StoreReadOnly(StoreError):
    """The process cannot write to the SQLite file."""
