//! Bad configuration: exit code 78, and a message that names the setting, its place and the way out.

use canary_tests::{Deployment, run};

use crate::healthy::healthy;

/// BSD's EX_CONFIG.
const BAD_CONFIGURATION: Option<i32> = Some(78);

/// A change of `canary.toml`, and what has to be said of it.
const MISTAKES: [(&str, &str, &[&str]); 11] = [
    ("[cadence]\n", "[cadence]\nfire_evry = \"2s\"\n", &["line 4", "cadence", "did you mean `fire_every`"]),
    ("[cadence]\n", "[cadence\n", &["line 3", "no TOML"]),
    (
        "\"2000ms\"",
        "\"two seconds\"",
        &["line 4", "cadence.fire_every", "`two seconds` is no length of time"],
    ),
    ("\"2000ms\"", "\"200ms\"", &["cadence"]),
    ("backend = \"intra\"", "backend = \"intre\"", &["line", "paths[0].backend", "did you mean `intra`"]),
    ("from = \"alpha\"", "from = \"alpa\"", &["paths[0].from", "no agent `alpa`", "did you mean `alpha`"]),
    ("\"0.01\"", "\"-0.01\"", &["paths[0].amount"]),
    ("\"0.01\"", "\"0.0123456789\"", &["paths[0].amount"]),
    ("[frames.b]\n", "[frames.b]\nlocal = true\n", &["frames", "`a` and `b` are both local"]),
    ("event-store.token", "no-such.token", &["frames.a.token_file", "no-such.token", "can't be read"]),
    ("event-store.token", "empty.token", &["frames.a.token_file", "empty.token", "is empty"]),
];

#[test]
fn a_mistake_in_the_configuration_exits_78_and_names_the_setting_and_what_to_do() {
    run(async {
        let healthy = healthy().await;
        healthy.stage.write("empty.token", "\n");
        for (number, (from, to, told)) in MISTAKES.into_iter().enumerate() {
            let file = changed(&healthy.stage, &format!("mistake-{number}.toml"), from, to);
            let ended = healthy.stage.canary_on(&file, &["run"]).await;
            assert_eq!(ended.code(), BAD_CONFIGURATION, "{to:?}: {}", ended.stderr);
            for word in told.iter().chain(&[file.as_str()]) {
                assert!(ended.stderr.contains(word), "{to:?}: `{word}` is not in {}", ended.stderr);
            }
            assert_eq!(ended.stdout, "");
        }
    });
}

#[test]
fn every_command_that_reads_the_configuration_refuses_a_bad_one_and_one_that_is_not_there() {
    run(async {
        let healthy = healthy().await;
        let file = changed(&healthy.stage, "refused.toml", "[cadence]\n", "[cadense]\n");
        for command in [&["run"][..], &["check"], &["probe", "a-intra"], &["status"], &["migrate"]] {
            for file in [file.as_str(), "not-there.toml"] {
                let ended = healthy.stage.canary_on(file, command).await;
                assert_eq!(ended.code(), BAD_CONFIGURATION, "{command:?}: {}", ended.stderr);
                assert!(ended.stderr.contains(file), "{}", ended.stderr);
            }
        }
    });
}

#[test]
fn a_secret_in_the_file_is_refused_without_being_shown() {
    run(async {
        let healthy = healthy().await;
        for (number, (from, to)) in [
            ("client_id = ", "client_secret = \"hunter2\"\nclient_id = "),
            ("[redis]\n", "[redis]\nurl = \"redis://:hunter2@127.0.0.1\"\n"),
            ("[postgres]\n", "[postgres]\nurl = \"postgres://canary:hunter2@127.0.0.1/canary\"\n"),
            ("client_id = ", "client_secret = hunter2\nclient_id = "),
        ]
        .into_iter()
        .enumerate()
        {
            let file = changed(&healthy.stage, &format!("secret-{number}.toml"), from, to);
            let ended = healthy.stage.canary_on(&file, &["check"]).await;
            assert_eq!(ended.code(), BAD_CONFIGURATION, "{to:?}: {}", ended.stderr);
            assert!(!(ended.stderr + &ended.stdout).contains("hunter2"), "{to:?}");
        }
    });
}

#[test]
fn a_file_of_admin_tokens_that_is_missing_or_empty_is_bad_configuration() {
    run(async {
        let healthy = healthy().await;
        healthy.stage.write("admin.tokens", "# nobody yet\n");
        for (name, told) in [("no-such.tokens", "no-such.tokens"), ("admin.tokens", "holds no token")] {
            let file = format!("{name}.toml");
            changed(
                &healthy.stage,
                &file,
                "[console]\n",
                &format!("[console]\nadmin_token_file = {name:?}\n"),
            );
            let ended = healthy.stage.canary_on(&file, &["run"]).await;
            assert_eq!(ended.code(), BAD_CONFIGURATION, "{}", ended.stderr);
            assert!(ended.stderr.contains("console.admin_token_file"), "{}", ended.stderr);
            assert!(ended.stderr.contains(told), "{}", ended.stderr);
        }
    });
}

/// Writes `canary.toml` with one change; answers the file's name.
fn changed(stage: &Deployment, file: &str, from: &str, to: &str) -> String {
    let text = std::fs::read_to_string(stage.folder().join("canary.toml")).unwrap();
    assert!(text.contains(from), "{from:?} is not in {text}");
    stage.write(file, &text.replacen(from, to, 1));
    file.to_owned()
}
