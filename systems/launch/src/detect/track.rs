//! From telemetry as it comes (quantised, gapped, frozen, at any rate) to motion ten times a second.
//!
//! Speed is fitted by a line through about a second of samples. Altitude is fitted through its *knots*:
//! the moments at which the shown value changes, half-way between the two values. A display that rounds
//! to 0.1 or to 1 km says exactly where it is at these moments and nothing in between.

use std::collections::VecDeque;

use portique_flight::air_at;

/// Time between two moments of the evaluated motion.
pub(super) const STEP_S: f64 = 0.1;
/// Samples closer together than this are thinned out: 50 Hz is twice what the fits need.
const SPACING_MIN_S: f64 = 0.02;
/// Times beyond 30 years are a broken clock's.
const TIME_MAX_S: f64 = 1.0e9;
/// How much of the past is kept.
const KEPT_S: f64 = 24.0;
/// Half widths of the fit of speed, tried until enough samples are within.
const SPEED_HALF_WIDTHS_S: [f64; 3] = [0.6, 1.2, 2.6];
/// Samples that make a fit of speed.
const SPEED_SAMPLES_MIN: usize = 5;
/// A moment farther than this from every sample has no motion: it lies in a gap.
const REACH_S: f64 = 1.25;
/// Half width of the fit of altitude when knots are plenty, and at most.
const KNOTS_HALF_WIDTH_S: f64 = 2.0;
const KNOTS_HALF_WIDTH_MAX_S: f64 = 8.0;
/// Knots that make a fit of altitude.
const KNOTS_MIN: usize = 6;
/// Evaluation lags behind the newest sample by this much, so that fits see both sides.
const LAG_S: f64 = 2.0;
/// The same while knots are rare.
const LAG_SPARSE_S: f64 = 5.0;
/// Exact repetition for longer than this is a freeze, if the motion before says it must change.
const FREEZE_S: f64 = 0.5;
/// Change of speed that must have shown during a freeze: several steps of any display.
const FREEZE_CHANGE_M_S: f64 = 1.0;
/// Below this speed a display that stands still is believed: the vehicle stands.
const STANDING_M_S: f64 = 0.6;
/// From this speed over ground on it is believed too, but only after the time below: a round orbit shows the
/// same values for half a minute after the engine's cut-off. A freeze in the last seconds before orbit
/// that ends sooner is still told from it.
pub(crate) const ORBIT_SPEED_MIN_M_S: f64 = 6_400.0;
pub(crate) const ORBIT_STILL_S: f64 = 16.0;
/// A sample this far from the median of five neighbours is a misreading.
const OUTLIER_M_S: f64 = 25.0;
const OUTLIER_M: f64 = 2_500.0;
/// A knot is not put in the middle of a longer silence.
const KNOT_GAP_MAX_S: f64 = 3.0;
/// Gravity at sea level, and the radius with which it falls off.
const GRAVITY_M_S2: f64 = 9.806_65;
const EARTH_RADIUS_M: f64 = 6_371_000.0;

/// One reading of the display.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Reading {
    pub(super) t_s: f64,
    pub(super) speed_m_s: f64,
    pub(super) altitude_m: f64,
}

impl Reading {
    fn repeats(&self, other: &Self) -> bool {
        self.speed_m_s == other.speed_m_s && self.altitude_m == other.altitude_m
    }
}

/// The motion at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Motion {
    pub(super) t_s: f64,
    pub(super) speed_m_s: f64,
    pub(super) altitude_m: f64,
    pub(super) vertical_speed_m_s: f64,
    /// Derivative of speed.
    pub(super) speed_rate_m_s2: f64,
    /// Along the track, without gravity.
    pub(super) felt_m_s2: f64,
    pub(super) pressure_pa: f64,
    pub(super) mach: f64,
}

/// Turns readings into motion.
#[derive(Debug, Clone, Default)]
pub(super) struct Track {
    /// The newest readings, not yet judged against their neighbours.
    fresh: VecDeque<Reading>,
    /// Judged readings, oldest first.
    readings: VecDeque<Reading>,
    knots: VecDeque<(f64, f64)>,
    /// Since when the newest reading is repeated exactly.
    still_since_s: f64,
    /// Number of the next moment to evaluate, in steps since time zero.
    next: Option<i64>,
    /// Derivative of speed at the last evaluated moment.
    speed_rate_m_s2: f64,
}

impl Track {
    /// Takes in a reading. One that is not later than the one before says nothing and is ignored.
    pub(super) fn push(&mut self, reading: Reading) {
        let is_finite = reading.t_s.abs() < TIME_MAX_S
            && reading.speed_m_s.is_finite()
            && reading.altitude_m.is_finite();
        let newest = self.fresh.back().or(self.readings.back());
        let is_due = newest.is_none_or(|newest| reading.t_s >= newest.t_s + SPACING_MIN_S);
        if !is_finite || !is_due {
            return;
        }
        self.fresh.push_back(reading);
        if self.fresh.len() > 2 {
            self.judge();
        }
    }

    /// Evaluates every moment that has enough future behind it; `to_the_end` also the last ones.
    pub(super) fn advance(&mut self, to_the_end: bool, mut take: impl FnMut(Motion)) {
        while to_the_end && !self.fresh.is_empty() {
            self.judge();
        }
        let (Some(first), Some(last)) = (self.readings.front(), self.readings.back()) else {
            return;
        };
        let lag_s = if to_the_end {
            0.0
        } else {
            self.lag_s(last.t_s)
        };
        let mut until_s = last.t_s - lag_s;
        if !to_the_end && self.is_still_undecided(*last) {
            until_s = until_s.min(self.still_since_s);
        }
        let until = (until_s / STEP_S).floor() as i64;
        let mut next = self.next.unwrap_or((first.t_s / STEP_S).ceil() as i64);
        // A silence has no motion: nothing is evaluated in it, however long it is.
        let behind_s = self
            .readings
            .iter()
            .rev()
            .nth(1)
            .map_or(last.t_s, |r| r.t_s);
        let silence = (behind_s + REACH_S) / STEP_S..(last.t_s - REACH_S) / STEP_S;
        while next <= until {
            if silence.contains(&(next as f64)) {
                next = silence.end.ceil() as i64;
                continue;
            }
            if let Some(motion) = self.motion_at(next as f64 * STEP_S) {
                self.speed_rate_m_s2 = motion.speed_rate_m_s2;
                take(motion);
            }
            next += 1;
        }
        self.next = Some(next);
        self.forget(next as f64 * STEP_S - KEPT_S / 2.0);
    }

    /// The newest judged reading.
    pub(super) fn newest(&self) -> Option<Reading> {
        self.readings.back().copied()
    }

    /// Moves the oldest fresh reading over, unless its neighbours say that it was misread.
    fn judge(&mut self) {
        let Some(reading) = self.fresh.pop_front() else {
            return;
        };
        let before = self.readings.iter().rev().take(2);
        let around: Vec<Reading> = before.chain(self.fresh.iter().take(2)).copied().collect();
        if around.len() == 4 {
            let speed = median_with(reading.speed_m_s, around.iter().map(|r| r.speed_m_s));
            let altitude = median_with(reading.altitude_m, around.iter().map(|r| r.altitude_m));
            if (reading.speed_m_s - speed).abs() > OUTLIER_M_S
                || (reading.altitude_m - altitude).abs() > OUTLIER_M
            {
                return;
            }
        }
        if let Some(last) = self.readings.back() {
            let has_thawed = last.t_s - self.still_since_s > FREEZE_S
                && (reading.speed_m_s - last.speed_m_s).abs() > FREEZE_CHANGE_M_S;
            if !reading.repeats(last) {
                self.still_since_s = reading.t_s;
            }
            if has_thawed || reading.t_s - last.t_s > KNOT_GAP_MAX_S {
                self.knots.push_back((reading.t_s, reading.altitude_m));
            } else if reading.altitude_m != last.altitude_m {
                let middle = (
                    f64::midpoint(last.t_s, reading.t_s),
                    f64::midpoint(last.altitude_m, reading.altitude_m),
                );
                self.knots.push_back(middle);
            }
        } else {
            self.still_since_s = reading.t_s;
        }
        self.readings.push_back(reading);
    }

    fn lag_s(&self, newest_s: f64) -> f64 {
        let recent = self.knots.iter().rev().nth(3);
        match recent {
            Some(&(t_s, _)) if newest_s - t_s < LAG_S => LAG_S,
            _ => LAG_SPARSE_S,
        }
    }

    fn forget(&mut self, before_s: f64) {
        while self.readings.len() > 1 && self.readings[0].t_s < before_s {
            self.readings.pop_front();
        }
        while self.knots.front().is_some_and(|knot| knot.0 < before_s) {
            self.knots.pop_front();
        }
    }

    fn motion_at(&self, t_s: f64) -> Option<Motion> {
        let widest_s = SPEED_HALF_WIDTHS_S[2];
        let near = self.live_readings(t_s, widest_s);
        let reach_s = near.iter().map(|r| (r.t_s - t_s).abs());
        if reach_s.fold(f64::INFINITY, f64::min) > REACH_S {
            return None;
        }
        let (speed_m_s, speed_rate_m_s2) = SPEED_HALF_WIDTHS_S.iter().find_map(|half_s| {
            let within = near.iter().filter(|r| (r.t_s - t_s).abs() <= *half_s);
            let points: Vec<(f64, f64)> = within.map(|r| (r.t_s - t_s, r.speed_m_s)).collect();
            let enough = if *half_s == widest_s {
                3
            } else {
                SPEED_SAMPLES_MIN
            };
            (points.len() >= enough && span_s(&points) >= 0.6 * half_s).then(|| line(&points))
        })?;
        let (altitude_m, vertical_speed_m_s) = self.altitude_at(t_s)?;
        Some(motion(
            t_s,
            speed_m_s,
            speed_rate_m_s2,
            altitude_m,
            vertical_speed_m_s,
        ))
    }

    /// Readings around a moment, without those that only repeat what must have changed.
    fn live_readings(&self, t_s: f64, half_s: f64) -> Vec<Reading> {
        let from_s = t_s - half_s - KEPT_S / 4.0;
        let mut start = self.readings.partition_point(|r| r.t_s < from_s);
        let mut live: Vec<Reading> = Vec::new();
        while let Some(first) = self.readings.get(start) {
            if first.t_s > t_s + half_s {
                break;
            }
            let repeats = self.readings.range(start..);
            let end = start + repeats.take_while(|r| r.repeats(first)).count();
            let last_s = self.readings[end - 1].t_s;
            let shown = if self.is_frozen(*first, last_s, self.readings.get(end)) {
                start + 1
            } else {
                end
            };
            live.extend(self.readings.range(start..shown));
            start = end;
        }
        live.retain(|r| (r.t_s - t_s).abs() <= half_s);
        live
    }

    /// Whether a display that stood still from `first` until a time, and went on with `next`, was frozen.
    fn is_frozen(&self, first: Reading, until_s: f64, next: Option<&Reading>) -> bool {
        let held_s = until_s - first.t_s;
        let has_jumped =
            next.map(|next| (next.speed_m_s - first.speed_m_s).abs() > FREEZE_CHANGE_M_S);
        let is_orbit = first.speed_m_s > ORBIT_SPEED_MIN_M_S && held_s >= ORBIT_STILL_S;
        held_s > FREEZE_S
            && first.speed_m_s > STANDING_M_S
            && held_s * self.speed_rate_m_s2.abs() > FREEZE_CHANGE_M_S
            && has_jumped.unwrap_or(!is_orbit)
    }

    /// Whether the newest readings stand still at the speed of an orbit, too briefly to believe it.
    fn is_still_undecided(&self, last: Reading) -> bool {
        let held_s = last.t_s - self.still_since_s;
        last.speed_m_s > ORBIT_SPEED_MIN_M_S && (FREEZE_S..ORBIT_STILL_S).contains(&held_s)
    }

    fn altitude_at(&self, t_s: f64) -> Option<(f64, f64)> {
        let offset = |knot: &&(f64, f64)| (knot.0 - t_s).abs();
        let mut near: Vec<&(f64, f64)> = self
            .knots
            .iter()
            .filter(|knot| offset(knot) <= KNOTS_HALF_WIDTH_MAX_S)
            .collect();
        near.sort_by(|a, b| offset(a).total_cmp(&offset(b)));
        let plenty = near
            .iter()
            .filter(|knot| offset(knot) <= KNOTS_HALF_WIDTH_S)
            .count();
        near.truncate(plenty.max(KNOTS_MIN));
        let points: Vec<(f64, f64)> = near.iter().map(|knot| (knot.0 - t_s, knot.1)).collect();
        if points.len() >= 2 && span_s(&points) > STEP_S {
            return Some(line(&points));
        }
        let after = self.readings.partition_point(|r| r.t_s < t_s);
        let shown = self.readings.get(after).or(self.readings.back())?;
        Some((shown.altitude_m, 0.0))
    }
}

fn motion(t_s: f64, speed_m_s: f64, rate: f64, altitude_m: f64, vertical_m_s: f64) -> Motion {
    let radius = EARTH_RADIUS_M + altitude_m;
    let gravity = GRAVITY_M_S2 * (EARTH_RADIUS_M / radius).powi(2);
    let climb = (vertical_m_s / speed_m_s.max(1.0)).clamp(-1.0, 1.0);
    let air = air_at(altitude_m);
    Motion {
        t_s,
        speed_m_s,
        altitude_m,
        vertical_speed_m_s: vertical_m_s,
        speed_rate_m_s2: rate,
        felt_m_s2: rate + gravity * climb,
        pressure_pa: 0.5 * air.density_kg_m3 * speed_m_s * speed_m_s,
        mach: speed_m_s / air.sound_speed_m_s,
    }
}

fn span_s(points: &[(f64, f64)]) -> f64 {
    let times = points.iter().map(|point| point.0);
    times.clone().fold(f64::NEG_INFINITY, f64::max) - times.fold(f64::INFINITY, f64::min)
}

/// Least squares: the line's value at zero and its slope.
fn line(points: &[(f64, f64)]) -> (f64, f64) {
    let count = points.len() as f64;
    let (x_sum, y_sum) = points
        .iter()
        .fold((0.0, 0.0), |sum, p| (sum.0 + p.0, sum.1 + p.1));
    let (x_mean, y_mean) = (x_sum / count, y_sum / count);
    let (xx, xy) = points.iter().fold((0.0, 0.0), |sum, p| {
        let x = p.0 - x_mean;
        (sum.0 + x * x, sum.1 + x * (p.1 - y_mean))
    });
    let slope = if xx > 0.0 { xy / xx } else { 0.0 };
    (y_mean - slope * x_mean, slope)
}

fn median_with(value: f64, others: impl Iterator<Item = f64>) -> f64 {
    let mut all: Vec<f64> = others.chain([value]).collect();
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}
