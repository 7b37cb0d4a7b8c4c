#!/bin/sh
# Brings both of Temporal's databases to the schema of this very release; doing it again changes nothing.
set -eu
for database in temporal temporal_visibility; do
    versions=/etc/temporal/schema/postgresql/v12/${database#temporal_}/versioned
    tool="temporal-sql-tool --plugin postgres12 --endpoint $DB_HOST --port 5432 --user temporal --database $database"
    $tool setup-schema --version 0.0
    $tool update-schema --schema-dir "$versions"
done
