#!/bin/sh
# Build Temporal's server and its schema tool from source into FOLDER, laid out like an image, where no image can be pulled:
#
#   scripts/build-temporal-server.sh .flowforge/temporal-server
#   TEMPORAL_SERVER=.flowforge/temporal-server docker compose -f docker-compose.postgres.yml up --build
#
# Needs Go 1.25 or newer; some minutes the first time, nothing when it is done already.
set -eu

# The server that the tool of flowforge/temporal/ways.py is made of; docker-compose.postgres.yml names its image.
version=v1.29.1

die() { printf 'flowforge: %s\n' "$*" >&2; exit 1; }

[ $# = 1 ] || die "usage: $0 FOLDER"
mkdir -p "$1/usr/local/bin"
folder=$(cd "$1/usr/local/bin" && pwd)
if [ -x "$folder/temporal-server" ] && [ -x "$folder/temporal-sql-tool" ] && [ "$(cat "$folder/.version" 2> /dev/null)" = "$version" ]; then exit 0; fi
command -v go > /dev/null 2>&1 || die "Go is needed to build Temporal's server"

# In the module's own folder, so that its own go.sum holds.
source=$(cd "$folder" && go mod download -json "go.temporal.io/server@$version" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
[ -n "$source" ] || die "the source of Temporal's server cannot be fetched"
cd "$source"
export CGO_ENABLED=0
go build -mod=readonly -trimpath -ldflags "-s -w" -o "$folder/temporal-server" ./cmd/server
go build -mod=readonly -trimpath -ldflags "-s -w" -o "$folder/temporal-sql-tool" ./cmd/tools/sql
printf '%s\n' "$version" > "$folder/.version"
