//! Where board, ledger and slot key are.

use canary_domain::SlotKey;
use canary_runner::SecretSource;
use secrecy::ExposeSecret as _;

use super::file::{Address, File, Part};
use super::{BoardSettings, Complaint, LedgerSettings, secrets};

/// The slot key, if it is not the ledger's; long enough to be one.
pub(super) fn slot_key(file: &File) -> Result<Option<SlotKey>, Complaint> {
    let Some(source) =
        secrets::source("", "slot_key", file.slot_key_file.as_ref(), file.slot_key_env.as_ref())?
    else {
        return Ok(None);
    };
    let secret = source.read().map_err(|what| Complaint::about("", &what))?;
    let key = SlotKey::new(secret.expose_secret().as_bytes().to_vec());
    key.map(Some).map_err(|error| Complaint::about("slot_key", &error.to_string()))
}

pub(super) fn board(file: &File) -> Result<BoardSettings, Complaint> {
    let Some(section) = &file.redis else {
        let whole =
            [Part::Runner, Part::Validators, Part::Judge].iter().all(|part| file.roles.contains(part));
        return if whole {
            Ok(BoardSettings::Memory)
        } else {
            Err(Complaint::about(
                "redis",
                "without [redis] the board lives in one process, which has to run runner, validators and judge",
            ))
        };
    };
    let named = secrets::source("redis", "url", section.url_file.as_ref(), section.url_env.as_ref())?;
    let url = match (&section.url, named) {
        (Some(url), None) => plain_url(url)?,
        (None, Some(source)) => source,
        (None, None) => {
            return Err(Complaint::about("redis.url", "is missing; write it like \"redis://host:6379\""));
        }
        (Some(_), Some(_)) => {
            return Err(Complaint::about(
                "redis.url",
                "is given twice; keep one of url, url_file and url_env",
            ));
        }
    };
    Ok(BoardSettings::Redis { url, prefix: section.prefix.clone() })
}

fn plain_url(Address(url): &Address) -> Result<SecretSource, Complaint> {
    if url.password().is_some() {
        return Err(Complaint::about(
            "redis.url",
            "holds a password; secrets are never written into this file: use redis.url_file or redis.url_env",
        ));
    }
    let text = url.to_string();
    Ok(SecretSource::new(move || Ok(text.clone().into())))
}

pub(super) fn ledger(file: &File) -> Result<LedgerSettings, Complaint> {
    let Some(section) = &file.postgres else { return Ok(LedgerSettings::Sqlite(file.embedded.path.clone())) };
    let url = secrets::source("postgres", "url", section.url_file.as_ref(), section.url_env.as_ref())?
        .ok_or_else(|| {
            Complaint::about(
                "postgres.url_file",
                "is missing; name the file that holds \"postgres://user:password@host/database\"",
            )
        })?;
    Ok(LedgerSettings::Postgres { url, migrate: section.migrate })
}
