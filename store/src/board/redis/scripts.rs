//! The Lua scripts: each does one step of the board that must not be cut in two.

use redis::Script;

macro_rules! script {
    ($name:literal) => {
        Script::new(concat!(include_str!("lua/prelude.lua"), include_str!(concat!("lua/", $name, ".lua"))))
    };
}

/// All scripts, hashed once; the server is sent a script's text when it does not know the hash.
#[derive(Debug)]
pub(super) struct Scripts {
    pub(super) acquire: Script,
    pub(super) renew: Script,
    pub(super) release: Script,
    pub(super) register: Script,
    pub(super) register_free: Script,
    pub(super) restore: Script,
    pub(super) fired: Script,
    pub(super) note: Script,
    pub(super) mismatch: Script,
    pub(super) stamp: Script,
    pub(super) due: Script,
    pub(super) keep: Script,
    pub(super) save_reactor: Script,
    pub(super) reactors: Script,
}

impl Scripts {
    pub(super) fn new() -> Self {
        Self {
            acquire: script!("acquire"),
            renew: script!("renew"),
            release: script!("release"),
            register: script!("register"),
            register_free: script!("register_free"),
            restore: script!("restore"),
            fired: script!("fired"),
            note: script!("note"),
            mismatch: script!("mismatch"),
            stamp: script!("stamp"),
            due: script!("due"),
            keep: script!("keep"),
            save_reactor: script!("save_reactor"),
            reactors: script!("reactors"),
        }
    }
}
