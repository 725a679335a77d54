"""Values of rows as JSON has them, and back as the columns of a table want them."""

import base64
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Column, Date, LargeBinary, Numeric, Table

from archive.tables.schema import Instant


def plain(value: Any) -> Any:
    """Return a value as JSON: instants RFC 3339 UTC, days ISO 8601, bytes base64, decimals as text."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value


def row_of(table: Table, told: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """Return the columns of a table that JSON tells of, as the columns want them; more wins."""
    row = {name: _value(table.c[name], value) for name, value in told.items() if name in table.c}
    return {**row, **more}


def _value(column: Column[Any], value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if isinstance(column.type, Instant):
        return datetime.fromisoformat(value)
    if isinstance(column.type, Date):
        return date.fromisoformat(value)
    if isinstance(column.type, LargeBinary):
        return base64.b64decode(value)
    return Decimal(value) if isinstance(column.type, Numeric) else value
