#!/bin/sh
# Bring Temporal's two databases up to date, start the server, and see that it has the namespace that everything is in.
set -eu

for part in temporal visibility; do
    case $part in temporal) database=temporal ;; *) database=temporal_visibility ;; esac
    tool="temporal-sql-tool --plugin postgres12_pgx --database $database"
    # Makes the table of versions where there is none, and leaves a later version alone.
    $tool setup-schema --version 0.0
    $tool update-schema --schema-name "postgresql/v12/$part"
done

{
    until temporal operator namespace describe --namespace default > /dev/null 2>&1; do
        temporal operator namespace create --namespace default --retention 72h > /dev/null 2>&1 || sleep 0.5
    done
} &

exec temporal-server --root /etc/temporal --config config --env postgres --allow-no-auth start
