"""Entry point of Alembic: runs the migrations on the connection that `services/storage/migrate.py` passes."""

from alembic import context

from services.storage.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
