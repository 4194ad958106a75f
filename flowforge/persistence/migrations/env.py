"""What Alembic runs for every command: it works on the connection, and in the transaction, it is given."""

from alembic import context

from flowforge.persistence.tables import inventory, ledger, orders, payments, warehouse
from flowforge.persistence.tables.metadata import METADATA

# Importing a table's module is what registers it.
REGISTERED = (inventory, ledger, orders, payments, warehouse)

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
