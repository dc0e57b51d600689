//! Sensors that stand still while the module flies.

use crate::{Quality, Sample};

/// Flight time for which altitude and speed may repeat exactly; in flight they differ from one
/// step of 20 ms to the next.
const REPEAT_MAX_S: f64 = 0.5;

/// Slower than this a module may be standing, whatever its control task last said.
const STANDING_M_S: f64 = 0.5;

/// Watches the samples of one module for a freeze.
#[derive(Debug, Default)]
pub(crate) struct Freeze {
    since: Option<Reading>,
}

#[derive(Debug, Clone, Copy)]
struct Reading {
    t_s: f64,
    altitude_m: f64,
    speed_m_s: f64,
}

impl Freeze {
    /// Marks `sample` as frozen when its sensors have repeated themselves for too long.
    pub(crate) fn mark(&mut self, mut sample: Sample) -> Sample {
        let moves = !sample.phase.is_on_pad()
            && !sample.phase.is_final()
            && sample.speed_m_s > STANDING_M_S;
        let repeats = self.since.filter(|first| {
            first.altitude_m == sample.altitude_m
                && first.speed_m_s == sample.speed_m_s
                && first.t_s <= sample.t_s
        });
        match repeats {
            Some(first) if moves => {
                if sample.t_s - first.t_s > REPEAT_MAX_S {
                    sample.quality = Quality::Frozen;
                }
            }
            _ => {
                self.since = Some(Reading {
                    t_s: sample.t_s,
                    altitude_m: sample.altitude_m,
                    speed_m_s: sample.speed_m_s,
                });
            }
        }
        sample
    }
}

#[cfg(test)]
mod tests {
    use portique_flight::Phase;

    use super::*;

    fn frozen_at(phase: Phase, speed_m_s: impl Fn(u32) -> f64) -> Vec<u32> {
        let mut freeze = Freeze::default();
        let mut frozen = Vec::new();
        for tenth in 0..20 {
            let sample = Sample {
                t_s: f64::from(tenth) / 10.0,
                speed_m_s: speed_m_s(tenth),
                altitude_m: 500.0,
                phase,
                ..Sample::default()
            };
            if freeze.mark(sample).quality == Quality::Frozen {
                frozen.push(tenth);
            }
        }
        frozen
    }

    #[test]
    fn a_repeated_reading_is_frozen_after_half_a_second_of_flight_until_it_moves() {
        let speed = |tenth| {
            if (5..15).contains(&tenth) {
                100.0
            } else {
                f64::from(tenth)
            }
        };
        assert_eq!(frozen_at(Phase::Ascent, speed), [11, 12, 13, 14]);
    }

    #[test]
    fn a_module_that_stands_is_not_frozen() {
        assert!(frozen_at(Phase::Ascent, |_| 0.0).is_empty());
        assert!(frozen_at(Phase::Ignition, |_| 100.0).is_empty());
        assert!(frozen_at(Phase::Landed, |_| 100.0).is_empty());
    }
}
