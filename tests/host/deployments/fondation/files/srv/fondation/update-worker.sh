#!/bin/bash
# As the setup script writes it: pull, restart, look. The pull cannot work for an image that no registry has.
set -e
cd /srv/fondation
docker-compose -f docker-compose.prod.yml pull
sudo systemctl restart fondation-worker
sudo systemctl status fondation-worker --no-pager
