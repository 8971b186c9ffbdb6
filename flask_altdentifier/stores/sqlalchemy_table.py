"""The table of `SQLAlchemyStore`, and its statements."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Column,
    Connection,
    Index,
    LargeBinary,
    MetaData,
    Table,
    Text,
    bindparam,
    delete,
    insert,
    inspect,
    select,
    update,
)
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.sql.dml import UpdateBase

#: Most records that one statement of `clear` deletes.
BATCH = 500
#: Most expired records that one statement deletes.
EXPIRED_BATCH = 30

TABLE = Table(
    "altdentifier_records",
    MetaData(),
    # Bytes, because databases compare text by the rules of a language. MySQL ignores case and
    # trailing spaces. PostgreSQL may sort other keys between those with one prefix.
    Column(
        "key",
        LargeBinary(200).with_variant(mysql.VARBINARY(200), "mysql", "mariadb"),
        primary_key=True,
    ),
    Column(
        "value",
        Text().with_variant(mysql.LONGTEXT(charset="utf8mb4"), "mysql", "mariadb"),
        nullable=False,
    ),
    # Milliseconds since 1970: an integer, which `pop` can compare exactly.
    Column("expires_at", BigInteger, nullable=False),
    Index("altdentifier_records_expires_at", "expires_at"),
)
_key, _value, _expires_at = TABLE.c
_RECORD: dict[str, BindParameter[Any]] = {
    "key": bindparam("the_key"),
    "value": bindparam("the_value"),
    "expires_at": bindparam("the_end"),
}

GET = select(_value, _expires_at).where(
    _key == bindparam("the_key"), _expires_at > bindparam("now")
)
UPDATE = (
    update(TABLE)
    .where(_key == bindparam("the_key"))
    .values(value=bindparam("the_value"), expires_at=bindparam("the_end"))
)
INSERT = insert(TABLE).values(_RECORD)
DELETE = delete(TABLE).where(_key == bindparam("the_key"))
DELETE_UNCHANGED = DELETE.where(_expires_at == bindparam("the_end"))
DELETE_LISTED = delete(TABLE).where(_key.in_(bindparam("keys", expanding=True)))
EXPIRED_KEYS = (
    select(_key).where(_expires_at <= bindparam("now")).order_by(_expires_at).limit(EXPIRED_BATCH)
)
KEYS_IN_RANGE = (
    select(_key, _expires_at)
    .where(_key >= bindparam("first"), _key < bindparam("end"))
    .order_by(_key)
    .limit(BATCH)
)


def _on_conflict(insert: Any) -> UpdateBase:
    new = {"value": insert.excluded.value, "expires_at": insert.excluded.expires_at}
    statement: UpdateBase = insert.on_conflict_do_update(index_elements=["key"], set_=new)
    return statement


def _on_duplicate_key(insert: mysql.Insert) -> UpdateBase:
    return insert.on_duplicate_key_update(
        value=insert.inserted.value, expires_at=insert.inserted.expires_at
    )


#: Statements that create or overwrite a record, by dialect. Others need `insert_or_update`.
UPSERTS: dict[str, UpdateBase] = {
    "mariadb": _on_duplicate_key(mysql.insert(TABLE).values(_RECORD)),
    "mysql": _on_duplicate_key(mysql.insert(TABLE).values(_RECORD)),
    "postgresql": _on_conflict(postgresql.insert(TABLE).values(_RECORD)),
    "sqlite": _on_conflict(sqlite.insert(TABLE).values(_RECORD)),
}


def insert_or_update(connection: Connection, record: dict[str, Any]) -> None:
    """Insert the record, or overwrite it if another process has inserted it first."""
    try:
        connection.execute(INSERT, record)
    except IntegrityError:
        connection.execute(UPDATE, record)


def create_table(connection: Connection) -> None:
    """Create the table and its index if they do not exist. Several workers can do so at once."""
    for create in (TABLE.create, *(index.create for index in TABLE.indexes)):
        try:
            create(connection, checkfirst=True)
        except DBAPIError:  # another worker was faster, or the user has no permission
            if not inspect(connection).has_table(TABLE.name):
                raise


def delete_expired(connection: Connection, now: int) -> None:
    """Delete a few expired records, sorted by key so that two workers do not deadlock."""
    keys = connection.scalars(EXPIRED_KEYS, {"now": now}).all()
    connection.commit()  # see `SQLAlchemyStore._commit`
    if keys:
        connection.execute(DELETE_LISTED.where(_expires_at <= now), {"keys": sorted(keys)})
