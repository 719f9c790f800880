#!/bin/sh
# Prints fresh passwords for docker-compose.yml:  sh deploy/passwords.sh > .env
# PostgreSQL takes them when its volume is first filled; to change one later, ALTER ROLE … PASSWORD as well.
set -eu

for name in POSTGRES MENU_DATABASE ORDERS_DATABASE INVENTORY_DATABASE TILL_DATABASE REPORTS_DATABASE; do
  printf '%s_PASSWORD=%s\n' "$name" "$(od -An -N18 -tx1 /dev/urandom | tr -d ' \n')"
done
