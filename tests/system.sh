#!/usr/bin/env bash
# What the tests need of the system: PostgreSQL's server. Without it, and without the right to
# install it, the tests on PostgreSQL skip and say so.
set -euo pipefail
if compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || command -v initdb >/dev/null; then
  exit 0
fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq postgresql postgresql-common >/dev/null
else
  echo "PostgreSQL's server is not installed: its tests will skip (apt-get install postgresql)"
fi
