//! Files of tokens: good, bad and changing.

use super::*;
use canary_test_hostile::{Corpus, times};
use proptest::prelude::*;

proptest! {
    #![proptest_config(times(16))]

    #[test]
    fn whatever_a_file_holds_no_line_of_it_is_shown_and_no_two_tokens_have_one_name(
        content in Corpus::read(env!("CARGO_MANIFEST_DIR"), "tokens").bytes()
    ) {
        let Lines { tokens, bad } = lines(&content);
        let names: std::collections::BTreeSet<&str> = tokens.iter().map(|token| token.name.as_str()).collect();
        prop_assert_eq!(names.len(), tokens.len());
        prop_assert!(tokens.len() + bad.len() <= content.split(|byte| *byte == b'\n').count());
        match parse(Path::new("tokens"), &content) {
            Ok(parsed) => prop_assert!(bad.is_empty() && parsed == tokens),
            Err(error) => {
                let told = error.to_string();
                prop_assert!(!told.contains("hunter2") && !told.contains(&SECRET[..16]), "{}", told);
            }
        }
    }
}

/// `printf %s secret | sha256sum`
const SECRET: &str = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";

fn parsed(text: &str) -> Result<Vec<Token>, String> {
    parse(Path::new("tokens"), text.as_bytes()).map_err(|error| error.to_string())
}

#[test]
fn comments_and_blank_lines_are_passed_over_and_both_roles_are_known() {
    let tokens = parsed(&format!("# who\n\n ann : operator : {SECRET} \r\nbob:viewer:{SECRET}\n")).unwrap();
    assert_eq!(tokens.len(), 2);
    assert_eq!((tokens[0].name.as_str(), tokens[0].role), ("ann", Role::Operator));
    assert_eq!(tokens[1].role, Role::Viewer);
    assert_eq!(<[u8; 32]>::from(Sha256::digest(b"secret")), tokens[0].digest);
}

#[test]
fn a_bad_line_is_named_by_its_number_and_never_shown() {
    for (text, what) in [
        (format!("ann:viewer:{SECRET}\nhunter2"), "line 2: it has not three fields"),
        (format!("ann:admin:{SECRET}"), "line 1: its role is not known"),
        ("ann:viewer:hunter2".into(), "line 1: its hash is not 64 hex digits"),
        (format!(":viewer:{SECRET}"), "line 1: its name is empty"),
        (format!("a:viewer:{SECRET}\na:viewer:{SECRET}"), "line 2: its name is there already"),
    ] {
        let error = parsed(&text).unwrap_err();
        assert!(error.contains(what), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
    assert!(parsed("# nobody\n").unwrap_err().contains("holds no token"));
}

async fn of(text: &str) -> (tempfile::TempDir, PathBuf, Tokens) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tokens");
    std::fs::write(&file, text).unwrap();
    let tokens = Tokens::open(file.clone()).await.unwrap();
    (folder, file, tokens)
}

#[tokio::test(start_paused = true)]
async fn a_token_is_good_as_long_as_its_line_is_there() {
    let (_folder, file, tokens) = of(&format!("ann:viewer:{SECRET}\n")).await;
    assert_eq!(tokens.find("secret").await.unwrap().name, "ann");
    assert_eq!(tokens.find("Secret").await, None);

    let nobody = "0".repeat(64);
    for (text, name) in [
        (format!("bob:operator:{SECRET}\n"), Some("bob")),
        (format!("bob:operator:{nobody}\n"), None),
        (format!("carl:viewer:{SECRET}\n"), Some("carl")),
        (String::new(), None),
        (
            format!("nonsense\ndora:viewer:{SECRET}\nann:viewer:{nobody}\ndora:operator:{nobody}"),
            Some("dora"),
        ),
        (format!("dora:viewr:{SECRET}\n"), None),
        (format!("ann:viewer:{SECRET}\n"), Some("ann")),
        ("# nobody\n".into(), None),
        (format!("ann:viewer:{SECRET}\n"), Some("ann")),
        (format!("ann:viewer:{SECRET}\n#{}", "x".repeat(MAX_BYTES)), None),
    ] {
        std::fs::write(&file, &text).unwrap();
        tokio::time::advance(READ_EVERY).await;
        let found = tokens.find("secret").await.map(|token| token.name);
        assert_eq!(found.as_deref(), name, "{}", &text[..text.len().min(200)]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_that_cannot_be_read_lets_nobody_in_after_a_while_and_comes_back() {
    let (_folder, file, tokens) = of(&format!("ann:viewer:{SECRET}\n")).await;
    std::fs::remove_file(&file).unwrap();
    tokio::time::advance(READ_EVERY).await;
    assert_eq!(tokens.find("secret").await.unwrap().name, "ann", "it may be on its way to another");
    tokio::time::advance(KEPT_FOR - 2 * READ_EVERY).await;
    assert_eq!(tokens.find("secret").await.unwrap().name, "ann");
    tokio::time::advance(READ_EVERY).await;
    assert_eq!(tokens.find("secret").await, None);
    assert_eq!(tokens.named("ann").await, None);

    std::fs::write(&file, format!("ann:viewer:{SECRET}\n")).unwrap();
    tokio::time::advance(READ_EVERY).await;
    assert_eq!(tokens.find("secret").await.unwrap().name, "ann");
    std::fs::remove_file(&file).unwrap();
    tokio::time::advance(READ_EVERY).await;
    assert_eq!(tokens.find("secret").await.unwrap().name, "ann", "counted from when it was read last");
}

#[test]
fn bad_lines_are_named_by_their_numbers_alone() {
    let many = format!("ann:viewer:{SECRET}\n{}", "hunter2\n".repeat(20));
    let told = told(&lines(many.as_bytes()).bad);
    assert!(told.starts_with("line 2: it has not three fields; line 3: "), "{told}");
    assert!(told.contains("line 9") && !told.contains("line 10") && !told.contains("hunter2"), "{told}");
}
