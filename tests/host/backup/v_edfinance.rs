//! The full cycle of v-edfinance: the database whose name stands in the URL of its application.

use super::*;

#[test]
fn a_cycle_on_v_edfinance() {
    let machine = Machine::boot_as("v-edfinance", "it-v-edfinance-backup");
    remote(&machine, "r2", "v-edfinance-backup");
    cycle(&machine, &["database"]);
    let made = document(&machine, "backup list", 0);
    assert!(made["backups"][0]["rows"].as_u64().unwrap() > 0, "{made:#}");
    // What is restored is what was copied, row for row.
    restored(&machine, "database");
    let again = document(&machine, "backup database", 0);
    assert_eq!(again["sets"][0]["warning"], Value::Null, "{again:#}");
    opsctl(&machine, "restore --forget-old -y", 0);
    // I1: whoever still uses the database is named, and nothing is exchanged.
    machine.sh(
        "systemd-run --quiet --unit=reader docker exec vedfinance-postgres psql -U postgres -d vedfinance_staging \
         -c 'SELECT pg_sleep(1000)'; sleep 1",
    );
    let open = document(&machine, "restore database -y --settle 500ms", 9);
    assert_eq!(open["outcome"], "untouched", "{open:#}");
    assert!(open["summary"].as_str().unwrap().contains("it is still open in psql"), "{open:#}");
    machine.sh("systemctl stop reader; docker exec vedfinance-postgres pkill -f pg_sleep || true; sleep 1");
    opsctl(&machine, "status", 0);
}
