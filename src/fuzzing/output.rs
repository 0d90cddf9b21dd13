//! Parsers of what wrapped tools print.

use super::bytes::{seen, text};
use crate::host::tools::{
    self, boot, crontab, docker, docker_engine, docker_logs, fstab, git, images, journalctl, nginx, procfs, rclone,
    resolver, sockets, timer, timer_file, ufw,
};
use crate::observe::probe;

/// `caddy adapt`.
pub fn caddy(bytes: &[u8]) {
    let found = tools::caddy::parse(&text(bytes));
    seen(found.map(|upstreams| upstreams.iter().map(tools::Upstream::port).collect::<Vec<_>>()));
    seen(tools::caddy::sites::targets(&text(bytes)));
    seen(tools::caddy::sites::imports(&text(bytes)));
}

/// Certificates that servers show.
pub fn certificate(bytes: &[u8]) {
    seen(probe::certificate(bytes));
}

/// `docker compose config`.
pub fn compose(bytes: &[u8]) {
    seen(tools::compose::parse(&text(bytes)));
    seen(tools::compose::Labels::parse(&text(bytes)));
    seen(tools::compose::differing(&text(bytes), "s", &text(bytes)));
}

/// `df`.
pub fn df(bytes: &[u8]) {
    seen(tools::mountinfo::parse(&text(bytes)));
}

/// What `docker` and its engine say of containers.
pub fn docker(bytes: &[u8]) {
    let text = text(bytes);
    let listed = docker::parse_ps(&text).unwrap_or_default().into_iter();
    for row in listed.chain(docker_engine::parse_api_list(&text).unwrap_or_default()) {
        seen(row.ailment());
    }
    seen((docker::parse_inspect(&text), docker_engine::parse_api_container(&text)));
    seen((
        tools::surroundings::of(&text),
        tools::surroundings::missing_part(&text),
        tools::surroundings::unable(-1, &text),
    ));
    seen(tools::surroundings::restart_policy(&text, "app"));
    seen((docker::only_missing(&text), docker::unreachable(&text), docker::newest_line(&text, "e")));
}

/// Logs of containers, in frames and without. Nothing is kept of a line beyond its bound.
pub fn docker_logs(bytes: &[u8]) {
    for mut rows in [docker_logs::Rows::framed(bytes), docker_logs::Rows::plain(bytes)] {
        while let Ok(Some(row)) = rows.next() {
            assert!(row.text.len() <= tools::lines::LINE_LIMIT && row.text.len() as u64 <= row.length);
        }
    }
}

/// The log of `dpkg`.
pub fn dpkg(bytes: &[u8]) {
    for run in tools::dpkg::runs(&text(bytes)) {
        seen(run.words());
    }
}

/// Answers of the docker engine before their body.
pub fn engine(bytes: &[u8]) {
    seen(probe::engine_head(&text(bytes)));
}

/// `git`.
pub fn git(bytes: &[u8]) {
    let text = text(bytes);
    seen((git::parse_status(&text), git::parse_commit(&text), git::parse_revision(&text)));
    seen((git::parse_existing(&text), git::parse_files(&text), git::is_revision(&text)));
    let settings = git::parse_settings(&text).unwrap_or_default();
    seen(git::parse_filters(&text, &settings));
    seen(git::status("/srv/app", None, &settings).to_string());
    seen(git::fetch("/srv/app", None, &settings, "main").to_string());
}

/// `docker image` and `docker system df`.
pub fn images(bytes: &[u8]) {
    let text = text(bytes);
    seen((images::parse_loaded(&text), images::parse_sizes(&text), images::parse_build_cache(&text)));
    seen(images::parse_list(&text));
}

/// What else `journalctl` says.
pub fn journalctl(bytes: &[u8]) {
    let text = text(bytes);
    seen((journalctl::parse_disk_usage(&text), journalctl::parse_oom_kills(&text)));
    for line in text.lines() {
        seen(journalctl::parse_suppressed(line));
    }
    seen(journalctl::denied(&text));
}

/// `mongorestore`.
pub fn mongodump(bytes: &[u8]) {
    seen(tools::mongodump::parse_restored(&text(bytes), "shop"));
}

/// `nginx -T`, for where hosts are sent.
pub fn nginx(bytes: &[u8]) {
    seen(nginx::parse(&text(bytes)));
    seen(nginx::sites::sites(&[text(bytes).into_owned()]));
    seen(nginx::sites::includes(&text(bytes)));
}

/// `nginx -T`, for a page in place of a site. A page that is made is understood again.
pub fn nginx_page(bytes: &[u8]) {
    let text = text(bytes);
    let file = "/etc/nginx/conf.d/00-opsctl.conf";
    if let Ok(site) = nginx::page::site(&text, &["plugspace.io"], file, "/health") {
        let page = site.page("/health", &text, 60);
        seen(site.main_with(file));
        assert_eq!(nginx::page::endpoints_of_page(&page), Some(site.endpoints()), "{page}");
    }
    seen(nginx::page::endpoints_of_page(&text));
}

/// `pm2 jlist`.
pub fn pm2(bytes: &[u8]) {
    seen(tools::pm2::parse_jlist(&text(bytes)));
}

/// Files of the kernel and of `/etc`, and env files.
pub fn procfs(bytes: &[u8]) {
    let text = text(bytes);
    seen((procfs::meminfo(&text), procfs::start_time(&text), procfs::loadavg(&text), procfs::processors(&text)));
    seen((
        procfs::uptime_seconds(&text),
        procfs::oom_kills(&text),
        sockets::listeners(&text),
        sockets::unix_listeners(&text),
    ));
    for kind in [crontab::Kind::System, crontab::Kind::User] {
        for entry in crontab::parse(&text, kind).entries {
            seen((entry.program(), entry.path_of("backup.sh")));
        }
    }
    for entry in fstab::parse(&text) {
        seen((entry.is_automatic(), entry.device_place()));
    }
    seen((resolver::nameservers(&text), resolver::sources(&text), resolver::addresses(&text, "localhost")));
    seen((resolver::is_bound(&text, 53), boot::parse(&text), ufw::admits(&text, 22)));
    seen((timer::parse(&text), timer_file::Made::of_units(&text, &text), timer_file::Made::of_table(&text)));
    seen((procfs::account(&text, |account| account.name == "app"), procfs::group_name(&text, 50)));
    seen((procfs::bounds(&text, &text, &text), tools::sqlite_file::write_locks(&text)));
    seen((tools::sqlite_file::header(bytes), tools::sqlite_file::is_damaged(bytes)));
    seen((procfs::group_has_members(&text, &text, 50, 0), procfs::groups_of(&text, "app").count()));
}

/// `rclone`.
pub fn rclone(bytes: &[u8]) {
    let text = text(bytes);
    seen((rclone::parse_list(&text), rclone::parse_version(&text)));
    for line in text.lines() {
        seen(rclone::parse_stats(line));
    }
}

/// `redis-check-rdb`.
pub fn redis_check_rdb(bytes: &[u8]) {
    seen(tools::redis_check_rdb::parse(&text(bytes)));
}

/// `systemctl show`.
pub fn systemctl(bytes: &[u8]) {
    let units = tools::systemctl::parse_show(&text(bytes)).unwrap_or_default();
    seen(units.iter().filter(|unit| unit.exists()).count());
    let settings = tools::unit_file::settings("/etc/systemd/system/a.service", &text(bytes));
    seen((tools::unit_file::access(&settings, "/srv/a"), tools::unit_file::cut_off(&settings)));
}

/// `systemd-analyze verify`.
pub fn systemd_analyze(bytes: &[u8]) {
    seen(tools::systemd_analyze::parse(&text(bytes)));
}

/// `timedatectl show`.
pub fn timedatectl(bytes: &[u8]) {
    seen(tools::timedatectl::parse(&text(bytes)));
}

/// Rules of `ufw`.
pub fn ufw(bytes: &[u8]) {
    let text = text(bytes);
    seen((ufw::is_enabled(&text), ufw::is_closed(&text), ufw::allowed(&text)));
}
