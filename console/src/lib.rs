//! The HTTP surface: health, metrics and the admin API.
