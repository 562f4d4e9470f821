//! What the console says of this deployment: its plan, from the settings, and its source folders, from their manifests.

use canary_console::{Plan, PlannedPath, Source};
use serde::Deserialize;

use crate::settings::Settings;

/// The folders of the parts, in the order of a test's way, each with its manifest.
const MANIFESTS: [(&str, &str); 11] = [
    ("domain/", include_str!("../../domain/Cargo.toml")),
    ("runner/", include_str!("../../runner/Cargo.toml")),
    ("validators/", include_str!("../../validators/Cargo.toml")),
    ("store/", include_str!("../../store/Cargo.toml")),
    ("judge/", include_str!("../../judge/Cargo.toml")),
    ("console/", include_str!("../../console/Cargo.toml")),
    ("export/", include_str!("../../export/Cargo.toml")),
    ("outbound/", include_str!("../../outbound/Cargo.toml")),
    ("telemetry/", include_str!("../../telemetry/Cargo.toml")),
    ("service/", include_str!("../Cargo.toml")),
    ("sandbox/", include_str!("../../sandbox/Cargo.toml")),
];

/// The plan of a deployment.
pub(crate) fn plan(settings: &Settings) -> Plan {
    let times = &settings.times;
    let paths = settings.routes.iter().map(|route| PlannedPath {
        name: route.name.clone(),
        backend: route.backend,
        source_frame: route.from.frame.clone(),
        dest_frame: route.to.frame.clone(),
        amount: route.amount,
        from: route.from.name.clone(),
        to: route.to.name.clone(),
        deadline: settings.deadlines.get(&route.backend).copied().unwrap_or(route.backend.rule().deadline),
    });
    Plan {
        canary: settings.canary.clone(),
        cadence: settings.cadence,
        sweep_every: times.sweep_every,
        watch: times.watch,
        call_timeout: times.call_timeout,
        blind_after: times.blind_after,
        silence_after: times.silence_after,
        backstop_every: times.backstop_every,
        exports: settings.export.is_some(),
        paths: paths.collect(),
    }
}

/// The folders of the source, each with its crate's description.
pub(crate) fn sources() -> Vec<Source> {
    MANIFESTS.iter().map(|(folder, manifest)| Source { folder, what: description(manifest) }).collect()
}

#[derive(Deserialize)]
struct Manifest {
    package: Package,
}

#[derive(Deserialize)]
struct Package {
    description: String,
}

/// Empty for a manifest without one; a test sees to it that there is none.
fn description(manifest: &str) -> String {
    toml::from_str(manifest).map_or_else(|_| String::new(), |manifest: Manifest| manifest.package.description)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_folder_says_what_it_is() {
        for Source { folder, what } in sources() {
            assert!(what.ends_with('.'), "{folder}: {what:?}");
        }
    }
}
