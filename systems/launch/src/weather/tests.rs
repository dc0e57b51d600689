use portique_clock::Timestamp;
use proptest::prelude::*;

use super::*;

/// The evening of the reports below.
fn now() -> Timestamp {
    "2026-11-21T16:10:00Z".parse().unwrap()
}

fn read(text: &str) -> Observation {
    parse_metar(text, now()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn state(evaluation: &Evaluation, criterion: &str) -> State {
    let found = evaluation
        .findings
        .iter()
        .find(|f| f.criterion == criterion);
    found.unwrap().state
}

#[test]
fn a_plain_report_comes_in_base_units() {
    let seen =
        read("KXMR 211553Z 11008G15KT 10SM FEW040 BKN250 24/16 A3006 RMK AO2 SLP180 T02440161 $");
    assert_eq!(seen.station, "KXMR");
    assert_eq!(seen.at.to_string(), "2026-11-21T15:53:00Z");
    assert!((seen.wind_m_s.unwrap() - 4.116).abs() < 1e-3, "{seen:?}");
    assert!((seen.gust_m_s.unwrap() - 7.717).abs() < 1e-3);
    assert_eq!(seen.wind_direction_deg, Some(110.0));
    assert!((seen.visibility_m.unwrap() - 16_093.4).abs() < 1.0);
    assert!((seen.ceiling_m().unwrap() - 7_620.0).abs() < 1e-6);
    assert_eq!(
        (seen.temperature_c, seen.dewpoint_c),
        (Some(24.0), Some(16.0))
    );
    assert!((seen.pressure_pa.unwrap() - 101_795.0).abs() < 2.0);
    assert_eq!((seen.phenomena.len(), seen.thunderstorm), (0, Some(false)));
}

type Report = (&'static str, [Option<i32>; 5], Option<bool>, &'static str);

/// Text; wind, gust, visibility, ceiling and temperature, rounded; thunderstorm; phenomena.
const REPORTS: [Report; 15] = [
    (
        "METAR KVBG 211555Z AUTO 33012KT 10SM CLR 13/08 A3012 RMK AO2",
        [Some(6), None, Some(16093), None, Some(13)],
        Some(false),
        "",
    ),
    (
        "SPECI KXMR 211447Z 27022G38KT 2SM +TSRA BKN015CB OVC040 21/20 A2988",
        [Some(11), Some(20), Some(3219), Some(457), Some(21)],
        Some(true),
        "+TSRA",
    ),
    (
        "KTTS 211555Z VRB03KT 7SM VCTS SCT020TCU 27/22 A3001",
        [Some(2), None, Some(11265), None, Some(27)],
        Some(true),
        "VCTS",
    ),
    (
        "EGHI 211520Z 19015KT 140V220 6000 RA SCT006 BKN009 16/14 Q1006",
        [Some(8), None, Some(6000), Some(274), Some(16)],
        Some(false),
        "RA",
    ),
    (
        "LFBO 211530Z 31006KT CAVOK 09/M02 Q1030 NOSIG",
        [Some(3), None, Some(10000), None, Some(9)],
        Some(false),
        "",
    ),
    (
        "UBBB 211600Z 36012G18MPS 9999 NSC M05/M10 Q1022",
        [Some(12), Some(18), Some(10000), None, Some(-5)],
        Some(false),
        "",
    ),
    (
        "KXMR 211555Z 00000KT 1/4SM FG VV002 18/18 A3010",
        [Some(0), None, Some(402), Some(61), Some(18)],
        Some(false),
        "FG",
    ),
    (
        "KXMR 211555Z AUTO 09010KT M1/4SM FG VV001 18/18 A3010",
        [Some(5), None, Some(402), Some(30), Some(18)],
        Some(false),
        "FG",
    ),
    (
        "KVBG 211555Z 34009KT 1 1/2SM BR OVC003 12/11 A3000",
        [Some(5), None, Some(2414), Some(91), Some(12)],
        Some(false),
        "BR",
    ),
    (
        "KXMR 211555Z 12010KT P6SM SCT030 25/18 A3004",
        [Some(5), None, Some(9656), None, Some(25)],
        Some(false),
        "",
    ),
    (
        "SBAF 211600Z AUTO /////KT //// // ////// 25/19 Q1016",
        [None, None, None, None, Some(25)],
        None,
        "",
    ),
    (
        "KXMR 211555Z 11008KT A3006",
        [Some(4), None, None, None, None],
        Some(false),
        "",
    ),
    (
        "KXMR 211555Z COR 11008KT 10SM BKN012 OVC025 22/ A3006=",
        [Some(4), None, Some(16093), Some(366), Some(22)],
        Some(false),
        "",
    ),
    (
        "UTTT 211600Z 04005MPS 3000 -SN BR OVC010 M01/M02 Q1028 TEMPO 1500 TSRA",
        [Some(5), None, Some(3000), Some(305), Some(-1)],
        Some(false),
        "-SN BR",
    ),
    ("  kxmr ", [None; 5], None, ""),
];

#[test]
fn reports_from_many_places_are_read() {
    for (text, [wind, gust, visibility, ceiling, temperature], storm, phenomena) in &REPORTS[..14] {
        let seen = read(text);
        let round = |value: Option<f64>| value.map(|value| value.round() as i32);
        assert_eq!(round(seen.wind_m_s), *wind, "wind of {text}");
        assert_eq!(round(seen.gust_m_s), *gust, "gust of {text}");
        assert_eq!(
            round(seen.visibility_m),
            *visibility,
            "visibility of {text}"
        );
        assert_eq!(round(seen.ceiling_m()), *ceiling, "ceiling of {text}");
        assert_eq!(
            round(seen.temperature_c),
            *temperature,
            "temperature of {text}"
        );
        assert_eq!(seen.thunderstorm, *storm, "thunderstorm of {text}");
        assert_eq!(seen.phenomena.join(" "), *phenomena, "phenomena of {text}");
    }
}

#[test]
fn the_day_of_the_month_is_the_last_one() {
    let at = |text: &str, now: &str| {
        parse_metar(text, now.parse().unwrap())
            .unwrap()
            .at
            .to_string()
    };
    let report = "KXMR 312355Z 11008KT 10SM CLR 24/16 A3006";
    assert_eq!(at(report, "2026-11-01T00:10:00Z"), "2026-10-31T23:55:00Z");
    assert_eq!(at(report, "2027-01-01T00:10:00Z"), "2026-12-31T23:55:00Z");
    let early = "KXMR 010005Z 11008KT 10SM CLR 24/16 A3006";
    assert_eq!(at(early, "2026-10-31T23:58:00Z"), "2026-11-01T00:05:00Z");
}

#[test]
fn text_that_is_no_report_is_refused_with_an_example() {
    let huge = "KXMR 211553Z 11008KT ".repeat(500_000);
    let texts = [
        ("", "is empty"),
        ("  \n\t ", "is empty"),
        ("the weather is fine today", "does not go on with"),
        (r#"{"wind_m_s": 3}"#, "does not go on with"),
        ("KXMR", "write one such as"),
        ("KXMR 211553Z", "neither wind"),
        ("KXMR 211553Z NIL", "NIL"),
        (
            "KXMR 002553Z 11008KT 10SM CLR 24/16 A3006",
            "does not go on with",
        ),
        (
            "KXMR 001553Z 11008KT 10SM CLR 24/16 A3006",
            "which no month has",
        ),
        (
            "KXMR 211553Z 11008KT 10SM CLR 24/16 A3006 SURPRISE",
            "SURPRISE",
        ),
        (
            "KXMR 211553Z 11008KT VRBV220 10SM CLR 24/16 A3006",
            "no range of wind directions",
        ),
        (
            "TAF KXMR 211720Z 2118/2218 11008KT P6SM FEW040",
            "does not go on with",
        ),
        ("KXMR 211553Z\u{0} 11008KT", "which no METAR has"),
        ("KXMR 211553Z 1100８KT 10SM", "which no METAR has"),
        (&huge, "at most 2000"),
    ];
    for (text, why) in texts {
        let shown: String = text.chars().take(60).collect();
        let error = parse_metar(text, now())
            .map(|seen| format!("{seen:?}"))
            .unwrap_err()
            .to_string();
        assert!(error.contains(why), "{shown:?}: {error}");
        assert!(
            error.contains("KXMR 211553Z") && error.len() < 400,
            "{shown:?}: {error}"
        );
    }
}

#[test]
fn calm_weather_is_go_and_says_that_nothing_is_forecast() {
    let evaluation =
        Criteria::default().evaluate(Some(&Observation::calm("SIM", now())), None, now());
    assert_eq!(evaluation.overall, State::Go, "{evaluation:?}");
    assert_eq!(evaluation.probability_of_violation, None);
    assert!(evaluation.forecast.contains("no forecast"));
    assert!(
        evaluation
            .findings
            .iter()
            .all(|f| f.margin.unwrap() > 0.0 && f.age_s == Some(0.0))
    );
}

#[test]
fn each_limit_stops_the_launch_by_itself() {
    type Spoil = fn(&mut Observation);
    let spoils: [(&str, Spoil); 8] = [
        ("sustained_wind", |o| o.wind_m_s = Some(13.5)),
        ("lightning", |o| o.lightning_distance_m = Some(18_000.0)),
        ("lightning", |o| o.thunderstorm = Some(true)),
        ("field_mill", |o| o.field_mill_v_m = Some(-1_600.0)),
        ("cloud_thickness", |o| {
            let layer = CloudLayer {
                cover: Cover::Broken,
                base_m: Some(3_000.0),
                thickness_m: Some(1_500.0),
                is_convective: false,
            };
            o.clouds = Some(vec![layer]);
        }),
        ("upper_shear", |o| o.upper_shear_m_s_km = Some(25.0)),
        ("temperature", |o| o.temperature_c = Some(-6.0)),
        ("temperature", |o| o.temperature_c = Some(41.0)),
    ];
    for (criterion, spoil) in spoils {
        let mut observation = Observation::calm("SIM", now());
        spoil(&mut observation);
        let evaluation = Criteria::default().evaluate(Some(&observation), None, now());
        let violated = evaluation
            .findings
            .iter()
            .filter(|f| f.state == State::Violated);
        let names: Vec<&str> = violated.map(|f| f.criterion.as_str()).collect();
        assert_eq!(names, [criterion], "{evaluation:?}");
        assert_eq!(evaluation.overall, State::Violated);
    }
}

#[test]
fn limits_have_exceptions_that_practice_has() {
    let mut observation = Observation::calm("SIM", now());
    observation.wind_m_s = Some(13.4);
    observation.lightning_distance_m = Some(5_000.0);
    observation.lightning_age_s = Some(1_800.0);
    // A thick layer wholly below the freezing level does not charge.
    let layer = CloudLayer {
        cover: Cover::Overcast,
        base_m: Some(500.0),
        thickness_m: Some(2_000.0),
        is_convective: false,
    };
    observation.clouds = Some(vec![layer]);
    let evaluation = Criteria::default().evaluate(Some(&observation), None, now());
    assert_eq!(evaluation.overall, State::Go, "{evaluation:?}");
}

#[test]
fn what_nobody_saw_lately_is_unknown_and_not_go() {
    let criteria = Criteria::default();
    let none = criteria.evaluate(None, None, now());
    assert_eq!(none.overall, State::Unknown);
    assert_eq!(none.findings.len(), 6);

    let metar = read("KXMR 211553Z 11008KT 10SM FEW040 24/16 A3006");
    let evaluation = criteria.evaluate(Some(&metar), None, now());
    assert_eq!(state(&evaluation, "sustained_wind"), State::Go);
    assert_eq!(state(&evaluation, "field_mill"), State::Unknown);
    assert_eq!(evaluation.overall, State::Unknown);

    let minute = std::time::Duration::from_secs(60);
    let later = criteria.evaluate(
        Some(&Observation::calm("SIM", now())),
        None,
        now().plus(16 * minute),
    );
    assert_eq!(state(&later, "lightning"), State::Unknown);
    assert_eq!(state(&later, "sustained_wind"), State::Go);
    let ahead = criteria.evaluate(
        Some(&Observation::calm("SIM", now().plus(6 * minute))),
        None,
        now(),
    );
    assert_eq!(ahead.overall, State::Unknown);
}

#[test]
fn json_round_trips_and_refuses_what_weather_cannot_be() {
    let calm = Observation::calm("SIM", now());
    let json = serde_json::to_string(&calm).unwrap();
    assert_eq!(serde_json::from_str::<Observation>(&json).unwrap(), calm);
    let bad = [
        (json.replace("3.5", "-3.5"), "wind_m_s is -3.5"),
        (json.replace("22.0", "222.0"), "temperature_c is 222"),
        (json.replace("\"wind_m_s\"", "\"wind_mph\""), "wind_mph"),
        (json.replace("\"SIM\"", "\"\""), "station"),
    ];
    for (json, why) in bad {
        let error = serde_json::from_str::<Observation>(&json)
            .unwrap_err()
            .to_string();
        assert!(error.contains(why), "{error}");
    }
    assert!(toml::from_str::<Criteria>("wind_max_m_s = 10.0").is_ok());
    let error = toml::from_str::<Criteria>("wind_limit = 10.0")
        .unwrap_err()
        .to_string();
    assert!(error.contains("wind_limit"), "{error}");
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,80}") {
        let _ = parse_metar(&text, now());
    }

    #[test]
    fn no_mutation_of_a_report_makes_the_reader_panic(
        report in 0..REPORTS.len(),
        at in 0..80_usize,
        cut in 0..6_usize,
        put in "[A-Z0-9/+ -]{0,6}",
    ) {
        let mut text: Vec<char> = REPORTS[report].0.chars().collect();
        let at = at.min(text.len());
        let end = (at + cut).min(text.len());
        text.splice(at..end, put.chars());
        let text: String = text.into_iter().collect();
        if let Ok(seen) = parse_metar(&text, now()) {
            seen.check().unwrap();
        }
    }
}
