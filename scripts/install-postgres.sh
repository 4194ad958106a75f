#!/bin/sh
# Install Debian's (or Ubuntu's) PostgreSQL server for the tests, which start one of their own: no cluster is made, and
# nothing runs afterwards. Needs root; where there is another package manager, say what is needed instead.
set -eu

die() { printf 'flowforge: %s\n' "$*" >&2; exit 1; }

for initdb in /usr/lib/postgresql/*/bin/initdb; do
    if [ -x "$initdb" ]; then exit 0; fi
done
if command -v initdb >/dev/null 2>&1 && command -v postgres >/dev/null 2>&1; then exit 0; fi

command -v apt-get >/dev/null 2>&1 || die "the tests need PostgreSQL's server programs (initdb, postgres) on PATH"
[ "$(id -u)" = 0 ] || die "the tests need PostgreSQL's server; run once: sudo $0"

export DEBIAN_FRONTEND=noninteractive
config=/etc/postgresql-common/createcluster.conf
if [ ! -e "$config" ]; then
    mkdir -p "${config%/*}"
    echo 'create_main_cluster = false' > "$config"
fi
apt-get update -q
apt-get install -y -q --no-install-recommends -o Dpkg::Options::=--force-confold postgresql
