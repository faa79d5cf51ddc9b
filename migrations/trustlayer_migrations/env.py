"""What Alembic runs: on the connection that it is given, or on that of `-x url=…`."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from trustlayer.audit.databases import connect, for_writing
from trustlayer.audit.months import is_partition
from trustlayer.audit.schema import VERSION_TABLE
from trustlayer.audit.tables import Base


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        version_table=VERSION_TABLE,
        render_as_batch=True,  # SQLite cannot alter a table otherwise
        include_name=lambda name, kind, _: kind != "table" or not is_partition(name),
    )
    with context.begin_transaction():
        context.run_migrations()


if (given := context.config.attributes.get("connection")) is not None:
    run(given)
else:
    url = context.get_x_argument(as_dictionary=True).get("url", "sqlite://")
    assert isinstance(url, str)
    with for_writing(connect(url)).begin() as made:
        run(made)
