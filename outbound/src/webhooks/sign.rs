//! The signature of a message, as the Standard Webhooks specification has it: `v1,` and the base64 of an HMAC-SHA-256 over
//! `<id>.<timestamp>.<body>`. With several keys there are as many signatures, parted by spaces, so that a key can be changed
//! without a message that fails.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// What a key in base64 begins with.
const PREFIX: &str = "whsec_";
/// Fewer bytes than this are refused: guessing has to stay hopeless.
const MIN_BYTES: usize = 16;

/// The keys of a receiver, the one in use first. They have no debug form (I8).
pub struct Keys(Vec<Vec<u8>>);

/// Why a text is no key; never the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Too short, or none at all.
    #[error("a key needs at least {MIN_BYTES} bytes, this one has {0}")]
    Short(usize),
    /// Announced as base64, and none.
    #[error("what follows `whsec_` is no base64")]
    Base64,
}

impl Keys {
    /// Reads keys, a line each: what follows `whsec_` is base64; any other line is the key as it stands.
    ///
    /// # Errors
    /// When one can't be used.
    pub fn read(text: &str) -> Result<Self, KeyError> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let keys: Vec<Vec<u8>> = lines.map(key).collect::<Result<_, _>>()?;
        if keys.is_empty() { Err(KeyError::Short(0)) } else { Ok(Self(keys)) }
    }

    /// The header `webhook-signature`; `timestamp` is in seconds.
    #[must_use]
    pub fn sign(&self, id: &str, timestamp: i64, body: &str) -> String {
        let signatures = self.0.iter().map(|key| {
            let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
            mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
            format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
        });
        signatures.collect::<Vec<_>>().join(" ")
    }
}

fn key(line: &str) -> Result<Vec<u8>, KeyError> {
    let bytes = match line.strip_prefix(PREFIX) {
        Some(base64) => STANDARD.decode(base64).map_err(|_| KeyError::Base64)?,
        None => line.as_bytes().to_vec(),
    };
    if bytes.len() < MIN_BYTES { Err(KeyError::Short(bytes.len())) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with OpenSSL: `printf '%s' "$id.$timestamp.$body" | openssl dgst -sha256 -mac HMAC -macopt hexkey:… -binary |
    /// base64`.
    #[test]
    fn signatures_are_those_that_openssl_computes() {
        let sign = |keys: &str| {
            Keys::read(keys).unwrap().sign(
                "msg_p5jXN8AQM9LWM0D4loKWxJek",
                1_614_265_330,
                r#"{"test": 2432232314}"#,
            )
        };
        let (coded, plain) = ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "a plain key, öf 24 bytes");
        assert_eq!(sign(coded), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!(sign(plain), "v1,Stec6PEIx5CzCwxpgKLV+3lMgrqkg6Qhohkifg2sEYk=");
        assert_eq!(sign(&format!("{plain}\r\n\n{coded}\n")), format!("{} {}", sign(plain), sign(coded)));
    }

    #[test]
    fn keys_that_are_none_are_refused_without_telling_them() {
        for (text, why) in [
            ("", KeyError::Short(0)),
            ("\n\n", KeyError::Short(0)),
            ("hunter2", KeyError::Short(7)),
            ("whsec_aHVudGVyMg==", KeyError::Short(7)),
            ("whsec_hunter2 hunter2 hunter2", KeyError::Base64),
            ("a key that is long enough\nhunter2", KeyError::Short(7)),
        ] {
            let error = Keys::read(text).err().unwrap();
            assert_eq!(error, why);
            assert!(!error.to_string().contains("hunter2"));
        }
    }
}
