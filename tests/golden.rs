//! Does this proxy get this configuration, and would Envoy take it?

use chancery_tests::golden::{Scenario, validate};
use chancery_tests::setup;

#[test]
fn every_sidecar_is_as_expected() {
    let scenarios = Scenario::all("sidecar");
    assert!(scenarios.len() >= 22, "only {} scenarios", scenarios.len());
    let differences: Vec<String> = scenarios.iter().filter_map(|scenario| scenario.check().err()).collect();
    assert!(differences.is_empty(), "{} differ:\n{}", differences.len(), differences.join("\n"));
}

#[test]
fn a_sidecar_generated_twice_has_the_same_bytes() {
    for scenario in Scenario::all("sidecar") {
        let (one, other) = (scenario.generate(), scenario.generate());
        assert_eq!(one.view.version, other.view.version, "{}", scenario.name);
        for (one, other) in one.view.all().zip(other.view.all()) {
            assert_eq!(one.delta_chunk(), other.delta_chunk(), "{}: {one:?}", scenario.name);
        }
    }
}

/// Envoy takes no listener without an address, so what it would say to these is not asked: real gRPC libraries are, in
/// `tests/grpc/`.
#[test]
fn every_grpc_program_is_as_expected() {
    let scenarios = Scenario::all("grpc");
    assert!(scenarios.len() >= 10, "only {} scenarios", scenarios.len());
    let differences: Vec<String> = scenarios.iter().filter_map(|scenario| scenario.check().err()).collect();
    assert!(differences.is_empty(), "{} differ:\n{}", differences.len(), differences.join("\n"));
}

#[test]
fn envoy_takes_every_sidecar() {
    if !setup::has_envoy("golden") {
        return;
    }
    let envoy = setup::envoy().expect("it was there a moment ago");
    let refused: Vec<String> = Scenario::all("sidecar")
        .iter()
        .filter_map(|scenario| {
            let refusal = validate(&scenario.generate(), &envoy).err()?;
            Some(format!("{}: {refusal}", scenario.name))
        })
        .collect();
    assert!(refused.is_empty(), "{} refused:\n{}", refused.len(), refused.join("\n"));
}
