//! Round trips between points of the globe, from a table.

use topology::{Position, latency};

/// Cells of the table: one for each 20 km of the way to the antipode.
const CELLS: usize = 1_001;

/// The topology's estimate as a function of the angle between two points, sampled once.
///
/// Placement reads it instead of calling the estimate, so that a decision costs one arc sine a region whatever the
/// estimate does.
#[derive(Debug)]
pub(crate) struct Estimate {
    us: Vec<f64>,
}

impl Estimate {
    pub(crate) fn sampled() -> Self {
        let start = Position::new(0.0, 0.0).expect("the origin of coordinates is on the globe");
        let us = (0..CELLS)
            .map(|cell| {
                let lng = 180.0 * cell as f64 / (CELLS - 1) as f64;
                let there = Position::new(0.0, lng).expect("a longitude up to 180 is on the globe");
                latency::rtt_us(start, there) as f64
            })
            .collect();
        Self { us }
    }

    /// Round trip between two points of the unit sphere, in microseconds.
    pub(crate) fn us(&self, a: [f64; 3], b: [f64; 3]) -> f64 {
        let square = (a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2) + (a[2] - b[2]).powi(2);
        let angle = 2.0 * (square.sqrt() / 2.0).min(1.0).asin();
        let at = angle / std::f64::consts::PI * (CELLS - 1) as f64;
        let cell = (at as usize).min(CELLS - 2);
        let part = at - cell as f64;
        self.us[cell] * (1.0 - part) + self.us[cell + 1] * part
    }
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

    const CELL_KM: f64 = topology::geo::EARTH_RADIUS_KM * std::f64::consts::PI / (CELLS - 1) as f64;

    proptest! {
        #[test]
        fn the_table_agrees_with_the_estimate(
            a in (-90.0..=90.0, -180.0..=180.0),
            b in (-90.0..=90.0, -180.0..=180.0),
        ) {
            let (a, b) = (Position::new(a.0, a.1).unwrap(), Position::new(b.0, b.1).unwrap());
            let table = Estimate::sampled().us(unit_vector(a), unit_vector(b));
            let direct = latency::rtt_us(a, b) as f64;
            // A curve bends less than a tenth within a cell; both are rounded once.
            prop_assert!((table - direct).abs() <= 2.0 + 0.1 * CELL_KM * latency::FIBRE_US_PER_KM, "{table} {direct}");
        }
    }
}
