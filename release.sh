#!/usr/bin/env bash
# Builds a binary for hosts with an older C library (2.17: CentOS 7, Debian 8, Ubuntu 14.04 and all later). The plain
# `cargo build --release` needs 2.34 (Debian 12, Ubuntu 22.04, RHEL 9). Needs Python with pip; leaves a virtual
# environment in target/zig. What `./check` asserts of the plain binary is asserted of this one.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")"

target=x86_64-unknown-linux-gnu
[[ -x target/zig/bin/cargo-zigbuild ]] || {
    python3 -m venv target/zig
    target/zig/bin/pip install --quiet ziglang cargo-zigbuild
}
PATH="$PWD/target/zig/bin:$PATH" cargo-zigbuild zigbuild --release --target "$target.2.17"
OPSCTL_BINARY=$PWD/target/$target/release/opsctl OPSCTL_GLIBC=2.17 cargo test --quiet --test binary
