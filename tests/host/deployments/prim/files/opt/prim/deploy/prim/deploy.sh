#!/usr/bin/env bash
# New code is in place: install, build, restart. As in the real repository it restarts six services of ten and looks at none.
set -euo pipefail
cd /opt/prim
echo "==> dependencies"
runuser -u prim -- pnpm install --frozen-lockfile --offline --silent
echo "==> middleware"
runuser -u prim -- /home/prim/.bun/bin/bun build packages/x402-middleware/src/index.ts --target bun --outdir packages/x402-middleware/dist >/dev/null
echo "==> services"
for name in wallet store faucet spawn search email; do
    systemctl restart "prim-$name"
done
echo "Deploy complete"
