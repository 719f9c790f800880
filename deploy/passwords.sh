#!/bin/sh
# Prints fresh passwords for docker-compose.yml:  sh deploy/passwords.sh > .env
# To change one later: edit .env, start postgres again and run deploy/postgres/databases.sh in it once more.
set -eu

for name in POSTGRES MENU_DATABASE ORDERS_DATABASE INVENTORY_DATABASE TILL_DATABASE REPORTS_DATABASE GATEWAY_DATABASE; do
  printf '%s_PASSWORD=%s\n' "$name" "$(od -An -N18 -tx1 /dev/urandom | tr -d ' \n')"
done
