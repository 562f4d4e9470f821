//! What the settings take, and what they say of what they don't.

use std::path::Path;

use canary_test_hostile::{Corpus, times};
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

/// The sample with its secrets in a folder of their own, changed by `edit`.
fn sample(edit: impl FnOnce(String) -> String) -> (TempDir, Result<Settings, String>) {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in [
        ("redis.url", "redis://:hunter2@localhost:6379\n"),
        ("postgres.url", "postgres://canary:hunter2@localhost/canary\n"),
        ("event-store.token", "token\n"),
        ("alpha.secret", "secret\n"),
        ("charlie.secret", "secret\n"),
        ("empty.secret", "\n"),
        ("pager.url", "https://hooks.example/hunter2?token=hunter2\n"),
        ("pager.key", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n"),
        ("logs.auth", "Bearer hunter2\n"),
    ] {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    let text = include_str!("../../../config/sample.toml");
    let text = edit(text.replace("/etc/canary/secrets", folder.path().to_str().unwrap()));
    let settings = Settings::parse(&text)
        .map_err(|complaints| complaints.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
    (folder, settings)
}

/// What is said when `from` stands as `to` in the sample.
fn said(from: &str, to: &str) -> String {
    let (_folder, settings) = sample(|text| {
        assert!(text.contains(from), "the sample does not contain {from}");
        text.replacen(from, to, 1)
    });
    settings.expect_err(&format!("`{to}` was taken"))
}

#[test]
fn the_sample_is_a_whole_configuration_and_its_values_are_the_defaults() {
    let (_folder, settings) = sample(|text| text);
    let settings = settings.unwrap();
    assert_eq!(settings.routes.len(), 6);
    let defaults = file::CadenceSection::default();
    assert_eq!(settings.cadence, Cadence::new(defaults.fire_every.0, defaults.spread.0).unwrap());
    assert_eq!(settings.times.watch, defaults.watch.0);
    assert_eq!(settings.times.sweep_every, defaults.sweep_every.0);
    assert_eq!(settings.times.call_timeout, defaults.call_timeout.0);
    assert_eq!(settings.times.blind_after, defaults.blind_after.0);
    assert_eq!(settings.times.silence_after, defaults.silence_after.0);
    assert_eq!(settings.times.backstop_every, defaults.backstop_every.0);
    for backend in Backend::ALL {
        assert_eq!(settings.deadlines[backend], backend.rule().deadline);
    }
    assert_eq!(settings.calls, Calls::default());
    let events = canary_domain::EventType::ALL.iter().map(|kind| (*kind, kind.to_string())).collect();
    assert_eq!(settings.mapping, Mapping { events, ..Mapping::default() });
    assert_eq!(settings.export.unwrap().every, Duration::from_secs(30));
    assert!(settings.warnings.is_empty());
    let webhooks = settings.webhooks.as_ref().unwrap();
    let [pager] = webhooks.endpoints.as_slice() else { panic!("{webhooks:?}") };
    assert_eq!((webhooks.failing_after, pager.name.as_str()), (3, "pager"));
    assert_eq!((pager.timeout, pager.give_up_after), (Duration::from_secs(10), Duration::from_secs(86_400)));
    let search = settings.log_search.as_ref().unwrap();
    assert_eq!((search.after, search.timeout), (Duration::from_secs(10), Duration::from_secs(10)));
    assert_eq!(search.auth_header, "authorization");
    assert!(!format!("{webhooks:?} {search:?}").contains("hunter2"));
}

#[test]
fn what_follows_a_verdict_and_can_t_be_is_refused_without_its_secret() {
    assert!(
        said("failing_after = 3", "failing_after = 0").contains("webhooks.failing_after: 0 is not from 1")
    );
    assert!(said("failing_after = 3", "fail_after = 3").contains("did you mean `failing_after`?"));
    assert!(
        said("name = \"pager\"", "name = \"the pager\"").contains("webhooks.endpoints[0].name: `the pager`")
    );
    assert!(
        said("\ntimeout = \"10s\"", "\ntimeout = \"2m\"")
            .contains("webhooks.endpoints[0].timeout: 120s is not")
    );
    let short = said("/pager.key", "/logs.auth");
    assert!(
        short.contains("webhooks.endpoints[0]: its secret can't be used") && !short.contains("hunter2"),
        "{short}"
    );
    let missing = said("secret_file = ", "# secret_file = ");
    assert!(missing.contains("webhooks.endpoints[0].secret_file: is missing"), "{missing}");
    let constant = said("query={transfer_id}", "query=all");
    assert!(constant.contains("evidence.log_url: names neither {transfer_id} nor {test_id}"), "{constant}");
    let password = said("https://logs.example", "https://ann:hunter2@logs.example");
    assert!(
        password.contains("evidence.log_url: holds a password") && !password.contains("hunter2"),
        "{password}"
    );
    let header = said("log_auth_header = \"authorization\"", "log_auth_header = \"not a header\"");
    assert!(header.contains("evidence.log_auth_header: `not a header` is no header's name"), "{header}");
    let twice = said(
        "[evidence]",
        "[[webhooks.endpoints]]\nname = \"pager\"\nurl = \"http://ann:hunter2@a\"\n[evidence]",
    );
    assert!(
        twice.contains("`pager` is the name of another endpoint") && !twice.contains("hunter2"),
        "{twice}"
    );
}

#[test]
fn without_their_sections_nobody_is_told_and_nothing_is_searched() {
    let without = |text: String| {
        let (from, to) = (text.find("\n[webhooks]").unwrap(), text.find("# The frames of").unwrap());
        format!("{}\n{}", &text[..from], &text[to..])
    };
    let (_folder, settings) = sample(without);
    let settings = settings.unwrap();
    assert!(settings.webhooks.is_none() && settings.log_search.is_none() && settings.warnings.is_empty());
    let (_folder, settings) = sample(|text| text.replace(", \"judge\"", ""));
    assert!(settings.unwrap().warnings[0].contains("does not run the judge"));
}

#[test]
fn an_export_without_a_receiver_is_left_out_and_one_with_a_receiver_is_run() {
    let without = |text: String| {
        let (from, to) = (text.find("\n[export]").unwrap(), text.find("# The frames of").unwrap());
        format!("{}\n{}", &text[..from], &text[to..])
    };
    let (_folder, settings) = sample(without);
    let settings = settings.unwrap();
    assert!(settings.export.is_none() && !settings.runs(Part::Export) && settings.runs(Part::Judge));
    let (_folder, settings) = sample(|text| text.replace("every = \"30s\"", "every = \"5s\""));
    let settings = settings.unwrap();
    assert!(settings.runs(Part::Export));
    assert_eq!(settings.export.unwrap().every, Duration::from_secs(5));
    let (_folder, settings) = sample(|text| text.replace(", \"export\"]", "]"));
    assert!(!settings.unwrap().runs(Part::Export), "others may export, and this one pushes on order");
}

#[test]
fn a_receivers_password_is_taken_and_never_shown() {
    let at = |url: &str| {
        sample(|text| text.replace("http://victoriametrics:8428/api/v1/write", &url.replace("PW", "hunter2")))
    };
    let (_folder, settings) = at("https://ann:PW@vm.example/api/v1/write");
    let settings = settings.unwrap();
    assert_eq!(settings.export.as_ref().unwrap().remote_write.password(), Some("hunter2"));
    assert!(!format!("{settings:?}").contains("hunter2") && settings.warnings.is_empty());
    let (_folder, settings) = at("http://ann:PW@vm.example/api/v1/write");
    let warnings = settings.unwrap().warnings;
    assert_eq!(warnings, ["export.remote_write: its password travels unencrypted beyond this machine"]);
    let (_folder, settings) = at("http://ann:PW@127.0.0.1/api/v1/write");
    assert!(settings.unwrap().warnings.is_empty());
    for (wrong, what) in [
        ("http://ann:PW@vm:port/api/v1/write", "export.remote_write: this is no address"),
        ("ftp://ann:PW@vm/api/v1/write", "export.remote_write: `ftp` is neither https nor http"),
    ] {
        let (_folder, settings) = at(wrong);
        let error = settings.unwrap_err();
        assert!(error.contains(what) && !error.contains("hunter2"), "{error}");
    }
}

#[test]
fn an_export_that_can_t_be_is_refused_with_its_setting() {
    assert!(said("every = \"30s\"", "every = \"900ms\"").contains("export.every: 900ms is too short"));
    assert!(said("every = \"30s\"", "evry = \"30s\"").contains("did you mean `every`?"));
    let missing = said("remote_write = ", "# remote_write = ");
    assert!(missing.contains("export: missing field `remote_write`"), "{missing}");
}

#[test]
fn a_misspelt_setting_is_refused_with_its_line_and_the_nearest_known_one() {
    let error = said("fire_every =", "fire_evry =");
    assert!(
        error.contains("line 15: cadence.fire_evry") && error.contains("did you mean `fire_every`?"),
        "{error}"
    );
    assert!(said("backend = \"intra\"", "backend = \"intro\"").contains("did you mean `intra`?"));
    assert!(
        said("intra = ", "intro = ")
            .contains("deadlines.intro: unknown setting `intro`; did you mean `intra`?")
    );
    assert!(
        said("TokensTransferred = ", "TokensTransfered = ").contains("did you mean `TokensTransferred`?")
    );
    assert!(said("[cadence]", "[cadenza]").contains("did you mean `cadence`?"));
}

#[test]
fn a_path_that_names_an_unknown_agent_says_which_and_the_nearest() {
    let error = said("from = \"alpha\"", "from = \"alfa\"");
    assert_eq!(error, "paths[0].from: there is no agent `alfa`; did you mean `alpha`?");
}

#[test]
fn amounts_that_are_negative_or_finer_than_the_token_are_refused() {
    assert!(said("amount = \"0.01\"", "amount = \"-1\"").starts_with("paths[0].amount: -1 is not positive"));
    assert!(said("amount = \"0.01\"", "amount = \"0.0000000001\"").contains("10 decimal places"));
}

#[test]
fn two_local_frames_and_none_are_refused() {
    let two = said("[frames.b]", "[frames.b]\nlocal = true");
    assert!(two.contains("frames: `a` and `b` are both local"), "{two}");
    assert!(said("local = true", "local = false").contains("no frame is local"));
}

#[test]
fn secrets_in_the_file_are_refused_and_not_repeated() {
    let error = said("client_secret_file = ", "client_secret = \"hunter2\" # ");
    assert!(error.contains("use `client_secret_file`") && !error.contains("hunter2"), "{error}");
    let error = said("url_file = ", "url = \"redis://:hunter2@localhost\" # ");
    assert!(error.contains("redis.url: holds a password") && !error.contains("hunter2"), "{error}");
}

#[test]
fn a_secrets_file_that_is_missing_or_empty_is_named_with_its_setting() {
    let missing = said("alpha.secret", "nowhere.secret");
    assert!(
        missing.contains("agents.alpha.client_secret_file:")
            && missing.contains("nowhere.secret can't be read"),
        "{missing}"
    );
    assert!(said("event-store.token", "empty.secret").contains("empty.secret is empty"));
}

#[test]
fn paths_that_the_local_event_store_could_not_show_are_refused() {
    let within_b = said("from = \"alpha\"\nto = \"bravo\"", "from = \"charlie\"\nto = \"delta\"");
    assert!(within_b.contains("there is no agent `delta`"), "{within_b}");
    let (_folder, settings) = sample(|text| {
        text.replace("[agents.bravo]\nframe = \"a\"", "[agents.bravo]\nframe = \"b\"")
            .replace("from = \"alpha\"\nto = \"bravo\"", "from = \"charlie\"\nto = \"bravo\"")
    });
    assert!(settings.unwrap_err().contains("seen in that frame's EventStore alone"));
    assert!(said("to = \"bravo\"", "to = \"alpha\"").contains("the same account"));
    assert!(said("to = \"bravo\"", "to = \"charlie\"").contains("intra moves money within one frame"));
}

#[test]
fn times_that_do_not_fit_each_other_are_refused() {
    assert!(said("fire_every = \"60s\"", "fire_every = \"500ms\"").contains("at least 1s"));
    assert!(said("spread = \"10s\"", "spread = \"31s\"").contains("at most half"));
    assert!(said("watch = \"600s\"", "watch = \"380s\"").contains("lengthen cadence.watch"));
    assert!(
        said("watch = \"600s\"", "watch = \"soon\"").contains("cadence.watch: `soon` is no length of time")
    );
}

#[test]
fn an_address_that_is_none_is_not_repeated_and_one_of_another_kind_is_refused() {
    let error = said("url_file = ", "url = \"redis://:hunter2/x@host:port\" # ");
    assert!(error.contains("redis.url: this is no address") && !error.contains("hunter2"), "{error}");
    assert!(said("registry = \"https", "registry = \"htps").contains("`htps` is neither https nor http"));
    assert!(said("event_store_ws = \"wss", "event_store_ws = \"https").contains("neither wss nor ws"));
}

#[test]
fn calls_that_could_not_work_are_refused() {
    assert!(
        said("transfer = \"/teg", "transfer = \"teg")
            .contains("calls.transfer: `teg/transfer` does not begin")
    );
    assert!(said("?backend={backend}", "").contains("calls.cross_transfer:"));
}

#[test]
fn a_console_that_others_can_reach_needs_tokens() {
    assert!(
        said("listen = \"127.0.0.1:8080\"", "listen = \"0.0.0.0:8080\"")
            .contains("set console.admin_token_file")
    );
}

#[test]
fn a_slot_key_that_could_be_guessed_is_refused() {
    let error = said("canary = \"prod\"", "canary = \"prod\"\nslot_key_env = \"PATH_OF_NOTHING\"");
    assert!(error.contains("the environment variable PATH_OF_NOTHING is not set"), "{error}");
    let (folder, _) = sample(|text| text);
    let key = folder.path().join("slot.key");
    std::fs::write(&key, "short\n").unwrap();
    let error = said("canary = \"prod\"", &format!("canary = \"prod\"\nslot_key_file = {key:?}"));
    assert!(error.contains("slot_key: a slot key needs at least 16 bytes, this one has 5"), "{error}");
}

#[test]
fn instances_without_a_common_ledger_are_warned_of() {
    let (_folder, settings) = sample(|text| {
        let (from, to) = (text.find("\n[postgres]").unwrap(), text.find("\n[embedded]").unwrap());
        format!("{}{}", &text[..from], &text[to..])
    });
    assert!(settings.unwrap().warnings[0].starts_with("embedded: instances that share a Redis"));
}

#[test]
fn only_the_deadlines_of_backends_in_use_have_to_fit() {
    let (_folder, settings) = sample(|text| {
        let (from, to) =
            (text.find("name = \"a-async-b\"").unwrap() - 10, text.find("# Where this platform").unwrap());
        format!("{}{}", &text[..from], &text[to..]).replace("watch = \"600s\"", "watch = \"120s\"")
    });
    assert_eq!(settings.unwrap().routes.len(), 1);
    assert!(
        said("call_timeout = \"10s\"", "call_timeout = \"30s\"")
            .contains("deadlines.intra: 30s is not longer")
    );
    assert!(said("watch = \"600s\"", "watch = \"25h\"").contains("longer than a day"));
}

#[test]
fn several_mistakes_are_all_said_at_once() {
    let (_folder, settings) = sample(|text| {
        text.replace("to = \"bravo\"", "to = \"bravoo\"").replace("amount = \"0.01\"", "amount = \"0\"")
    });
    assert_eq!(settings.unwrap_err().lines().count(), 6);
}

#[test]
fn without_redis_one_process_has_to_run_everything() {
    let (_folder, settings) = sample(|text| {
        let from = text.find("[redis]").unwrap();
        let to = text.find("[postgres]").unwrap();
        format!("{}{}", &text[..from], &text[to..]).replace("\"judge\", ", "")
    });
    assert!(settings.unwrap_err().contains("has to run runner, validators and judge"));
}

#[test]
fn plain_http_is_taken_with_a_warning_unless_it_stays_on_this_machine() {
    let (_folder, settings) = sample(|text| text.replace("https://b.example", "http://b.example"));
    assert_eq!(
        settings.unwrap().warnings,
        ["frames.b.registry: tokens travel unencrypted beyond this machine"]
    );
    let (_folder, settings) = sample(|text| text.replace("https://b.example", "http://127.0.0.1:1"));
    assert!(settings.unwrap().warnings.is_empty());
}

#[test]
fn a_file_that_is_not_there_or_no_toml_is_named() {
    let error = Settings::load(Path::new("/nowhere/canary.toml")).unwrap_err().to_string();
    assert!(error.starts_with("/nowhere/canary.toml: can't be read"), "{error}");
    assert!(said("canary = \"prod\"", "canary = prod").contains("line 8: this is no TOML"));
    let deep = format!("canary = \"prod\"\n[{}]", ["a"; 100].join("."));
    assert!(said("canary = \"prod\"", &deep).contains("line 9: this is no TOML: nested too deeply"));
}

/// A file's text with its secrets in this folder.
fn check(folder: &TempDir, text: &str) -> Result<(), TestCaseError> {
    let text = text.replace("SECRETS", folder.path().to_str().unwrap());
    let Err(complaints) = Settings::parse(&text) else { return Ok(()) };
    prop_assert!(!complaints.is_empty());
    for complaint in complaints {
        let named = !complaint.setting.is_empty() || complaint.line.is_some() || complaint.what.contains('`');
        prop_assert!(named || complaint.what.starts_with("agents."), "no place in: {}", complaint);
        prop_assert!(!complaint.to_string().contains("hunter2"), "a secret in: {}", complaint);
    }
    Ok(())
}

fn hostile() -> (TempDir, Corpus) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("alpha.secret"), "hunter2").unwrap();
    (folder, Corpus::read(env!("CARGO_MANIFEST_DIR"), "settings"))
}

#[test]
fn every_file_of_the_corpus_is_taken_or_refused_with_a_place() {
    let (folder, corpus) = hostile();
    let taken = corpus.entries().filter(|entry| {
        let text = String::from_utf8_lossy(&entry.bytes);
        check(&folder, &text).unwrap();
        Settings::parse(&text.replace("SECRETS", folder.path().to_str().unwrap())).is_ok()
    });
    assert_eq!(taken.map(|entry| entry.name.as_str()).collect::<Vec<_>>(), ["least.toml"]);
}

#[test]
fn whatever_a_file_says_it_is_taken_or_refused_with_a_place() {
    let (folder, corpus) = hostile();
    let mut runner = proptest::test_runner::TestRunner::new(times(4));
    runner.run(&corpus.texts(), |text| check(&folder, &text)).unwrap();
}
