//! What placement asks of the network: how long a round trip takes.

use topology::Region;

/// Round-trip times in whole microseconds.
pub trait Network {
    /// Estimate for two points so many kilometres apart on the globe. Must not fall as the distance grows.
    fn estimate_us(&self, km: f64) -> u64;

    /// Between two regions: measured where a measurement is known, else the estimate for their distance.
    fn between_us(&self, from: &Region, to: &Region) -> u64 {
        if from.name == to.name { 0 } else { self.estimate_us(from.position.distance_km(to.position)) }
    }
}

/// Light in fibre over a stretched path, without measurements.
#[derive(Debug, Clone, Copy, Default)]
pub struct GreatCircle;

impl Network for GreatCircle {
    fn estimate_us(&self, km: f64) -> u64 {
        // 200 km a millisecond in fibre, there and back, over a path 1.5 times the great circle; 1 ms to get in and out.
        1_000 + (km.max(0.0) * 15.0) as u64
    }
}
