#!/bin/sh
# Runs once, when the data volume is empty: a database and a user of its own for every <NAME>_DATABASE_PASSWORD
# in the environment. The user owns its database; nobody else may even connect to it.
set -eu

env | sed -n 's/^\([A-Z]*\)_DATABASE_PASSWORD=.*/\1/p' | sort | while read -r prefix; do
  name=$(printf '%s' "$prefix" | tr '[:upper:]' '[:lower:]')
  # \getenv keeps the password out of the process list.
  psql --username "$POSTGRES_USER" --dbname postgres --quiet --set ON_ERROR_STOP=1 --set name="$name" <<SQL
\getenv password ${prefix}_DATABASE_PASSWORD
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name";
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
  echo "database $name is ready for user $name"
done
psql --username "$POSTGRES_USER" --dbname postgres --quiet --set ON_ERROR_STOP=1 \
  --command 'REVOKE CONNECT ON DATABASE postgres, template1 FROM PUBLIC'
