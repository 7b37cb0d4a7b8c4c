#!/bin/sh
# Run once by the postgres image, in an empty data directory: who owns what. `psql` quotes the passwords.
# proposals_owner owns the tables and is used by `proposals migrate` alone; what the service is cannot alter evidence.
set -eu
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
    --set owner_password="$PROPOSALS_OWNER_PASSWORD" \
    --set service_password="$PROPOSALS_SERVICE_PASSWORD" \
    --set temporal_password="$TEMPORAL_DB_PASSWORD" <<'SQL'
CREATE ROLE proposals_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE proposals_service LOGIN PASSWORD :'service_password';
CREATE ROLE temporal LOGIN PASSWORD :'temporal_password';
CREATE DATABASE proposals OWNER proposals_owner;
CREATE DATABASE temporal OWNER temporal;
CREATE DATABASE temporal_visibility OWNER temporal;
REVOKE CONNECT ON DATABASE proposals, temporal, temporal_visibility FROM PUBLIC;
GRANT CONNECT ON DATABASE proposals TO proposals_service;
SQL
