//! A safetensors file with one table of half-precision numbers.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The name of the table in the file.
const NAME: &str = "embedding.weight";

#[derive(Debug, Deserialize)]
struct Entry {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: [usize; 2],
}

/// One row a word piece.
#[derive(Debug)]
pub(super) struct Table {
    dimensions: usize,
    halves: Vec<u16>,
}

impl Table {
    /// Reads the file: eight bytes with the length of a JSON head, the head, the numbers.
    pub(super) fn parse(bytes: &[u8], dimensions: usize) -> Result<Self, String> {
        let (length, rest) = bytes.split_first_chunk::<8>().ok_or("it is shorter than its head")?;
        let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| "its head is too long")?;
        let (head, data) = rest.split_at_checked(length).ok_or("it is shorter than its head")?;
        let head: BTreeMap<String, serde_json::Value> =
            serde_json::from_slice(head).map_err(|error| format!("its head is no JSON object: {error}"))?;
        let entry = head.get(NAME).ok_or_else(|| format!("it has no {NAME}"))?;
        let entry = Entry::deserialize(entry).map_err(|error| format!("{NAME} is described otherwise: {error}"))?;
        Self::of_entry(&entry, data, dimensions)
    }

    fn of_entry(entry: &Entry, data: &[u8], dimensions: usize) -> Result<Self, String> {
        let [from, to] = entry.data_offsets;
        let data = data.get(from..to).ok_or("it is cut off")?;
        let fits = match entry.shape[..] {
            [rows, columns] => rows > 0 && columns == dimensions && data.len() == rows * columns * 2,
            _ => false,
        };
        if entry.dtype != "F16" || !fits {
            let (dtype, shape) = (&entry.dtype, &entry.shape);
            return Err(format!("{NAME} is {dtype} of shape {shape:?}, not F16 of [.., {dimensions}]"));
        }
        let halves = data.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
        Ok(Self { dimensions, halves })
    }

    /// The mean of these rows; zero of none. A number beyond the table is its last row, as in the reference.
    pub(super) fn mean(&self, rows: &[u32]) -> Vec<f64> {
        let mut sums = vec![0.0_f64; self.dimensions];
        let last = self.halves.len() / self.dimensions - 1;
        for &row in rows {
            let start = last.min(row as usize) * self.dimensions;
            let numbers = &self.halves[start..start + self.dimensions];
            for (sum, &half) in sums.iter_mut().zip(numbers) {
                *sum += from_half(half);
            }
        }
        let count = rows.len().max(1) as f64;
        sums.into_iter().map(|sum| sum / count).collect()
    }
}

/// IEEE 754 binary16. Infinities and NaN count as 0: one broken number must not spoil every vector.
fn from_half(half: u16) -> f64 {
    let sign = if half >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(half >> 10 & 0x1f), f64::from(half & 0x3ff));
    match exponent {
        0 => sign * fraction * 2.0_f64.powi(-24),
        0x1f => 0.0,
        _ => sign * (1.0 + fraction / 1024.0) * 2.0_f64.powi(exponent - 15),
    }
}

#[cfg(test)]
mod tests {
    use super::from_half;

    #[test]
    fn halves_are_read_as_the_standard_says() {
        let cases = [
            (0x0000, 0.0),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x3555, 0.333_251_953_125),
            (0x7bff, 65_504.0),
            (0x0001, 5.960_464_477_539_063e-8),
            (0x8400, -6.103_515_625e-5),
            (0x7c00, 0.0),
        ];
        for (half, number) in cases {
            assert_eq!(from_half(half), number, "{half:04x}");
        }
    }
}
