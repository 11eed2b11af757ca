#!/usr/bin/env bash
# Makes a Docker image of PostgreSQL out of Debian packages, for TEST_POSTGRES_IMAGE where no registry is at hand.
#
#   test/kit/postgres-image.sh [name] [version] [release]     unless given: postgres:15 15 bookworm
#
# The image is asked as the official one is: POSTGRES_USER, POSTGRES_PASSWORD and POSTGRES_DB on the first start, the server's own
# arguments after `postgres`. Needs root, debootstrap and a Docker engine; DEBIAN_MIRROR names another mirror than debootstrap's own. Not for serving.
set -euo pipefail

name=${1:-postgres:15}
version=${2:-15}
release=${3:-bookworm}

folder=$(mktemp --directory)
root=$folder/root
# a build that is broken off leaves /proc of this machine mounted in there: nothing may be removed through that
trap 'umount --recursive --quiet "$root/proc" "$root/sys" 2>/dev/null || true; rm -rf --one-file-system "$folder"' EXIT

debootstrap --variant=minbase --include="postgresql-$version" "$release" "$root" ${DEBIAN_MIRROR:+"$DEBIAN_MIRROR"}
rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*

# what a container does first: become the server's own user, make a cluster where there is none yet, and then the server
cat >"$root/entrypoint.sh" <<'START'
#!/bin/bash
set -euo pipefail
if [ "$(id -u)" = 0 ]; then
  install --directory --owner=postgres --group=postgres --mode=0700 "$PGDATA"
  exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
fi
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  user=${POSTGRES_USER:-postgres}
  database=${POSTGRES_DB:-$user}
  initdb --pgdata="$PGDATA" --username="$user" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") \
    --encoding=UTF8 --locale=C.UTF-8 --auth-local=trust --auth-host=scram-sha-256
  printf 'host all all all scram-sha-256\n' >>"$PGDATA/pg_hba.conf"
  if [ "$database" != postgres ]; then
    printf 'create database "%s";\n' "$database" | postgres --single -D "$PGDATA" postgres >/dev/null
  fi
fi
exec "$@" -c listen_addresses='*'
START
chmod 755 "$root/entrypoint.sh"

bin=/usr/lib/postgresql/$version/bin
tar --create --directory="$root" . | docker import \
  --change "ENV PATH=$bin:/usr/sbin:/usr/bin:/sbin:/bin" \
  --change 'ENV PGDATA=/var/lib/postgresql/data' \
  --change 'ENTRYPOINT ["/entrypoint.sh"]' \
  --change 'CMD ["postgres"]' \
  --change 'EXPOSE 5432' \
  - "$name"
