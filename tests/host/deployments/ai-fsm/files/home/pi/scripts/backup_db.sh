#!/usr/bin/env bash
# As the backup runbook has it: the redirection makes the file before pg_dump runs, and nothing looks at what is in it.
set -euo pipefail
STAMP=$(date +%Y%m%d_%H%M%S)
DIRECTORY=/home/pi/backups
docker exec ai-fsm-postgres pg_dump --username=ai_fsm --format=custom --compress=9 ai_fsm >"$DIRECTORY/ai_fsm_$STAMP.dump"
find "$DIRECTORY" -name '*.dump' -mtime +7 -delete
echo "$(date -u +%FT%TZ) ai_fsm_$STAMP.dump"
