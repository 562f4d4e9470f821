//! The canary seen from outside: real Prometheus, Alertmanager and VictoriaMetrics on the shipped configurations, the real
//! binary on a real platform.
//!
//! The servers' intervals are shortened, their files otherwise changed in addresses alone; the rules are the shipped file
//! itself.
#![expect(clippy::unwrap_used, reason = "a test that can't be set up has failed")]

mod alerts;
mod exposition;
mod prometheus;
mod queries;
mod reference;
mod web;

/// The key of [`everything`]'s webhooks, in the deployment's folder.
const KEY_FILE: &str = "pager.key";

/// Sections that bring every metric there is: the export to this receiver, webhooks and searches of logs to nobody.
fn everything(receiver: &str) -> String {
    format!(
        "[export]\nremote_write = \"{receiver}/api/v1/write\"\nevery = \"1s\"\n\n\
         [[webhooks.endpoints]]\nname = \"pager\"\nurl = \"http://127.0.0.1:1/\"\nsecret_file = \"{KEY_FILE}\"\n\n\
         [evidence]\nlog_url = \"http://127.0.0.1:1/{{transfer_id}}\"\n"
    )
}
