#!/bin/sh
# Once, when the database is made: the portal's role and its database. The role is no superuser, may make neither databases nor
# roles, and no policy of a row is past it. It owns its tables, for the migrations; the policies are forced upon the owner too.
set -eu
psql --set=ON_ERROR_STOP=1 --set=password="$MAAKAV_PASSWORD" --username postgres <<'SQL'
CREATE ROLE maakav LOGIN PASSWORD :'password' NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS NOREPLICATION;
CREATE DATABASE maakav OWNER maakav;
REVOKE ALL ON DATABASE maakav FROM PUBLIC;
SQL
