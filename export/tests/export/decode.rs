//! Reads a remote write as a receiver does, from the schema and not from our encoder.

use std::collections::BTreeMap;

/// One sample: its series in PromQL's form, milliseconds, value.
pub type Sample = (String, i64, f64);

pub fn samples(body: &[u8]) -> Vec<Sample> {
    let request = snap::raw::Decoder::new().decompress_vec(body).unwrap();
    let mut samples = Vec::new();
    for (field, series) in fields(&request) {
        assert_eq!(field, 1, "a request holds series alone");
        let (mut labels, mut points) = (BTreeMap::new(), Vec::new());
        for (field, part) in fields(series.bytes()) {
            match field {
                1 => drop(label(part.bytes()).map(|(name, value)| labels.insert(name, value))),
                2 => points.push(point(part.bytes())),
                other => panic!("a series has no field {other}"),
            }
        }
        assert!(points.is_sorted_by_key(|(at, _)| *at), "samples of a series come in the order of time");
        let name = labels.remove("__name__").unwrap();
        let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
        let series = format!("{name}{{{}}}", labels.join(","));
        samples.extend(points.into_iter().map(|(at, value)| (series.clone(), at, value)));
    }
    samples
}

fn label(bytes: &[u8]) -> Option<(String, String)> {
    let mut texts =
        fields(bytes).into_iter().map(|(_, text)| String::from_utf8(text.bytes().to_vec()).unwrap());
    Some((texts.next()?, texts.next()?))
}

fn point(bytes: &[u8]) -> (i64, f64) {
    let (mut at, mut value) = (0, 0.0);
    for (field, part) in fields(bytes) {
        match (field, part) {
            (1, Value::Fixed(bits)) => value = f64::from_bits(bits),
            (2, Value::Number(number)) => at = number.cast_signed(),
            other => panic!("a sample has no {other:?}"),
        }
    }
    (at, value)
}

#[derive(Debug)]
enum Value<'a> {
    Number(u64),
    Fixed(u64),
    Bytes(&'a [u8]),
}

impl<'a> Value<'a> {
    fn bytes(&self) -> &'a [u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Number(_) | Self::Fixed(_) => panic!("{self:?} has no bytes"),
        }
    }
}

fn fields(mut bytes: &[u8]) -> Vec<(u64, Value<'_>)> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let value = match key & 7 {
            0 => Value::Number(varint(&mut bytes)),
            1 => Value::Fixed(u64::from_le_bytes(take(&mut bytes, 8).try_into().unwrap())),
            2 => {
                let len = varint(&mut bytes);
                Value::Bytes(take(&mut bytes, usize::try_from(len).unwrap()))
            }
            other => panic!("wire type {other}"),
        };
        fields.push((key >> 3, value));
    }
    fields
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut number = 0;
    for place in 0.. {
        let byte = take(bytes, 1)[0];
        number |= u64::from(byte & 0x7f) << (7 * place);
        if byte < 0x80 {
            break;
        }
    }
    number
}

fn take<'a>(bytes: &mut &'a [u8], count: usize) -> &'a [u8] {
    let (taken, rest) = bytes.split_at(count);
    *bytes = rest;
    taken
}
