#!/usr/bin/env bash
# Every five minutes from root's crontab: six public hosts of eleven, and a file each with up or down.
set -uo pipefail
STATE=/var/lib/prim/health
mkdir -p "$STATE"
# BEGIN ENDPOINTS
ENDPOINTS=(wallet.prim.sh store.prim.sh faucet.prim.sh spawn.prim.sh search.prim.sh email.prim.sh)
# END ENDPOINTS
for host in "${ENDPOINTS[@]}"; do
    status=down
    curl -fsS --max-time 10 -o /dev/null "https://$host/" 2>/dev/null && status=up
    echo "$status" >"$STATE/${host//./-}.status"
    [ "$status" = up ] || echo "$(date -u +%FT%TZ) $host down"
done
