#!/bin/sh
# opsctl from another machine: no terminal, no environment needed there. Usage: over-ssh.sh root@server
set -eu
server=$1

ssh "$server" opsctl status                                   # exit code 0, 3 (unhealthy) or 4 (could not tell)
ssh "$server" opsctl logs --all -e --since 10m                # errors of the last ten minutes, everywhere
ssh "$server" opsctl restart --dry-run wallet                 # what would be done; nothing is
ssh -t "$server" opsctl restart wallet                        # asks on the terminal that -t gives
ssh "$server" opsctl restart --yes --lock-wait=2m wallet      # does not ask; waits for another run to end
ssh "$server" opsctl redeploy --dry-run                       # every check of a new version, and each command of it
ssh "$server" opsctl redeploy --yes --lock-wait=10m           # from CI: 0 it runs, 1 untouched, 9 taken back
ssh "$server" opsctl rollback --list
ssh "$server" opsctl maintenance on --yes -m "'Back at 6.'"    # visitors read the message; the shell there takes quotes off too
ssh "$server" opsctl maintenance off --yes                      # also where a service behind the page is not well
ssh "$server" opsctl history -n 5 -o json | jq -r '.changes[] | "\(.time) \(.user) \(.operation): \(.outcome)"'
