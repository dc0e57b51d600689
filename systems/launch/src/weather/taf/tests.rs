use portique_clock::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::weather::{Criteria, Evaluation, Outlook};

const TAF: &str = "TAF KXMR 211130Z 2112/2218 11012KT P6SM SCT030 \
    TEMPO 2114/2117 4SM TSRA BKN025CB FM211800 13018G30KT P6SM VCSH BKN040 \
    PROB30 2120/2123 3SM +TSRA OVC020CB BECMG 2202/2204 22030G42KT FM221200 27008KT P6SM SKC";

fn moment(text: &str) -> Timestamp {
    format!("2026-11-{text}:00Z").parse().unwrap()
}

fn now() -> Timestamp {
    moment("21T11:40")
}

fn read(text: &str) -> Forecast {
    parse_taf(text, now()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn judge(forecast: &Forecast, from: &str, until: &str) -> Evaluation {
    let outlook = Outlook {
        forecast,
        from: moment(from),
        until: moment(until),
    };
    Criteria::default().evaluate(None, Some(outlook), now())
}

#[test]
fn a_forecast_has_its_station_and_times() {
    let forecast = read(TAF);
    assert_eq!(forecast.station, "KXMR");
    assert_eq!(forecast.at, Some(moment("21T11:30")));
    assert_eq!(
        (forecast.from, forecast.until),
        (moment("21T12:00"), moment("22T18:00"))
    );
    let first = forecast.periods[0];
    assert!((first.wind_m_s.unwrap() - 6.173).abs() < 1e-3, "{first:?}");
    assert_eq!(
        (first.from, first.until),
        (moment("21T12:00"), moment("21T18:00"))
    );
}

/// A launch window, the chance of violation in it, and what that is from.
#[test]
fn the_chance_is_that_of_the_likeliest_bad_group_in_the_window() {
    let windows = [
        (
            "21T12:30",
            "21T13:30",
            Some(0.0),
            "neither wind nor thunderstorms",
        ),
        ("21T13:00", "21T14:00", Some(0.4), "TEMPO"),
        ("21T16:59", "21T17:30", Some(0.4), "thunderstorm"),
        ("21T17:00", "21T17:30", Some(0.0), ""),
        // 18 knots are under the limit of 13.4 m/s, and no criterion is about gusts.
        ("21T18:00", "21T19:00", Some(0.0), ""),
        ("21T20:00", "21T20:00", Some(0.3), "PROB30"),
        (
            "21T22:00",
            "22T03:00",
            Some(1.0),
            "sustained wind 15.4 m/s, limit 13.4 m/s",
        ),
        // While it becomes windy it may be windy already.
        ("22T02:00", "22T02:30", Some(1.0), "prevailing"),
        ("22T11:00", "22T11:30", Some(1.0), ""),
        ("22T12:00", "22T13:00", Some(0.0), ""),
        (
            "21T11:00",
            "21T13:00",
            None,
            "is for 2026-11-21T12:00:00Z until",
        ),
        ("22T17:00", "22T19:00", None, "not for all of"),
        ("22T16:00", "22T15:00", None, ""),
    ];
    let forecast = read(TAF);
    for (from, until, probability, why) in windows {
        let seen = judge(&forecast, from, until);
        assert_eq!(
            seen.probability_of_violation, probability,
            "{from}: {seen:?}"
        );
        assert!(seen.forecast.contains(why), "{from}: {}", seen.forecast);
    }
}

#[test]
fn the_groups_of_forecasts_all_over_the_world_are_read() {
    let readable = [
        (
            "TAF KVBG 2111/2217 33012KT 1 1/2SM BR OVC003 QNH3000INS FM211800 33018KT 9999 SKC QNH2998INS T15/2121Z TN08/2213Z",
            0.0,
        ),
        (
            "TAF LFBO 211100Z 2112/2218 31006KT CAVOK TX12/2114Z TNM02/2206Z BECMG 2120/2122 4000 BR",
            0.0,
        ),
        (
            "TAF AMD UBBB 211120Z 2112/2212 36012G18MPS 9999 NSC PROB40 TEMPO 2113/2118 -TSRA BKN020CB",
            0.4,
        ),
        (
            "TAF COR EGHI 211102Z 2112/2121 19015KT 6000 -RA BKN009 TEMPO 2112/2121 19030G45KT 3000 RA",
            0.4,
        ),
        (
            "KTTS 211130Z 2112/2212 VRB03KT P6SM VCTS SCT020CB WS020/18045KT RMK NXT FCST BY 18Z",
            1.0,
        ),
        (
            "TAF SBGL 211000Z 2112/2218 00000KT 8000 FEW020TCU PROB30 2112/2114 TS=",
            0.3,
        ),
        (
            "TAF YPDN 211107Z 2112/2212 29012KT 9999 SCT025 INTER 2112/2118 VRB20G35KT +TSRA SCT010 FEW020CB",
            0.4,
        ),
    ];
    for (text, probability) in readable {
        let forecast = read(text);
        let seen = judge(&forecast, "21T12:30", "21T13:30");
        assert_eq!(
            seen.probability_of_violation,
            Some(probability),
            "{text}: {seen:?}"
        );
    }
}

#[test]
fn a_change_keeps_what_it_does_not_state() {
    let forecast = read(
        "TAF KXMR 211130Z 2112/2212 10030KT TSRA BKN020CB BECMG 2114/2115 NSW SCT030 BECMG 2116/2117 10010KT",
    );
    let after_storm = judge(&forecast, "21T15:10", "21T15:50");
    assert!(
        after_storm.forecast.contains("sustained wind"),
        "{after_storm:?}"
    );
    assert_eq!(
        judge(&forecast, "21T17:10", "21T18:00").probability_of_violation,
        Some(0.0)
    );
}

#[test]
fn a_forecast_may_run_into_the_next_month() {
    let now = "2026-12-31T23:40:00Z".parse().unwrap();
    let forecast = parse_taf("TAF KXMR 312330Z 0100/0124 11012KT FM010600 11040KT", now).unwrap();
    assert_eq!(forecast.from.to_string(), "2027-01-01T00:00:00Z");
    assert_eq!(forecast.until.to_string(), "2027-01-02T00:00:00Z");
}

#[test]
fn what_is_no_forecast_is_refused_with_what_does_not_fit() {
    let bad = [
        ("", "does not begin with TAF and a station"),
        ("hello", "does not begin with TAF and a station"),
        (
            "METAR KXMR 211553Z 11008KT 10SM FEW040 24/16 A3006",
            "write one such as TAF KXMR",
        ),
        ("TAF KXMR 211130Z NIL", "says NIL"),
        (
            "TAF KXMR 211130Z 11012KT P6SM",
            "\"11012KT\" where its hours should be",
        ),
        ("TAF KXMR 211130Z 2112/2112 11012KT", "is for 1 to 36 hours"),
        ("TAF KXMR 211130Z 2112/2412 11012KT", "is for 1 to 36 hours"),
        (
            "TAF KXMR 321130Z 2112/2212 11012KT",
            "where its hours should be",
        ),
        (
            "TAF KXMR 211130Z 2112/2225 11012KT",
            "where its hours should be",
        ),
        ("TAF KXMR 211130Z 2112/2212", "says nothing of the wind"),
        (
            "TAF KXMR 211130Z 2112/2212 11012KT TSRAX",
            "\"TSRAX\", which is no group",
        ),
        (
            "TAF KXMR 211130Z 2112/2212 11012KT TEMPO TSRA",
            "\"TSRA\" after TEMPO: write hours",
        ),
        (
            "TAF KXMR 211130Z 2112/2212 11012KT FM231200 11040KT",
            "after FM231200: it is valid from",
        ),
        (
            "TAF KXMR 211130Z 2112/2212 11012KT TEMPO 2116/2114 TS",
            "after TEMPO: it is valid from",
        ),
        ("TAF KXMR 211130Z 2112/2212 110912KT", "no group of a TAF"),
        (
            "TAF KXMR 211130Z 2112/2212 11012KT \u{fc}",
            "which no TAF has",
        ),
    ];
    for (text, why) in bad {
        let error = parse_taf(text, now()).unwrap_err().to_string();
        assert!(error.contains(why), "{text}: {error}");
        assert!(error.contains("write one such as"), "{error}");
    }
    let long = format!("TAF KXMR {}", "9999 ".repeat(2_000));
    assert!(
        parse_taf(&long, now())
            .unwrap_err()
            .to_string()
            .contains("at most 4000")
    );
    let many = format!(
        "TAF KXMR 211130Z 2112/2212 11012KT{}",
        " TEMPO 2113/2114 TS".repeat(60)
    );
    assert!(
        parse_taf(&many, now())
            .unwrap_err()
            .to_string()
            .contains("more than 48 parts")
    );
}

const WORDS: [&str; 24] = [
    "TAF",
    "KXMR",
    "211130Z",
    "2112/2212",
    "11012KT",
    "VRB99G999MPS",
    "P6SM",
    "1",
    "1/2SM",
    "TSRA",
    "VCTS",
    "BKN025CB",
    "VV///",
    "FM",
    "FM211800",
    "FM310000",
    "BECMG",
    "TEMPO",
    "PROB30",
    "2114/2117",
    "0000/9999",
    "3124/0100",
    "=",
    "RMK",
];

proptest! {
    #[test]
    fn no_text_panics(text in ".{0,200}") {
        let _ = parse_taf(&text, now());
    }

    #[test]
    fn no_order_of_groups_panics(
        words in proptest::collection::vec(proptest::sample::select(WORDS.to_vec()), 0..30),
        now_ns in any::<i64>(),
    ) {
        let now = Timestamp::from_nanos(now_ns);
        let text = format!("TAF KXMR 2112/2212 11012KT {}", words.join(" "));
        for text in [text, words.join(" ")] {
            if let Ok(forecast) = parse_taf(&text, now) {
                prop_assert!(forecast.from < forecast.until);
                prop_assert!(forecast.periods.iter().all(|p| p.from >= forecast.from));
                let outlook = Outlook { forecast: &forecast, from: forecast.from, until: forecast.until };
                let seen = Criteria::default().evaluate(None, Some(outlook), now);
                prop_assert!(seen.probability_of_violation.is_some());
            }
        }
    }
}
