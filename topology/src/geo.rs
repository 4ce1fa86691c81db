//! Places on the globe, in degrees, and the distance between them.

use serde::{Deserialize, Serialize};

/// Mean radius of the Earth (IUGG R1), in kilometres.
pub const EARTH_RADIUS_KM: f64 = 6371.0088;

/// A point on the globe: latitude in [-90, 90], longitude in [-180, 180], both finite degrees.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RawPosition")]
pub struct Position {
    lat: f64,
    lng: f64,
}

/// A pair of numbers that is no place on the globe.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("latitude must be within -90..90 and longitude within -180..180, not {lat}, {lng}")]
pub struct OffTheGlobe {
    /// The refused latitude.
    pub lat: f64,
    /// The refused longitude.
    pub lng: f64,
}

#[derive(Deserialize)]
struct RawPosition {
    lat: f64,
    lng: f64,
}

impl TryFrom<RawPosition> for Position {
    type Error = OffTheGlobe;

    fn try_from(raw: RawPosition) -> Result<Self, OffTheGlobe> {
        Self::new(raw.lat, raw.lng)
    }
}

impl Position {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`OffTheGlobe`] where a number is out of range or not finite.
    pub fn new(lat: f64, lng: f64) -> Result<Self, OffTheGlobe> {
        if (-90.0..=90.0).contains(&lat) && (-180.0..=180.0).contains(&lng) {
            Ok(Self { lat, lng })
        } else {
            Err(OffTheGlobe { lat, lng })
        }
    }

    /// Latitude in degrees, north positive.
    #[must_use]
    pub const fn lat(self) -> f64 {
        self.lat
    }

    /// Longitude in degrees, east positive.
    #[must_use]
    pub const fn lng(self) -> f64 {
        self.lng
    }

    /// Great-circle distance in kilometres, by the haversine formula (stable for near points).
    #[must_use]
    pub fn distance_km(self, other: Self) -> f64 {
        let (lat1, lat2) = (self.lat.to_radians(), other.lat.to_radians());
        let half_lat = (lat2 - lat1) / 2.0;
        let half_lng = (other.lng - self.lng).to_radians() / 2.0;
        let h = half_lat.sin().powi(2) + lat1.cos() * lat2.cos() * half_lng.sin().powi(2);
        2.0 * EARTH_RADIUS_KM * h.sqrt().min(1.0).asin()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_agrees_with_published_city_pairs() {
        let london = Position::new(51.5074, -0.1278).unwrap();
        let new_york = Position::new(40.7128, -74.0060).unwrap();
        let km = london.distance_km(new_york);
        assert!((5560.0..5580.0).contains(&km), "{km}");
    }

    #[test]
    fn what_is_off_the_globe_is_refused() {
        for (lat, lng) in [(90.1, 0.0), (0.0, -180.5), (f64::NAN, 0.0), (0.0, f64::INFINITY)] {
            assert!(Position::new(lat, lng).is_err());
        }
    }
}
