#!/usr/bin/env bash
# Every five minutes: would tell an ntfy topic, which a test host has not.
STATUS=$(curl -s --max-time 10 http://localhost:3000/api/health | jq -r .status)
[ "$STATUS" = ok ] || echo "$(date -u +%FT%TZ) ai-fsm is ${STATUS:-unreachable}"
