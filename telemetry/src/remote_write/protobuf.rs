//! As much of protobuf's wire format as remote write needs: numbers, and fields with a length.

/// A field holds a number of variable length.
const VARINT: u8 = 0;
/// A field holds eight bytes.
const FIXED64: u8 = 1;
/// A field holds as many bytes as its length says.
const BYTES: u8 = 2;

fn key(field: u8, kind: u8) -> u8 {
    field << 3 | kind
}

pub(super) fn varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push((number & 0x7f) as u8);
}

/// How many bytes [`varint`] takes.
pub(super) fn varint_len(number: u64) -> usize {
    let bits = (u64::BITS - number.leading_zeros()).max(1);
    bits.div_ceil(7) as usize
}

pub(super) fn bytes(out: &mut Vec<u8>, field: u8, bytes: &[u8]) {
    header(out, field, bytes.len());
    out.extend_from_slice(bytes);
}

/// The begin of a field of so many bytes, which follow.
pub(super) fn header(out: &mut Vec<u8>, field: u8, len: usize) {
    out.push(key(field, BYTES));
    varint(out, len as u64);
}

/// How many bytes a field of so many bytes takes, its begin included.
pub(super) fn field_len(len: usize) -> usize {
    1 + varint_len(len as u64) + len
}

/// As proto3 does, zero is left out: it is what a reader takes a missing field for. Minus zero is not zero.
pub(super) fn double(out: &mut Vec<u8>, field: u8, value: f64) {
    if value.to_bits() != 0 {
        out.push(key(field, FIXED64));
        out.extend_from_slice(&value.to_le_bytes());
    }
}

pub(super) fn double_len(value: f64) -> usize {
    if value.to_bits() == 0 { 0 } else { 9 }
}

/// A negative number takes all ten bytes of its two's complement.
pub(super) fn int64(out: &mut Vec<u8>, field: u8, number: i64) {
    if number != 0 {
        out.push(key(field, VARINT));
        varint(out, number.cast_unsigned());
    }
}

pub(super) fn int64_len(number: i64) -> usize {
    if number == 0 { 0 } else { 1 + varint_len(number.cast_unsigned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_takes_seven_bits_a_byte_and_as_many_bytes_as_said() {
        let cases: [(u64, &[u8]); 6] = [
            (0, &[0]),
            (127, &[0x7f]),
            (128, &[0x80, 1]),
            (300, &[0xac, 2]),
            (1 << 35, &[0x80, 0x80, 0x80, 0x80, 0x80, 1]),
            (u64::MAX, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]),
        ];
        for (number, expected) in cases {
            let mut out = Vec::new();
            varint(&mut out, number);
            assert_eq!(out, expected, "{number}");
            assert_eq!(varint_len(number), expected.len(), "{number}");
        }
    }
}
