//! The registry, and the few ways in which metrics are declared.

use std::collections::HashMap;

use canary_domain::Backend;
use prometheus::core::Collector;
use prometheus::{
    Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry,
    Result,
};

/// The labels of one path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathLabels {
    /// Its name.
    pub path: String,
    /// Its backend.
    pub backend: Backend,
    /// The agent that sends on it.
    pub agent: String,
}

/// A registry that puts `canary_` before every name and the label `canary` on every series.
///
/// # Errors
/// When the deployment's name can't be a label value.
pub fn new_registry(canary: &str) -> Result<Registry> {
    Registry::new_custom(Some("canary".into()), Some(HashMap::from([("canary".into(), canary.into())])))
}

/// Registers `canary_build_info`.
///
/// # Errors
/// When it is registered already.
pub fn process_info(registry: &Registry, version: &str) -> Result<()> {
    let info = gauges(registry, "build_info", "The running version; always 1.", &["version"])?;
    info.with_label_values(&[version]).set(1.0);
    Ok(())
}

pub(crate) fn counters(
    registry: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
) -> Result<IntCounterVec> {
    keep(registry, IntCounterVec::new(Opts::new(name, help), labels)?)
}

pub(crate) fn gauges(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> Result<GaugeVec> {
    keep(registry, GaugeVec::new(Opts::new(name, help), labels)?)
}

pub(crate) fn int_gauges(
    registry: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
) -> Result<IntGaugeVec> {
    keep(registry, IntGaugeVec::new(Opts::new(name, help), labels)?)
}

pub(crate) fn gauge(registry: &Registry, name: &str, help: &str) -> Result<Gauge> {
    keep(registry, Gauge::new(name, help)?)
}

pub(crate) fn histograms(
    registry: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
    buckets: &[f64],
) -> Result<HistogramVec> {
    keep(registry, HistogramVec::new(HistogramOpts::new(name, help).buckets(buckets.to_vec()), labels)?)
}

pub(crate) fn histogram(registry: &Registry, name: &str, help: &str, buckets: &[f64]) -> Result<Histogram> {
    keep(registry, Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets.to_vec()))?)
}

fn keep<C: Collector + Clone + 'static>(registry: &Registry, collector: C) -> Result<C> {
    registry.register(Box::new(collector.clone()))?;
    Ok(collector)
}
