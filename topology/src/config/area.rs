//! Areas of the world as geo steering names them: words for several of Cloudflare's codes, or one code.

use crate::catalogue::SteeringCode::{self, Eeu, Enam, Me, Naf, Neas, Nsam, Oc, Saf, Sas, Seas, Ssam, Weu, Wnam};
use crate::geo::Position;

/// Words and the codes that they stand for.
const WORDS: [(&str, &[SteeringCode]); 18] = [
    ("North America", &[Wnam, Enam]),
    ("South America", &[Nsam, Ssam]),
    ("Europe", &[Weu, Eeu]),
    ("Africa", &[Naf, Saf]),
    ("Asia", &[Sas, Seas, Neas]),
    ("Western North America", &[Wnam]),
    ("Eastern North America", &[Enam]),
    ("Northern South America", &[Nsam]),
    ("Southern South America", &[Ssam]),
    ("Western Europe", &[Weu]),
    ("Eastern Europe", &[Eeu]),
    ("Northern Africa", &[Naf]),
    ("Southern Africa", &[Saf]),
    ("Southern Asia", &[Sas]),
    ("Southeast Asia", &[Seas]),
    ("Northeast Asia", &[Neas]),
    ("Middle East", &[Me]),
    ("Oceania", &[Oc]),
];

/// The codes of an area; none for a text that names no area. Letter case does not matter.
pub(super) fn codes(text: &str) -> Option<Vec<SteeringCode>> {
    let word = WORDS.iter().find(|(word, _)| word.eq_ignore_ascii_case(text)).map(|(_, codes)| codes.to_vec());
    word.or_else(|| text.parse().ok().map(|code| vec![code]))
}

/// All texts that name an area.
pub(crate) fn all() -> impl Iterator<Item = &'static str> {
    WORDS.iter().map(|(word, _)| *word).chain(SteeringCode::ALL.map(SteeringCode::as_str))
}

/// A point amid the people of a steering region (latitude, longitude), for codes that go by distance.
pub(super) fn centre(code: SteeringCode) -> Position {
    let (lat, lng) = match code {
        Wnam => (37.5, -120.0),
        Enam => (39.5, -79.0),
        Weu => (49.0, 4.0),
        Eeu => (51.0, 24.0),
        Nsam => (5.0, -70.0),
        Ssam => (-25.0, -53.0),
        Oc => (-33.5, 149.0),
        Me => (28.0, 46.0),
        Naf => (30.0, 12.0),
        Saf => (-15.0, 28.0),
        Sas => (21.0, 78.0),
        Seas => (5.0, 108.0),
        Neas => (36.0, 128.0),
    };
    Position::new(lat, lng).expect("the table holds places on the globe")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_centre_and_every_text_has_codes() {
        for code in SteeringCode::ALL {
            centre(code);
        }
        for text in all() {
            assert!(!codes(&text.to_lowercase()).unwrap().is_empty(), "{text}");
        }
        assert_eq!(codes("North America"), Some(vec![Wnam, Enam]));
        assert_eq!(codes("Atlantis"), None);
    }
}
