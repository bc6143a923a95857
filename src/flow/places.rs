//! Where callers are: ZIP codes and area codes of North America, from the tables in `data/`.
//!
//! A ZIP code is where the Census Bureau says that its area is. One without an area of its own (a
//! post office box) is where the areas with the same first three digits are, on average. An area
//! code is where a large town of it is: good enough for a hint, no better.

/// Records of [`RECORD`] bytes, sorted by ZIP code; see `data/zips.py`.
const ZIPS: &[u8] = include_bytes!("data/zips.bin");
const RECORD: usize = 7;
/// Lines of code, states, ZIP code; sorted.
const AREA_CODES: &str = include_str!("data/area_codes.txt");

/// The mean radius of the Earth (IUGG R1), in miles.
const EARTH_RADIUS: f64 = 3958.76;

/// A place on the Earth, to a hundredth of a degree.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    latitude: f64,
    longitude: f64,
}

impl Place {
    /// In degrees; north and east are positive.
    pub fn new(latitude: f64, longitude: f64) -> Self {
        Self { latitude, longitude }
    }

    /// The way along the great circle, in miles.
    pub fn miles_to(self, other: Self) -> f64 {
        let (here, there) = (self.latitude.to_radians(), other.latitude.to_radians());
        let north = (there - here) / 2.0;
        let east = (other.longitude - self.longitude).to_radians() / 2.0;
        let haversine = north.sin().powi(2) + here.cos() * there.cos() * east.sin().powi(2);
        2.0 * EARTH_RADIUS * haversine.sqrt().min(1.0).asin()
    }
}

/// Where a ZIP code of five digits is. `None` for what is none, or is nowhere near any that is.
pub fn place(zip: &str) -> Option<Place> {
    if !is_zip(zip) {
        return None;
    }
    let number: u32 = zip.parse().ok()?;
    let at = first_from(number);
    if let Some((found, place)) = record(at)
        && found == number
    {
        return Some(place);
    }
    let area = number / 100 * 100;
    let (from, to) = (first_from(area), first_from(area + 100));
    let around = (from..to).filter_map(record).map(|it| it.1);
    let (mut count, mut latitude, mut longitude) = (0.0, 0.0, 0.0);
    for place in around {
        count += 1.0;
        latitude += place.latitude;
        longitude += place.longitude;
    }
    (0.0 < count).then(|| Place::new(latitude / count, longitude / count))
}

/// Five digits.
pub fn is_zip(text: &str) -> bool {
    text.len() == 5 && text.bytes().all(|it| it.is_ascii_digit())
}

/// The area code of an E.164 number of North America (`+12025550123`: `202`).
pub fn area_code(number: &str) -> Option<&str> {
    let national = number.strip_prefix("+1")?;
    let is_number = national.len() == 10 && national.bytes().all(|it| it.is_ascii_digit());
    national.get(..3).filter(|_| is_number)
}

/// The states or provinces that an area code serves, as two letters each; nearly always one.
pub fn states(area_code: &str) -> impl Iterator<Item = &'static str> {
    area_line(area_code).into_iter().flat_map(|it| it.0.split('/'))
}

/// The ZIP code of a large town that an area code serves; none outside of the United States.
pub fn zip_of(area_code: &str) -> Option<&'static str> {
    area_line(area_code)?.1
}

fn area_line(area_code: &str) -> Option<(&'static str, Option<&'static str>)> {
    let mut lines = AREA_CODES.lines().filter(|it| !it.starts_with('#'));
    lines.find_map(|line| {
        let mut words = line.split(' ');
        let states = words.next().filter(|it| *it == area_code).and_then(|_| words.next())?;
        Some((states, words.next()))
    })
}

/// The index of the first record whose ZIP code is not below this one.
fn first_from(zip: u32) -> usize {
    let (mut low, mut high) = (0, ZIPS.len() / RECORD);
    while low < high {
        let middle = low.midpoint(high);
        if record(middle).is_some_and(|it| it.0 < zip) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

fn record(index: usize) -> Option<(u32, Place)> {
    let start = index.checked_mul(RECORD)?;
    let bytes: &[u8; RECORD] = ZIPS.get(start..start + RECORD)?.try_into().ok()?;
    let [z0, z1, z2, a0, a1, o0, o1] = *bytes;
    let hundredths = |high, low| f64::from(i16::from_be_bytes([high, low])) / 100.0;
    let place = Place::new(hundredths(a0, a1), hundredths(o0, o1));
    Some((u32::from_be_bytes([0, z0, z1, z2]), place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_whole_and_sorted() {
        let zips: Vec<u32> = (0..).map_while(record).map(|it| it.0).collect();
        assert_eq!(zips.len() * RECORD, ZIPS.len());
        assert!(33_000 < zips.len(), "{}", zips.len());
        assert!(zips.is_sorted_by(|a, b| a < b) && zips.iter().all(|it| *it < 100_000));
        let lines: Vec<&str> = AREA_CODES.lines().filter(|it| !it.starts_with('#')).collect();
        assert!(lines.is_sorted_by(|a, b| a.get(..3) < b.get(..3)));
        for line in lines {
            let code = line.get(..3).unwrap();
            assert!(states(code).all(|it| it.len() == 2), "{line}");
            if let Some(zip) = zip_of(code) {
                let found = first_from(zip.parse().unwrap());
                assert_eq!(record(found).map(|it| it.0), zip.parse().ok(), "{line}");
            }
        }
    }

    #[test]
    fn known_places_are_where_they_are() {
        for (zip, latitude, longitude) in [
            ("10001", 40.75, -74.00),  // Manhattan
            ("60601", 41.89, -87.62),  // Chicago
            ("94103", 37.77, -122.41), // San Francisco
            ("00901", 18.46, -66.10),  // San Juan
            ("99501", 61.22, -149.85), // Anchorage
            ("96813", 21.32, -157.85), // Honolulu
            ("20001", 38.91, -77.02),  // Washington
        ] {
            let off = place(zip).unwrap().miles_to(Place::new(latitude, longitude));
            assert!(off < 4.0, "{zip} is {off} miles away");
        }
    }

    #[test]
    fn distances_are_those_of_the_map() {
        for (one, other, miles) in [
            ("10001", "94103", 2568.0), // New York to San Francisco
            ("10001", "07302", 3.9),    // to Jersey City, across the river
            ("60601", "53202", 81.0),   // Chicago to Milwaukee
            ("33101", "00901", 1034.0), // Miami (a ZIP code of post office boxes) to San Juan
            ("96813", "99501", 2778.0), // Honolulu to Anchorage
        ] {
            let way = place(one).unwrap().miles_to(place(other).unwrap());
            assert!((way - miles).abs() < 3.0 + miles / 100.0, "{one} to {other}: {way} miles");
        }
    }

    #[test]
    fn a_zip_code_without_an_area_is_near_its_neighbours() {
        // 10008 and 20505 have no area: post office boxes in Manhattan, an office in Washington.
        for (zip, near) in [("10008", "10001"), ("20505", "20001"), ("90009", "90001")] {
            let number: u32 = zip.parse().unwrap();
            assert_ne!(record(first_from(number)).unwrap().0, number);
            let way = place(zip).unwrap().miles_to(place(near).unwrap());
            assert!(way < 15.0, "{zip} is {way} miles from {near}");
        }
        for none in ["00000", "1000", "100011", "1000x", "", "००००१"] {
            assert_eq!(place(none), None, "{none}");
        }
    }

    #[test]
    fn area_codes_tell_states_and_towns() {
        assert_eq!(area_code("+12125550123"), Some("212"));
        for none in ["12125550123", "+442071234567", "+1212555", "+121255501234", "anonymous", ""] {
            assert_eq!(area_code(none), None, "{none}");
        }
        assert_eq!(states("212").collect::<Vec<_>>(), ["NY"]);
        assert_eq!(states("902").collect::<Vec<_>>(), ["NS", "PE"]);
        assert_eq!(states("800").count(), 0);
        assert_eq!(zip_of("312"), Some("60601"));
        assert_eq!(zip_of("416"), None);
    }
}
