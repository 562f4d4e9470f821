//! Where secrets come from: a file, read again whenever it is needed, or an environment variable.

use std::path::{Path, PathBuf};

use canary_runner::SecretSource;
use secrecy::SecretString;

use super::Complaint;

/// One of `<name>_file` and `<name>_env`; neither gives `None`.
pub(super) fn source(
    setting: &str,
    name: &str,
    file: Option<&PathBuf>,
    variable: Option<&String>,
) -> Result<Option<SecretSource>, Complaint> {
    let setting = if setting.is_empty() { name.to_owned() } else { format!("{setting}.{name}") };
    let source = match (file, variable) {
        (Some(_), Some(_)) => {
            return Err(Complaint::about(
                &setting,
                "both a file and an environment variable are named; keep one",
            ));
        }
        (Some(path), None) => from_file(format!("{setting}_file"), path.clone()),
        (None, Some(variable)) => from_variable(format!("{setting}_env"), variable.clone()),
        (None, None) => return Ok(None),
    };
    // Read once now, so that a mistake shows at the start and not at the first use.
    source.read().map_err(|what| Complaint::about("", &what))?;
    Ok(Some(source))
}

fn from_file(setting: String, path: PathBuf) -> SecretSource {
    SecretSource::new(move || read_file(&path).map_err(|what| format!("{setting}: {what}")))
}

/// The content of a secret's file, without its closing newline.
pub(super) fn read_file(path: &Path) -> Result<SecretString, String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("{} can't be read: {error}", path.display()))?;
    let secret =
        text.strip_suffix('\n').map_or(text.as_str(), |text| text.strip_suffix('\r').unwrap_or(text));
    if secret.is_empty() { Err(format!("{} is empty", path.display())) } else { Ok(secret.to_owned().into()) }
}

fn from_variable(setting: String, variable: String) -> SecretSource {
    SecretSource::new(move || match environment(&variable) {
        Some(secret) if !secret.is_empty() => Ok(secret.into()),
        Some(_) => Err(format!("{setting}: the environment variable {variable} is empty")),
        None => Err(format!("{setting}: the environment variable {variable} is not set")),
    })
}

#[expect(clippy::disallowed_methods, reason = "the one home of the environment; see clippy.toml")]
fn environment(variable: &str) -> Option<String> {
    std::env::var(variable).ok()
}
