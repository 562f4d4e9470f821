//! What `/metrics` said, as series.

use std::collections::BTreeMap;

/// One reading of `/metrics`.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    series: Vec<Series>,
}

#[derive(Clone, Debug)]
struct Series {
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

impl Metrics {
    /// Reads the text form.
    ///
    /// # Panics
    /// If a line can't be read.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        Self { series: lines.map(series).collect() }
    }

    /// The sum of all series of this name that bear these labels; `None` if there is none.
    #[must_use]
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let fits = |series: &&Series| {
            let bears = |(label, value): &(&str, &str)| series.labels.get(*label).is_some_and(|v| v == value);
            series.name == name && labels.iter().all(bears)
        };
        self.series.iter().filter(fits).map(|series| series.value).reduce(|a, b| a + b)
    }

    /// The names of all series.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.series.iter().map(|series| series.name.as_str())
    }

    /// The labels of each series.
    pub fn labels(&self) -> impl Iterator<Item = (&str, &BTreeMap<String, String>)> {
        self.series.iter().map(|series| (series.name.as_str(), &series.labels))
    }
}

fn series(line: &str) -> Series {
    let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("no value in {line:?}"));
    let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
    let labels = labels.strip_suffix('}').unwrap_or_else(|| panic!("labels without an end in {line:?}"));
    let labels = labels.split("\",").filter(|label| !label.is_empty()).map(|label| {
        let (name, value) = label.split_once("=\"").unwrap_or_else(|| panic!("no label in {line:?}"));
        (name.to_owned(), value.trim_end_matches('"').to_owned())
    });
    Series { name: name.to_owned(), labels: labels.collect(), value: value.parse().unwrap() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_are_found_by_name_and_labels() {
        let text = "# HELP x y\nx{a=\"1\",b=\"2\"} 3\nx{a=\"1\",b=\"3\"} 4\nup 1\n";
        let metrics = Metrics::parse(text);
        assert_eq!(metrics.sum("x", &[("a", "1")]), Some(7.0));
        assert_eq!(metrics.sum("x", &[("b", "3")]), Some(4.0));
        assert_eq!(metrics.sum("up", &[]), Some(1.0));
        assert_eq!(metrics.sum("x", &[("a", "2")]), None);
        assert_eq!(metrics.names().collect::<Vec<_>>(), ["x", "x", "up"]);
    }
}
