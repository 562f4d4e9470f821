//! The bytes of remote write, kept: `golden/*.hex` hold whole requests before compression. They were read with Google's
//! protobuf from the published schema once, and say the same there. To make them anew after a change that is meant:
//! `REMOTE_WRITE_GOLDEN=write cargo test -p canary-telemetry`, then look at the difference.

#![expect(clippy::unwrap_used, reason = "a step that fails fails its test")]

use std::fmt::Write as _;
use std::path::PathBuf;

use canary_telemetry::remote_write::{Point, Series, compress, requests};

const LIMIT: usize = 1 << 20;

fn table() -> Vec<Series> {
    let labels = [
        ("path", "a-b-async"),
        ("canary", "prod"),
        ("backend", "async"),
        ("source_frame", "a"),
        ("dest_frame", "b"),
    ];
    let latency = Series::new("canary_test_latency_ms", &labels);
    let passed = Series::new("canary_test_passed", &labels);
    let named = Series::new(
        "canary_test_outcome",
        &[("outcome", "passed"), ("path", "naïve \"p\"\n\\"), ("canary", "prod")],
    );
    vec![latency, passed, named]
}

fn point(series: usize, at_ms: i64, value: f64) -> Point {
    Point { series, at_ms, value }
}

fn one_request(points: &mut [Point]) -> Vec<u8> {
    let table = table();
    let mut requests: Vec<Vec<u8>> = requests(&table, points, LIMIT).map(|(_, bytes)| bytes).collect();
    assert_eq!(requests.len(), 1);
    requests.remove(0)
}

/// Compares with the golden file of this name.
#[expect(clippy::disallowed_methods, reason = "how a developer asks for new golden files")]
fn golden(name: &str, bytes: &[u8]) {
    let file =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/remote_write/golden/{name}.hex"));
    let mut hex = String::new();
    for line in bytes.chunks(32) {
        line.iter().for_each(|byte| write!(hex, "{byte:02x}").unwrap());
        hex.push('\n');
    }
    if std::env::var_os("REMOTE_WRITE_GOLDEN").is_some() {
        std::fs::write(&file, &hex).unwrap();
    }
    assert_eq!(hex, std::fs::read_to_string(&file).unwrap(), "{}", file.display());
}

#[test]
fn one_sample_has_the_bytes_it_always_had() {
    golden("one_sample", &one_request(&mut [point(0, 1_795_224_153_123, 412.345)]));
}

#[test]
fn samples_of_a_series_are_together_and_in_the_order_of_time() {
    let mut points = [
        point(1, 1_795_224_153_123, 1.0),
        point(0, 1_795_224_213_456, 98.7),
        point(2, 1_795_224_153_123, 1.0),
        point(1, 1_795_224_093_000, 0.0),
        point(0, 1_795_224_153_123, 412.345),
    ];
    golden("three_series", &one_request(&mut points));
}

#[test]
fn numbers_at_the_edges_have_the_bytes_they_always_had() {
    let values = [0.0, -0.0, f64::MIN_POSITIVE, f64::MAX, f64::INFINITY, -1.5];
    let times = [-1, 0, 1, 127, 128, i64::MAX];
    let mut points: Vec<Point> =
        times.into_iter().zip(values).map(|(at_ms, value)| point(0, at_ms, value)).collect();
    golden("edges", &one_request(&mut points));
}

#[test]
fn a_body_is_one_block_of_snappy() {
    let request = one_request(&mut [point(0, 1_795_224_153_123, 412.345), point(1, 1_795_224_153_123, 1.0)]);
    let body = compress(&request);
    assert!(body.len() < request.len());
    assert_eq!(snap::raw::Decoder::new().decompress_vec(&body).unwrap(), request);
    assert_eq!(compress(&[]), [0], "an empty request has a body, too");
}

#[test]
fn no_request_is_larger_than_the_limit_and_nothing_is_left_out() {
    let table = table();
    let all: Vec<Point> =
        (0..900).map(|n| point(n % 3, 1_795_224_153_123 - n as i64 * 7, n as f64)).collect();
    for limit in [1, 150, 300, 301, 302, 303, 304, 305, 1_000, 10_000, LIMIT] {
        let mut points = all.clone();
        let mut sent = Vec::new();
        let mut least = usize::MAX;
        for (some, bytes) in requests(&table, &mut points, limit) {
            assert!(bytes.len() <= limit || some.len() == 1, "{} bytes of {limit}", bytes.len());
            assert!(some.is_sorted_by_key(|point| (point.series, point.at_ms)));
            least = least.min(bytes.len());
            sent.extend_from_slice(some);
        }
        assert_eq!(sent.len(), all.len(), "limit {limit}");
        assert!(sent.iter().all(|point| all.contains(point)), "limit {limit}");
    }
}
