#!/bin/bash
# Postgres' image runs this once, when its volume is new: FlowForge and Temporal each get a role and databases of their
# own, so that neither can touch the other's, and each is backed up and restored by itself.
set -euo pipefail

psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
    --set flowforge_password="$FLOWFORGE_PASSWORD" --set temporal_password="$TEMPORAL_PASSWORD" << 'SQL'
create role flowforge login password :'flowforge_password';
create role temporal login password :'temporal_password';
create database flowforge owner flowforge;
create database temporal owner temporal;
create database temporal_visibility owner temporal;
revoke connect on database flowforge, temporal, temporal_visibility from public;
SQL
