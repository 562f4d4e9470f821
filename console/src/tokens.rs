//! The admin API's tokens: names, roles and SHA-256 hashes in a file, re-read when it changes.
//!
//! The file may be replaced at any moment. What it says counts at once: a token whose line is gone is gone, a line that
//! is not understood lets nobody in, and a file without a good one lets in nobody at all. Only a file that can't be
//! read says nothing: the tokens last read stay good for [`KEPT_FOR`], then nobody is let in. The console does
//! not begin with a bad file. Neither a token nor a line of the file is ever shown (I8).

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use sha2::{Digest, Sha256};
use subtle::{ConditionallySelectable, ConstantTimeEq};
use tokio::fs::File;
use tokio::io::AsyncReadExt;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tracing::{error, info};
use utoipa::ToSchema;

/// How often the file is looked at, at most.
const READ_EVERY: Duration = Duration::from_secs(1);
/// How long tokens stay good that can't be read again.
const KEPT_FOR: Duration = Duration::from_mins(5);
/// So many bad lines are named in one line of the log.
const BAD_LINES_TOLD: usize = 8;
/// A larger file is no token file.
const MAX_BYTES: usize = 1 << 20;

/// What a token allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = AccessRole)]
pub(crate) enum Role {
    /// To read.
    Viewer,
    /// To act as well.
    Operator,
}

impl Role {
    fn parse(word: &str) -> Option<Self> {
        match word {
            "viewer" => Some(Self::Viewer),
            "operator" => Some(Self::Operator),
            _ => None,
        }
    }

    /// The word for it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
        }
    }
}

/// Why a token file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum TokensError {
    /// It can't be read.
    #[error("{file}: {cause}")]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// It is far too large.
    #[error("{file} is larger than {MAX_BYTES} bytes: it is no token file")]
    TooLarge {
        /// The file.
        file: PathBuf,
    },
    /// It holds no token.
    #[error("{file} holds no token; write a line `name:viewer:<SHA-256 of the token, in hex>`")]
    Empty {
        /// The file.
        file: PathBuf,
    },
    /// A line is not understood.
    #[error("{file}, line {line}: {what}; write `name:role:sha256hex`, the role being viewer or operator")]
    Line {
        /// The file.
        file: PathBuf,
        /// Its number, from 1.
        line: usize,
        /// What is wrong, without showing it.
        what: &'static str,
    },
}

/// A line of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    /// Whose it is; no two have one name.
    pub(crate) name: String,
    pub(crate) role: Role,
    /// SHA-256 of the token.
    pub(crate) digest: [u8; 32],
}

/// The tokens of a file.
#[derive(Debug)]
pub(crate) struct Tokens {
    file: PathBuf,
    /// Shared by all requests; held while the file is read, so that it is read once.
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    tokens: Arc<[Token]>,
    /// What it was read from; `None` while the file can't be read.
    content: Option<Vec<u8>>,
    /// When the file was looked at.
    read_at: Instant,
    /// When it could be read.
    good_at: Instant,
}

impl Tokens {
    /// Reads the file for the first time.
    pub(crate) async fn open(file: PathBuf) -> Result<Self, TokensError> {
        let content =
            read(&file).await.map_err(|cause| TokensError::Unreadable { file: file.clone(), cause })?;
        let tokens = parse(&file, &content)?.into();
        let now = Instant::now();
        let state = State { tokens, content: Some(content), read_at: now, good_at: now };
        Ok(Self { file, state: Mutex::new(state) })
    }

    /// Whose token this is. Every token of the file is compared, each in constant time.
    pub(crate) async fn find(&self, presented: &str) -> Option<Token> {
        let digest: [u8; 32] = Sha256::digest(presented.as_bytes()).into();
        let tokens = self.current().await;
        let mut found = u32::MAX;
        for (index, token) in (0_u32..).zip(tokens.iter()) {
            found.conditional_assign(&index, token.digest.ct_eq(&digest));
        }
        tokens.get(usize::try_from(found).ok()?).cloned()
    }

    /// The token of this name.
    pub(crate) async fn named(&self, name: &str) -> Option<Token> {
        self.current().await.iter().find(|token| token.name == name).cloned()
    }

    async fn current(&self) -> Arc<[Token]> {
        let mut state = self.state.lock().await;
        if state.read_at.elapsed() >= READ_EVERY {
            state.read_at = Instant::now();
            self.refresh(&mut state).await;
        }
        Arc::clone(&state.tokens)
    }

    async fn refresh(&self, state: &mut State) {
        match read(&self.file).await {
            Ok(content) => {
                state.good_at = Instant::now();
                if state.content.as_ref() != Some(&content) {
                    let lines = lines(&content);
                    if !lines.bad.is_empty() {
                        let (count, first) = (lines.bad.len(), told(&lines.bad));
                        error!(file = %self.file.display(), count, first, "lines of the admin tokens are passed over");
                    }
                    let tokens = lines.tokens.len();
                    info!(file = %self.file.display(), tokens, "read the admin tokens again");
                    *state = State { tokens: lines.tokens.into(), content: Some(content), ..*state };
                }
            }
            Err(cause) => {
                let file = self.file.display();
                if state.content.take().is_some() {
                    let seconds = KEPT_FOR.as_secs();
                    error!(%file, %cause, seconds, "the admin tokens can't be read; those last read stay good for a while");
                }
                if state.good_at.elapsed() >= KEPT_FOR && !state.tokens.is_empty() {
                    error!(%file, %cause, "the admin tokens can't be read for too long: nobody is let in");
                    state.tokens = Arc::default();
                }
            }
        }
    }
}

/// The file's first bytes: one more than it may have, at most.
async fn read(file: &Path) -> io::Result<Vec<u8>> {
    let limit = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let mut content = Vec::new();
    File::open(file).await?.take(limit).read_to_end(&mut content).await?;
    Ok(content)
}

/// What a file holds.
#[derive(Debug, Default)]
struct Lines {
    tokens: Vec<Token>,
    bad: Vec<BadLine>,
}

/// A line that is not understood: its number, from 1, and what is wrong, without showing it.
#[derive(Clone, Copy, Debug)]
struct BadLine {
    number: usize,
    what: &'static str,
}

fn lines(content: &[u8]) -> Lines {
    let mut lines = Lines::default();
    if content.len() > MAX_BYTES {
        lines.bad.push(BadLine { number: 1, what: "the file is far too large" });
        return lines;
    }
    for (number, line) in (1..).zip(content.split(|byte| *byte == b'\n')) {
        match line_of(line, &lines.tokens) {
            Ok(token) => lines.tokens.extend(token),
            Err(what) => lines.bad.push(BadLine { number, what }),
        }
    }
    lines
}

/// The token of a line; `None`: it holds nothing.
fn line_of(line: &[u8], known: &[Token]) -> Result<Option<Token>, &'static str> {
    let line = std::str::from_utf8(line).map_err(|_| "it is not UTF-8")?.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let token = token(line)?;
    if known.iter().any(|known| known.name == token.name) {
        return Err("its name is there already");
    }
    Ok(Some(token))
}

/// The first bad lines, for the log.
fn told(bad: &[BadLine]) -> String {
    let told =
        bad.iter().take(BAD_LINES_TOLD).map(|BadLine { number, what }| format!("line {number}: {what}"));
    told.collect::<Vec<_>>().join("; ")
}

/// A file that has to be good, since the console begins with it.
fn parse(file: &Path, content: &[u8]) -> Result<Vec<Token>, TokensError> {
    if content.len() > MAX_BYTES {
        return Err(TokensError::TooLarge { file: file.to_owned() });
    }
    let Lines { tokens, bad } = lines(content);
    match bad.first() {
        Some(BadLine { number, what }) => {
            Err(TokensError::Line { file: file.to_owned(), line: *number, what })
        }
        None if tokens.is_empty() => Err(TokensError::Empty { file: file.to_owned() }),
        None => Ok(tokens),
    }
}

fn token(line: &str) -> Result<Token, &'static str> {
    let mut fields = line.split(':').map(str::trim);
    let (Some(name), Some(role), Some(hash), None) =
        (fields.next(), fields.next(), fields.next(), fields.next())
    else {
        return Err("it has not three fields");
    };
    if name.is_empty() {
        return Err("its name is empty");
    }
    let role = Role::parse(role).ok_or("its role is not known")?;
    let digest = digest(hash).ok_or("its hash is not 64 hex digits")?;
    Ok(Token { name: name.to_owned(), role, digest })
}

fn digest(hex: &str) -> Option<[u8; 32]> {
    if hex.len() != 64 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
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
        let tokens =
            parsed(&format!("# who\n\n ann : operator : {SECRET} \r\nbob:viewer:{SECRET}\n")).unwrap();
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
}
