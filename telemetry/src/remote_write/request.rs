//! Requests of a bounded size.

use snap::raw::Encoder;

use super::protobuf;
use super::series::Series;

const TIMESERIES: u8 = 1;
const SAMPLE: u8 = 2;
const VALUE: u8 = 1;
const TIMESTAMP: u8 = 2;

/// One sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Its series, by its place in the table of series.
    pub series: usize,
    /// Milliseconds since the epoch.
    pub at_ms: i64,
    /// What was measured then.
    pub value: f64,
}

impl Point {
    fn len(self) -> usize {
        protobuf::double_len(self.value) + protobuf::int64_len(self.at_ms)
    }
}

/// Sorts the points by series and time, and answers them in the requests that hold them: each with its points, so that a
/// refused one can be looked into, and with its bytes before compression. None is larger than `limit` bytes, unless a
/// single sample is.
///
/// # Panics
/// When a point's series is not in the table.
pub fn requests<'a>(
    table: &'a [Series],
    points: &'a mut [Point],
    limit: usize,
) -> impl Iterator<Item = (&'a [Point], Vec<u8>)> {
    points.sort_by_key(|point| (point.series, point.at_ms));
    let mut rest: &'a [Point] = points;
    std::iter::from_fn(move || {
        let (some, more) = rest.split_at(fitting(table, rest, limit));
        rest = more;
        (!some.is_empty()).then(|| (some, encode(table, some)))
    })
}

/// A request's body.
#[must_use]
pub fn compress(request: &[u8]) -> Vec<u8> {
    Encoder::new().compress_vec(request).expect("snappy takes up to 4 GiB, and requests are bounded")
}

/// How many of these points fit into a request of `limit` bytes; one at least, if there is any.
fn fitting(table: &[Series], points: &[Point], limit: usize) -> usize {
    let (mut closed, mut open) = (0, 0);
    for (taken, point) in points.iter().enumerate() {
        if taken == 0 || points[taken - 1].series != point.series {
            closed += protobuf::field_len(open);
            open = table[point.series].encoded().len();
        }
        open += protobuf::field_len(point.len());
        if taken > 0 && closed + protobuf::field_len(open) > limit {
            return taken;
        }
    }
    points.len()
}

/// The bytes of one request before compression, however large. The points have to be sorted by series and time.
///
/// # Panics
/// When a point's series is not in the table.
#[must_use]
pub fn encode(table: &[Series], points: &[Point]) -> Vec<u8> {
    let mut out = Vec::new();
    for of_one in points.chunk_by(|a, b| a.series == b.series) {
        let labels = table[of_one[0].series].encoded();
        let samples: usize = of_one.iter().map(|point| protobuf::field_len(point.len())).sum();
        protobuf::header(&mut out, TIMESERIES, labels.len() + samples);
        out.extend_from_slice(labels);
        for point in of_one {
            protobuf::header(&mut out, SAMPLE, point.len());
            protobuf::double(&mut out, VALUE, point.value);
            protobuf::int64(&mut out, TIMESTAMP, point.at_ms);
        }
    }
    out
}
