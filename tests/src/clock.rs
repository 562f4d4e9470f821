//! Steps the clock of a real Redis on its way to whoever asks: stepping the machine's would step everybody's.

/// The start of an answer to `TIME`: two texts, the first of ten digits.
const HEAD: &[u8] = b"*2\r\n$10\r\n";

/// Steps each answer to `TIME` among these bytes by so many seconds; for [`crate::Proxy::rewriting`].
pub fn step_clock(bytes: &mut [u8], by: i64) {
    let mut at = 0;
    while let Some(found) = bytes[at..].windows(HEAD.len()).position(|window| window == HEAD) {
        let (from, until) = (at + found + HEAD.len(), at + found + HEAD.len() + 10);
        let Some(digits) = bytes.get_mut(from..until) else { return };
        if let Some(second) = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse::<i64>().ok()) {
            digits.copy_from_slice(format!("{:010}", second + by).as_bytes());
        }
        at = until;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_answer_to_time_is_stepped_and_nothing_else() {
        let mut bytes =
            *b"$5\r\nhello\r\n*2\r\n$10\r\n1800000000\r\n$3\r\n123\r\n*2\r\n$10\r\n1800000001\r\n";
        step_clock(&mut bytes, -7);
        let stepped = "$5\r\nhello\r\n*2\r\n$10\r\n1799999993\r\n$3\r\n123\r\n*2\r\n$10\r\n1799999994\r\n";
        assert_eq!(std::str::from_utf8(&bytes).unwrap(), stepped);
    }
}
