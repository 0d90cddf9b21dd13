#!/bin/bash
# Interactive on the real host: a login in a container that has the credentials directory. Here it only writes a new one.
set -e
printf '{"claudeAiOauth":{"accessToken":"dummy-secret-claude-%s"}}\n' "$(date +%s)" | sudo tee /srv/claude-creds/.credentials.json >/dev/null
sudo chown -R "$USER" /srv/claude-creds
