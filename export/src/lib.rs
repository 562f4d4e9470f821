//! Pushes closed rows to a receiver of Prometheus remote write (design §2.4, §13).
