use crate::script::check;

#[test]
fn an_alert_goes_its_way_at_intervals() {
    check("interval.txt");
}

#[test]
fn an_alert_fires_when_its_sample_arrives() {
    check("ingest.txt");
}

#[test]
fn an_alert_goes_on_firing_for_a_while() {
    check("keep_firing.txt");
}

#[test]
fn a_dead_band_keeps_an_alert_from_flapping() {
    check("resolve_expr.txt");
}

#[test]
fn silence_of_a_sensor_is_an_alarm() {
    check("stale.txt");
    check("stale_while.txt");
}

#[test]
fn recorded_series_end_when_their_source_does() {
    check("recording.txt");
}

#[test]
fn alerts_outlive_a_restart() {
    check("restart.txt");
}

#[test]
fn people_act_on_alerts() {
    check("acts.txt");
}

#[test]
fn rules_come_and_go() {
    check("reload.txt");
}

#[test]
fn a_clock_set_back_stops_nothing() {
    check("clock.txt");
}

#[test]
fn more_alerts_than_the_limit_are_refused() {
    check("limit.txt");
}

#[test]
fn an_action_is_called_when_its_alert_begins_to_fire() {
    check("actions.txt");
}

#[test]
fn silence_outlives_a_restart() {
    check("stale_restart.txt");
}
