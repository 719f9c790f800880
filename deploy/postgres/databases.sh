#!/bin/sh
# A database and a user of its own for every <NAME>_DATABASE_PASSWORD in the environment. The user owns its database;
# no other may even connect to it. Runs when the data volume is first filled; run it again after adding a service or
# changing a password: docker compose exec postgres sh /docker-entrypoint-initdb.d/databases.sh
set -eu

run_sql() {
  psql --username "${POSTGRES_USER:-postgres}" --dbname postgres --quiet --set ON_ERROR_STOP=1 "$@"
}

for prefix in $(env | sed -n 's/^\([A-Z]*\)_DATABASE_PASSWORD=.*/\1/p' | sort); do
  name=$(printf '%s' "$prefix" | tr '[:upper:]' '[:lower:]')
  # \getenv keeps the password out of the process list.
  run_sql --set name="$name" <<SQL
\getenv password ${prefix}_DATABASE_PASSWORD
SELECT format('CREATE ROLE %I LOGIN', :'name')
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'name') \gexec
ALTER ROLE :"name" PASSWORD :'password';
SELECT format('CREATE DATABASE %I OWNER %I', :'name', :'name')
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \gexec
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
  echo "database $name is ready for user $name"
done
run_sql --command 'REVOKE CONNECT ON DATABASE postgres, template1 FROM PUBLIC'
