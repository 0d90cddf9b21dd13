#!/usr/bin/env bash
# Builds a binary for hosts with an older C library (2.17: CentOS 7, Debian 8, Ubuntu 14.04 and all later). The plain
# `cargo build --release` needs 2.34 (Debian 12, Ubuntu 22.04, RHEL 9). Needs Python with pip; leaves a virtual
# environment in target/zig.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")"

target=x86_64-unknown-linux-gnu
[[ -x target/zig/bin/cargo-zigbuild ]] || {
    python3 -m venv target/zig
    target/zig/bin/pip install --quiet ziglang cargo-zigbuild
}
PATH="$PWD/target/zig/bin:$PATH" cargo-zigbuild zigbuild --release --target "$target.2.17"
binary=target/$target/release/opsctl
newest=$(objdump -T "$binary" | grep -o 'GLIBC_[0-9.]*' | sort -uV | tail -n 1)
echo "$binary needs $newest"
[[ $(printf '%s\nGLIBC_2.17\n' "$newest" | sort -V | tail -n 1) == GLIBC_2.17 ]]
