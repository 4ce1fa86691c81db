//! Round trips between points of the globe, from a table.

use topology::{Position, latency};

/// Cells of each half of the table. The error of a straight line within a cell is a few metres of way.
const CELLS: usize = 512;

/// Half the chord of a right angle: where the near half of the table ends.
const HALF: f64 = std::f64::consts::FRAC_1_SQRT_2;

/// The topology's estimate as a function of the chord between two points, sampled once.
///
/// A decision looks up a round trip for every region, so this avoids the arc sine and whatever the estimate costs.
/// Chords over a right angle are looked up by the chord to the antipode, where the arc sine is tame again.
#[derive(Debug)]
pub(crate) struct Estimate {
    /// Microseconds by half the chord, from 0 to [`HALF`].
    near: Vec<f64>,
    /// Microseconds by half the chord to the antipode.
    far: Vec<f64>,
}

impl Estimate {
    pub(crate) fn sampled() -> Self {
        let angles = (0..=CELLS).map(|cell| 2.0 * (HALF * cell as f64 / CELLS as f64).asin().to_degrees());
        let near = angles.clone().map(at_degrees).collect();
        let far = angles.map(|angle| at_degrees(180.0 - angle)).collect();
        Self { near, far }
    }

    /// Round trip between two points of the unit sphere, in microseconds.
    pub(crate) fn us(&self, a: [f64; 3], b: [f64; 3]) -> f64 {
        let (x, y, z) = (a[0] - b[0], a[1] - b[1], a[2] - b[2]);
        let square = x * x + y * y + z * z;
        let (table, square) = if square <= 2.0 { (&self.near, square) } else { (&self.far, (4.0 - square).max(0.0)) };
        let at = square.sqrt() * (0.5 / HALF * CELLS as f64);
        let cell = (at as usize).min(CELLS - 1);
        table[cell] + (table[cell + 1] - table[cell]) * (at - cell as f64)
    }
}

fn at_degrees(angle: f64) -> f64 {
    let start = Position::new(0.0, 0.0).expect("the origin of coordinates is on the globe");
    let there = Position::new(0.0, angle.clamp(0.0, 180.0)).expect("a longitude up to 180 is on the globe");
    latency::rtt_us(start, there) as f64
}

/// The point of the unit sphere at a latitude and longitude.
pub(crate) fn unit_vector(at: Position) -> [f64; 3] {
    let (lat, lng) = (at.lat().to_radians(), at.lng().to_radians());
    [lat.cos() * lng.cos(), lat.cos() * lng.sin(), lat.sin()]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn both(a: Position, b: Position) -> (f64, f64) {
        (Estimate::sampled().us(unit_vector(a), unit_vector(b)), latency::rtt_us(a, b) as f64)
    }

    fn position() -> impl Strategy<Value = Position> {
        (-90.0..=90.0, -180.0..=180.0).prop_map(|(lat, lng)| Position::new(lat, lng).unwrap())
    }

    proptest! {
        #[test]
        fn the_table_agrees_with_the_estimate(a in position(), b in position()) {
            let (table, direct) = both(a, b);
            prop_assert!((table - direct).abs() <= 2.0, "{} {}", table, direct);
        }
    }

    #[test]
    fn the_ends_of_the_table_agree_too() {
        let pairs = [
            ((0.0, 0.0), (0.0, 0.0)),
            ((0.0, 0.0), (0.0, 180.0)),
            ((90.0, 0.0), (-90.0, 0.0)),
            ((0.0, 0.0), (0.0, 90.0)),
        ];
        for ((lat, lng), (lat2, lng2)) in pairs {
            let (table, direct) = both(Position::new(lat, lng).unwrap(), Position::new(lat2, lng2).unwrap());
            assert!((table - direct).abs() <= 2.0, "{table} {direct}");
        }
    }
}
