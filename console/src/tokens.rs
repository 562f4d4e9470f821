//! The admin API's tokens: names, roles and SHA-256 hashes in a file, re-read when it changes.
//!
//! The file may be replaced at any moment. A file that can't be used is reported once, and the tokens last
//! read stay good: a slip while editing locks nobody out. Neither a token nor a line of the file is ever shown (I8).

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use sha2::{Digest, Sha256};
use subtle::{ConditionallySelectable, ConstantTimeEq};
use tokio::sync::Mutex;
use tokio::time::Instant;
use tracing::{error, info};
use utoipa::ToSchema;

/// How often the file is looked at, at most.
const READ_EVERY: Duration = Duration::from_secs(1);
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
        cause: std::io::Error,
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
    content: Option<Vec<u8>>,
    read_at: Instant,
}

impl Tokens {
    /// Reads the file for the first time.
    pub(crate) async fn open(file: PathBuf) -> Result<Self, TokensError> {
        let content = read(&file).await?;
        let tokens = parse(&file, &content)?.into();
        let state = State { tokens, content: Some(content), read_at: Instant::now() };
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
        let read = read(&self.file).await;
        if read.as_ref().ok() == state.content.as_ref() {
            return;
        }
        let parsed = match &read {
            Ok(content) => parse(&self.file, content).map_err(|cause| cause.to_string()),
            Err(cause) => Err(cause.to_string()),
        };
        match parsed {
            Ok(tokens) => {
                info!(file = %self.file.display(), tokens = tokens.len(), "read the admin tokens again");
                state.tokens = tokens.into();
            }
            Err(cause) => {
                error!(cause, "the admin tokens could not be read again; those last read stay good");
            }
        }
        state.content = read.ok();
    }
}

async fn read(file: &Path) -> Result<Vec<u8>, TokensError> {
    let content = tokio::fs::read(file)
        .await
        .map_err(|cause| TokensError::Unreadable { file: file.to_owned(), cause })?;
    if content.len() > MAX_BYTES {
        return Err(TokensError::TooLarge { file: file.to_owned() });
    }
    Ok(content)
}

fn parse(file: &Path, content: &[u8]) -> Result<Vec<Token>, TokensError> {
    let bad = |line, what| TokensError::Line { file: file.to_owned(), line, what };
    let mut tokens: Vec<Token> = Vec::new();
    for (number, line) in (1..).zip(content.split(|byte| *byte == b'\n')) {
        let line = std::str::from_utf8(line).map_err(|_| bad(number, "it is not UTF-8"))?.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let token = token(line).map_err(|what| bad(number, what))?;
        if tokens.iter().any(|known| known.name == token.name) {
            return Err(bad(number, "its name is there already"));
        }
        tokens.push(token);
    }
    if tokens.is_empty() {
        return Err(TokensError::Empty { file: file.to_owned() });
    }
    Ok(tokens)
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

    #[tokio::test(start_paused = true)]
    async fn a_changed_file_is_read_again_and_a_spoilt_one_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tokens");
        std::fs::write(&file, format!("ann:viewer:{SECRET}\n")).unwrap();
        let tokens = Tokens::open(file.clone()).await.unwrap();
        assert_eq!(tokens.find("secret").await.unwrap().name, "ann");
        assert_eq!(tokens.find("Secret").await, None);

        std::fs::write(&file, format!("bob:operator:{SECRET}\n")).unwrap();
        tokio::time::advance(READ_EVERY).await;
        assert_eq!(tokens.find("secret").await.unwrap().name, "bob");

        for spoilt in [Some("nonsense"), Some(""), None] {
            match spoilt {
                Some(text) => std::fs::write(&file, text).unwrap(),
                None => std::fs::remove_file(&file).unwrap(),
            }
            tokio::time::advance(READ_EVERY).await;
            assert_eq!(tokens.find("secret").await.unwrap().name, "bob");
        }

        let nobody = "0".repeat(64);
        std::fs::write(&file, format!("bob:operator:{nobody}\n")).unwrap();
        tokio::time::advance(READ_EVERY).await;
        assert_eq!(tokens.find("secret").await, None, "a revoked token is refused");
    }
}
