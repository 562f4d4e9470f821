//! Takes secrets out of what others have said (I8): an error page may repeat the request, a log line may hold anybody's.
//!
//! Two things are looked for: secrets that are known, in the forms in which a page may repeat them, and whatever has the
//! look of one. It is done before a text is cut: half a secret at the cut would not be found any more.

use std::fmt::Write as _;
use std::sync::LazyLock;

use regex::Regex;

/// What stands for a secret.
const HIDDEN: &str = "…";

/// What follows a scheme of `Authorization`; a shorter word is prose ("Basic authentication").
static CREDENTIALS: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"((?i-u:\b(?:bearer|basic))(?:[ \t+]|%20)+)[A-Za-z0-9._~+/=-]{16,}"));
/// JSON web tokens.
static TOKEN: LazyLock<Regex> = LazyLock::new(|| pattern(r"eyJ[A-Za-z0-9._=-]{10,}"));
/// What is called a secret, as a header, a form's field or a member of JSON, quoted or not.
static NAMED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"((?i-u:authorization|(?:client|shared)[_-]?secret|password|passwd|(?:access|refresh|id)[_-]token|",
        r"api[_-]?key|cookie)(?:\\?[\x22']|&quot;)?[ \t]*(?:[:=]|%3[Aa]|%3[Dd])[ \t]*(?:\\?[\x22']|&quot;)?)",
        r"((?i-u:bearer|basic)[ \t]+)?[^\x22'\\,;&<>{}\r\n]+"
    ))
});

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the pattern is a constant, and a test uses it")
}

/// The text without these secrets and without what looks like one; each leaves a `…`.
#[must_use]
pub fn scrub(text: &str, secrets: &[&str]) -> String {
    let mut text = text.to_owned();
    for form in secrets.iter().filter(|secret| !secret.is_empty()).flat_map(|secret| forms(secret)) {
        if text.contains(&form) {
            text = text.replace(&form, HIDDEN);
        }
    }
    for (pattern, hidden) in [(&CREDENTIALS, "${1}…"), (&TOKEN, HIDDEN), (&NAMED, "${1}${2}…")] {
        text = pattern.replace_all(&text, hidden).into_owned();
    }
    text
}

/// A secret as it is, as a form or an address bears it, and as it stands in JSON or HTML.
fn forms(secret: &str) -> Vec<String> {
    let percent = |upper: bool, space: &str| {
        secret.bytes().fold(String::new(), |mut text, byte| {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'*' => {
                    text.push(char::from(byte));
                }
                b' ' => text.push_str(space),
                _ if upper => write!(text, "%{byte:02X}").expect("writing to a text never fails"),
                _ => write!(text, "%{byte:02x}").expect("writing to a text never fails"),
            }
            text
        })
    };
    let json = secret.replace('\\', "\\\\").replace('"', "\\\"");
    let html = secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    vec![secret.to_owned(), percent(true, "+"), percent(true, "%20"), percent(false, "%20"), json, html]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_secret_is_found_in_every_form_a_page_may_give_it() {
        let secret = "p&ss \"w\\rd\"/é";
        for said in [
            "p&ss \"w\\rd\"/é",
            "p%26ss+%22w%5Crd%22%2F%C3%A9",
            "p%26ss%20%22w%5crd%22%2f%c3%a9",
            r#"p&ss \"w\\rd\"/é"#,
            "p&amp;ss &quot;w\\rd&quot;/é",
        ] {
            assert_eq!(scrub(&format!("you said <{said}>, which"), &[secret]), "you said <…>, which");
        }
        assert_eq!(scrub("nothing is hidden", &[""]), "nothing is hidden");
    }

    #[test]
    fn what_looks_like_a_secret_goes_too_whoevers_it_is() {
        for (said, left) in [
            ("authorization: Bearer abc", "authorization: Bearer …"),
            ("AUTHORIZATION=Basic dXNlcjpwYXNz, host: a", "AUTHORIZATION=Basic …, host: a"),
            ("sent bearer 0123456789abcdef0 twice", "sent bearer … twice"),
            (r#"{"Authorization": "Token abc", "host": "a"}"#, r#"{"Authorization": "…", "host": "a"}"#),
            (r#"{\"password\":\"hunter2\",\"user\":\"ann\"}"#, r#"{\"password\":\"…\",\"user\":\"ann\"}"#),
            ("username=ann&password=hunter2&x=1", "username=ann&password=…&x=1"),
            ("client_secret = 'hunter2'", "client_secret = '…'"),
            ("got eyJhbGciOiJIUzI1NiJ9.eyJzdWIi.sig_-x here", "got … here"),
            ("Set-Cookie: session=abc; Path=/", "Set-Cookie: …; Path=/"),
            ("x-api-key: 123", "x-api-key: …"),
        ] {
            assert_eq!(scrub(said, &[]), left);
        }
    }

    #[test]
    fn prose_about_secrets_is_left_alone() {
        for said in [
            "balance too low",
            "Basic authentication is not supported",
            "the bearer token has expired",
            "no password was given",
            "transfer 6f1e0d8a-1b2c-8d3e-9f4a-0123456789ab refused",
        ] {
            assert_eq!(scrub(said, &[]), said);
        }
    }
}
