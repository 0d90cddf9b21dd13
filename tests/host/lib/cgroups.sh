# shellcheck shell=bash
# A control group of its own for each host. Sourced, never run.
#
# systemd-nspawn --keep-unit boots the host inside the caller's group. Two hosts started from one shell would then share one
# tree, and each systemd would manage the other's services. So each supervisor first moves into a group named after its host,
# in every hierarchy of the machine (many with cgroup v1, one with v2), and `down` removes those trees.

group_name() { printf 'opsctl-test-host-%s-%s' "$(state_id)" "$1"; }

# group_directories: print this process's group in each mounted hierarchy, as a directory.
group_directories() {
    local id controllers path hierarchy
    while IFS=: read -r id controllers path; do
        if [[ $id == 0 ]]; then
            hierarchy=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)
        else
            hierarchy=$(awk -v wanted="$controllers" '$3 == "cgroup" && ("," $4 ",") ~ ("," wanted ",") { print $2; exit }' /proc/self/mounts)
        fi
        [[ -z $hierarchy || ! -d $hierarchy$path ]] || printf '%s\n' "${hierarchy}${path%/}"
    done </proc/self/cgroup
}

enter_own_groups() {
    local name parent group file
    name=$(group_name "$1")
    while read -r parent; do
        group=$parent/$name
        mkdir -p "$group"
        # A new cpuset has no processors, and nothing can move into it before it gets some.
        for file in cpuset.cpus cpuset.mems; do
            [[ ! -f $parent/$file || ! -f $group/$file ]] || cat "$parent/$file" >"$group/$file" 2>/dev/null || true
        done
        # With cgroup v2 Docker needs the controllers. A machine that does not let them through still boots the host.
        if [[ -f $parent/cgroup.subtree_control ]]; then
            sed 's/[a-z]\+/+&/g' "$parent/cgroup.controllers" 2>/dev/null >"$parent/cgroup.subtree_control" || true
        fi
        printf '%s\n' "$$" >"$group/cgroup.procs"
    done < <(group_directories)
}

# groups_of NAME: print the directory of every group that belongs to a host, alive or not.
groups_of() {
    local name hierarchy
    name=$(group_name "$1")
    while read -r hierarchy; do
        find "$hierarchy" -maxdepth 6 -type d -name "$name" -prune -print 2>/dev/null || true
    done < <(awk '$3 ~ /^cgroup2?$/ { print $2 }' /proc/self/mounts)
}

# remove_groups NAME: kill whatever still runs in a host's groups (its supervisor may have been killed alone), then remove them.
remove_groups() {
    local groups pids tries
    mapfile -t groups < <(groups_of "$1")
    ((${#groups[@]})) || return 0
    for ((tries = 0; tries < 100; tries++)); do
        mapfile -t pids < <(find "${groups[@]}" -name cgroup.procs -exec cat {} + 2>/dev/null | sort -u)
        ((${#pids[@]})) || break
        kill -KILL "${pids[@]}" 2>/dev/null || true
        sleep 0.1
    done
    # rmdir refuses a group that still holds a process.
    find "${groups[@]}" -depth -type d -exec rmdir {} \; 2>/dev/null || true
}
