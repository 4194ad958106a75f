"""The database: connections, tables, migrations. It knows no service and no order, only their rows."""
