//! Units that only start others, and are judged by them.

use super::*;

static CLUSTERS: Service = Service::new("clusters", &LATER)
    .summary("several servers behind one unit")
    .severity_reason("nobody waits")
    .managers(&[Manager::Systemd(Unit::new("db.service").instances("db@*.service"))]);

/// The same, of which nobody stated that there are instances.
static UNSTATED: Service = Service::new("unstated", &LATER)
    .summary("several servers behind one unit")
    .severity_reason("nobody waits")
    .managers(&[Manager::Systemd(Unit::new("db.service"))]);

#[test]
fn b24_a_unit_that_only_starts_others_is_as_well_as_they_are() {
    let told_of = |service: &'static Service, umbrella: &str, instances: &[(&str, &str)]| {
        let unit = |name: &str, active: &str| UnitState {
            active: active.to_owned(),
            sub: if active == "active" && name == "db.service" { "exited" } else { "running" }.to_owned(),
            kind: if name == "db.service" { "oneshot" } else { "simple" }.to_owned(),
            ..running_unit(name)
        };
        let mut evidence = all_well(&[service]);
        *evidence.units() = vec![unit("db.service", umbrella)];
        evidence.units().extend(instances.iter().map(|(name, active)| unit(name, active)));
        let health = judge(&SHOP, &[service], &evidence);
        let service = &health.services[0];
        format!("{} {}: {}", service.unit.as_deref().unwrap(), service.state.label(), word(service.verdict))
    };
    let told = |umbrella: &str, instances: &[(&str, &str)]| {
        let stated = told_of(&CLUSTERS, umbrella, instances);
        assert_eq!(stated, told_of(&UNSTATED, umbrella, instances));
        stated
    };
    assert_eq!(told("active", &[]), "db.service completed: pass");
    assert_eq!(told("active", &[("db@17-main.service", "active")]), "db@17-main.service running: pass");
    let two = |second| told("active", &[("db@17-main.service", "active"), ("db@17-shop.service", second)]);
    assert_eq!(two("failed"), "db@17-shop.service failed: fail");
    // The unit that should have started it says that all is well.
    assert_eq!(two("inactive"), "db@17-shop.service stopped: fail");
    assert_eq!(told("inactive", &[("db@17-main.service", "inactive")]), "db.service stopped: fail");
    assert_eq!(told("inactive", &[("db@17-main.service", "active")]), "db@17-main.service running: pass");
    // One that serves itself is judged beside its instances.
    let beside = |active: &str| {
        let mut evidence = all_well(&[&CLUSTERS]);
        *evidence.units() = vec![running_unit("db@cache.service"), running_unit("db.service")];
        evidence.unit("db.service").active = active.to_owned();
        let health = judge(&SHOP, &[&CLUSTERS], &evidence);
        (health.services[0].unit.clone().unwrap(), word(health.services[0].verdict))
    };
    assert_eq!(beside("active").1, "pass");
    assert_eq!(beside("failed"), ("db.service".to_owned(), "fail"));
    assert_eq!(beside("inactive"), ("db.service".to_owned(), "fail"));
    // Another unit with a similar name is none.
    assert_eq!(told("active", &[("db@.service", "failed")]), "db.service completed: pass");
}
