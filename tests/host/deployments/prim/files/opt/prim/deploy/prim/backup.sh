#!/usr/bin/env bash
# The nightly copy of the databases to R2, in the shape of the real script: one object a day and database, pruned by the date in
# its name, nothing verified, exit status 0 whatever happens to a single database.
set -uo pipefail
DAY=$(date -u +%F)
REMOTE=r2backup:prim-backups
for name in wallet store faucet spawn; do
    copy=/tmp/prim-$name-$DAY.db
    if [ ! -f "/opt/prim/$name.db" ]; then
        echo "SKIP $name: no database"
        continue
    fi
    if sqlite3 "/opt/prim/$name.db" ".backup $copy" && rclone copyto "$copy" "$REMOTE/db/$name/$DAY.db"; then
        echo "OK $name"
    else
        echo "FAIL $name"
    fi
    rm -f "$copy"
done
OLDEST=$(date -u -d '30 days ago' +%F)
for name in wallet store faucet spawn; do
    for object in $(rclone lsf "$REMOTE/db/$name/" 2>/dev/null); do
        [[ "${object%.db}" < "$OLDEST" ]] && rclone deletefile "$REMOTE/db/$name/$object"
    done
done
echo "backup $DAY done"
