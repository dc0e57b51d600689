//! Displays that stand still though the vehicle does not.

use super::Row;
use crate::detect::{ORBIT_SPEED_MIN_M_S, ORBIT_STILL_S};

/// Exact repetition for longer than this can be a freeze.
const FREEZE_S: f64 = 0.5;
/// A display that goes on by more than this many of its smallest steps had stood still wrongly.
const SPEED_STEPS: f64 = 2.5;
/// Change of speed that the motion before promises during a repetition, m/s.
const PROMISED_CHANGE_M_S: f64 = 2.0;
/// How far back the motion before is looked at.
const BEFORE_S: f64 = 1.5;
/// Slower than this, standing still is believed.
const STANDING_M_S: f64 = 0.6;

/// For each row, whether it only repeats what must have changed. A freeze's first row is good.
pub(super) fn mark(rows: &[Row], gap_s: f64) -> Vec<bool> {
    let mut frozen = vec![false; rows.len()];
    let step_m_s = smallest_step_m_s(rows);
    let mut start = 0;
    while start < rows.len() {
        let mut end = start + 1;
        while end < rows.len() && repeats(&rows[start], &rows[end]) {
            end += 1;
        }
        if is_freeze(rows, start, end, step_m_s, gap_s) {
            frozen[start + 1..end].fill(true);
        }
        start = end;
    }
    frozen
}

fn repeats(first: &Row, row: &Row) -> bool {
    first.speed_m_s == row.speed_m_s && first.altitude_km == row.altitude_km
}

/// Whether the rows from `start` up to `end`, which all say the same, are a freeze.
fn is_freeze(rows: &[Row], start: usize, end: usize, step_m_s: f64, gap_s: f64) -> bool {
    let held_s = rows[end - 1].t_s - rows[start].t_s;
    if held_s <= FREEZE_S || rows[start].speed_m_s <= STANDING_M_S {
        return false;
    }
    let after = rows
        .get(end)
        .filter(|row| row.t_s - rows[end - 1].t_s <= gap_s);
    if let Some(after) = after {
        return (after.speed_m_s - rows[start].speed_m_s).abs() > SPEED_STEPS * step_m_s;
    }
    if rows[start].speed_m_s > ORBIT_SPEED_MIN_M_S && held_s >= ORBIT_STILL_S {
        return false;
    }
    // The repetition ends in silence: only the motion before can tell.
    let before_s = rows[start].t_s - BEFORE_S;
    let before = &rows[rows[..start].partition_point(|row| row.t_s < before_s)..=start];
    let (first, last) = (before[0], before[before.len() - 1]);
    let rate = (last.speed_m_s - first.speed_m_s) / (last.t_s - first.t_s).max(0.1);
    rate.abs() * held_s > PROMISED_CHANGE_M_S
}

/// The smallest step that the display of speed makes, up to a few hundredths of m/s of rounding.
fn smallest_step_m_s(rows: &[Row]) -> f64 {
    let steps = rows
        .windows(2)
        .map(|w| (w[1].speed_m_s - w[0].speed_m_s).abs());
    let least = steps
        .filter(|step| *step > 0.0)
        .fold(f64::INFINITY, f64::min);
    if least.is_finite() {
        least.max(0.05)
    } else {
        0.05
    }
}
