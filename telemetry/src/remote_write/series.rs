//! A series by its labels.

use std::fmt;

use super::protobuf;

const LABEL: u8 = 1;
const NAME: u8 = 1;
const VALUE: u8 = 2;

/// One series: its labels, sorted by name as the receiver wants them, and encoded once however often it is sent.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Series {
    labels: Vec<(String, String)>,
    encoded: Vec<u8>,
}

impl Series {
    /// The series of this metric and these labels. A label without a value is no label.
    #[must_use]
    pub fn new(metric: &str, labels: &[(&str, &str)]) -> Self {
        let mut labels: Vec<(String, String)> = labels
            .iter()
            .chain(&[("__name__", metric)])
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        labels.sort_unstable();
        let encoded = encode(&labels);
        Self { labels, encoded }
    }

    /// Name and value of each label, the metric's name under `__name__`.
    pub fn labels(&self) -> impl Iterator<Item = (&str, &str)> {
        self.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The labels' fields of its `TimeSeries`.
    pub(super) fn encoded(&self) -> &[u8] {
        &self.encoded
    }
}

/// As PromQL writes it: `metric{label="value"}`.
impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_name = |(name, _): &(&str, &str)| *name == "__name__";
        if let Some((_, metric)) = self.labels().find(is_name) {
            f.write_str(metric)?;
        }
        let mut before = "{";
        for (name, value) in self.labels().filter(|label| !is_name(label)) {
            write!(f, "{before}{name}={value:?}")?;
            before = ",";
        }
        f.write_str(if before == "{" { "" } else { "}" })
    }
}

impl fmt::Debug for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn encode(labels: &[(String, String)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, value) in labels {
        let len = protobuf::field_len(name.len()) + protobuf::field_len(value.len());
        protobuf::header(&mut out, LABEL, len);
        protobuf::bytes(&mut out, NAME, name.as_bytes());
        protobuf::bytes(&mut out, VALUE, value.as_bytes());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_sorted_and_those_without_a_value_left_out() {
        let series = Series::new("m", &[("path", "p"), ("backend", ""), ("canary", "say \"c\"")]);
        let labels: Vec<_> = series.labels().collect();
        assert_eq!(labels, [("__name__", "m"), ("canary", "say \"c\""), ("path", "p")]);
        assert_eq!(series.to_string(), r#"m{canary="say \"c\"",path="p"}"#);
        assert_eq!(Series::new("m", &[]).to_string(), "m");
    }
}
