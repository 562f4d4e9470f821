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
mod tests;
