"""What Alembic runs for every command: it works on the connection, and in the transaction, it is given."""

import importlib
import pkgutil

from alembic import context

from flowforge.persistence import tables
from flowforge.persistence.tables.metadata import METADATA

# Importing a table's module is what registers it.
for module in pkgutil.iter_modules(tables.__path__, f"{tables.__name__}."):
    importlib.import_module(module.name)

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
