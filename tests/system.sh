#!/usr/bin/env bash
# What the tests need of the system: PostgreSQL's server, PgBouncer, Chromium. Without them, and without
# the right to install them, the tests on PostgreSQL and in the browser skip and say so.
set -euo pipefail
missing=()
compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || command -v initdb >/dev/null ||
  missing+=(postgresql postgresql-common)
command -v pgbouncer >/dev/null || missing+=(pgbouncer)
command -v chromium >/dev/null || command -v chromium-browser >/dev/null ||
  command -v google-chrome >/dev/null || missing+=(chromium)
[ ${#missing[@]} = 0 ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}" >/dev/null
else
  echo "not installed, so that their tests will skip: ${missing[*]} (apt-get install)"
fi
