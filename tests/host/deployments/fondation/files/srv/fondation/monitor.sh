#!/bin/bash
echo "=== service ==="
sudo systemctl status fondation-worker --no-pager | head -n 5
echo "=== container ==="
docker-compose -f /srv/fondation/docker-compose.prod.yml ps
echo "=== health ==="
curl -s http://localhost:8080/health | jq . || echo "not responding"
echo "=== log ==="
sudo journalctl -u fondation-worker -n 20 --no-pager
df -h /
free -h
