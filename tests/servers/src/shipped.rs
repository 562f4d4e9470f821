//! The configurations in `monitoring/` as they are shipped, changed only in what each deployment changes in them: addresses,
//! folders, names. What is to be changed has to be there: a test or a command that adapts in vain says so.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

/// A file of `monitoring/`.
#[derive(Clone, Debug)]
pub struct Shipped {
    file: PathBuf,
    text: String,
}

impl Shipped {
    /// Where the files are.
    pub fn folder() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../monitoring")
    }

    /// Reads one, named from `monitoring/`.
    ///
    /// # Errors
    ///
    /// It can't be read.
    pub fn read(file: &str) -> anyhow::Result<Self> {
        let file = Self::folder().join(file);
        let text =
            std::fs::read_to_string(&file).with_context(|| format!("can't read {}", file.display()))?;
        Ok(Self { file, text })
    }

    /// The same, with other words for those that are shipped, wherever they stand.
    ///
    /// # Errors
    ///
    /// They are not there.
    pub fn with(mut self, shipped: &str, own: &str) -> anyhow::Result<Self> {
        ensure!(self.text.contains(shipped), "{} has no {shipped:?}", self.file.display());
        self.text = self.text.replace(shipped, own);
        Ok(self)
    }

    /// `prometheus.yml` for the instances of one canary, with the shipped rules and an Alertmanager on this port.
    ///
    /// # Errors
    ///
    /// As [`Shipped::with`].
    pub fn prometheus(canary: &str, consoles: &[SocketAddr], alertmanager: u16) -> anyhow::Result<Self> {
        let rules = Self::folder().join("prometheus/rules.yml").canonicalize().context("no rules.yml")?;
        let targets: Vec<String> = consoles.iter().map(|console| format!("\"{console}\"")).collect();
        Self::read("prometheus/prometheus.yml")?
            .with("rule_files: [rules.yml]", &format!("rule_files: [{rules:?}]"))?
            .with("\"127.0.0.1:9093\"", &format!("\"127.0.0.1:{alertmanager}\""))?
            .with("\"127.0.0.1:8080\"", &targets.join(", "))?
            .with("canary: prod", &format!("canary: {canary}"))
    }

    /// The flags that VictoriaMetrics is shipped with, without those that say where it listens and stores.
    ///
    /// # Errors
    ///
    /// The file can't be read, or has no `ARGS`.
    pub fn victoria_metrics_flags() -> anyhow::Result<Vec<String>> {
        let shipped = Self::read("victoriametrics/victoria-metrics.default")?;
        let flags = shipped.text.lines().find_map(|line| line.strip_prefix("ARGS=\"")?.strip_suffix('"'));
        let flags = flags.with_context(|| format!("{} has no ARGS", shipped.file.display()))?;
        let own = ["-storageDataPath=", "-httpListenAddr="];
        let is_own = |flag: &&str| own.iter().any(|own| flag.starts_with(own));
        Ok(flags.split(' ').filter(|flag| !is_own(flag)).map(str::to_owned).collect())
    }

    /// The text as it is now.
    pub fn text(&self) -> &str {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_not_changed_in_silence() {
        let error =
            Shipped::read("alertmanager/alertmanager.yml").unwrap().with("group_wait: 7h", "").unwrap_err();
        assert!(error.to_string().ends_with("alertmanager.yml has no \"group_wait: 7h\""), "{error}");
    }

    #[test]
    fn prometheus_gets_its_targets_and_keeps_the_rest() {
        let consoles = [SocketAddr::from(([127, 0, 0, 1], 1)), SocketAddr::from(([127, 0, 0, 1], 2))];
        let own = Shipped::prometheus("demo", &consoles, 3).unwrap();
        for line in [
            r#"      - targets: ["127.0.0.1:1", "127.0.0.1:2"]"#,
            r#"        - targets: ["127.0.0.1:3"]"#,
            "          canary: demo",
            "    honor_labels: true",
        ] {
            assert!(own.text().lines().any(|own| own == line), "{line}: {}", own.text());
        }
    }

    #[test]
    fn victoria_metrics_flags_are_those_that_the_trend_needs() {
        let flags = Shipped::victoria_metrics_flags().unwrap();
        assert!(flags.contains(&"-retentionPeriod=60d".to_owned()), "{flags:?}");
        assert!(!flags.iter().any(|flag| flag.contains("storageDataPath")), "{flags:?}");
    }
}
