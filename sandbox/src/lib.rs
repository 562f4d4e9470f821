//! A two-frame platform in the contract's image, for the demo and the tests.
