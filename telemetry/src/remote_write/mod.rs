//! Prometheus remote write 1.0: samples in the bytes that a receiver reads, protobuf in a snappy block.
//!
//! Pure functions of what is to be sent; the bytes of some requests are kept as golden files under
//! `telemetry/tests/remote_write/golden`, so that no change of the encoding goes unseen.
//!
//! ```text
//! WriteRequest { repeated TimeSeries timeseries = 1 }
//! TimeSeries   { repeated Label labels = 1; repeated Sample samples = 2 }
//! Label        { string name = 1; string value = 2 }
//! Sample       { double value = 1; int64 timestamp = 2 }          // milliseconds since the epoch
//! ```

mod protobuf;
mod request;
mod series;

pub use request::{Point, compress, encode, requests};
pub use series::Series;

/// What a request says of its body.
pub const HEADERS: [(&str, &str); 3] = [
    ("content-type", "application/x-protobuf"),
    ("content-encoding", "snappy"),
    ("x-prometheus-remote-write-version", "0.1.0"),
];
