//! What can't be read in the file, said so that it can be mended: the setting's path, the line, the nearest known name.
//!
//! The text of the offending line is never shown: it may hold a secret that somebody put there by mistake (I8).

use super::{Complaint, file::File};

/// Reads the file's text.
pub(super) fn parse(text: &str) -> Result<File, Complaint> {
    let document = toml::Deserializer::parse(text).map_err(|error| syntax(text, &error))?;
    serde_path_to_error::deserialize(document).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        let place = if path == "." { String::new() } else { path };
        Complaint {
            setting: place,
            line: inner.span().map(|span| line_of(text, span.start)),
            what: explain(inner.message()),
        }
    })
}

fn syntax(text: &str, error: &toml::de::Error) -> Complaint {
    let message = error.message();
    let line = match error.span() {
        Some(span) => line_of(text, span.start),
        None => line_that_fails(text, message),
    };
    let what = match message {
        "recursion limit" => "nested too deeply",
        other => other,
    };
    Complaint { setting: String::new(), line: Some(line), what: format!("this is no TOML: {what}") }
}

/// The parser gives some errors no place, such as that of a key of too many parts. It is the line with which the text begins
/// to fail like that.
fn line_that_fails(text: &str, message: &str) -> usize {
    let ends: Vec<usize> = text.match_indices('\n').map(|(at, _)| at).chain([text.len()]).collect();
    let fails =
        |end: usize| toml::Deserializer::parse(&text[..end]).is_err_and(|error| error.message() == message);
    ends.partition_point(|end| !fails(*end)).min(ends.len() - 1) + 1
}

fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes()[..at.min(text.len())].iter().filter(|byte| **byte == b'\n').count() + 1
}

/// Turns serde's "unknown field" into advice.
fn explain(message: &str) -> String {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let (Some(given), known) = (quoted.first(), quoted.get(1..).unwrap_or_default()) else {
        return message.to_owned();
    };
    let thing = if message.starts_with("unknown field") {
        "unknown setting"
    } else if message.starts_with("unknown variant") {
        "unknown word"
    } else {
        return message.to_owned();
    };
    if let Some(file) = known.iter().find(|name| **name == format!("{given}_file")) {
        return format!("secrets are never written into this file: use `{file}`, or `{given}_env`");
    }
    match nearest(given, known.iter().copied()) {
        Some(known) => format!("{thing} `{given}`; did you mean `{known}`?"),
        None => format!("{thing} `{given}`; known are {}", known.join(", ")),
    }
}

/// The known name that is most like the one given, if any is like it.
pub(super) fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(given, name), name))
        .filter(|(distance, name)| *distance <= name.len().max(given.len()) / 2)
        .min()
        .map(|(_, name)| name)
}
