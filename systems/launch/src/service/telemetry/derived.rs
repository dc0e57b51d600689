//! What the ground works out from one module's samples, so that rules can stay comparisons.

use portique_flight::{Body, Engines, Phase, Vehicle};

use crate::{ModuleId, Quality, Sample};

/// Flight time over which rates are taken: long beside the spacing of samples, short beside a fault.
const WINDOW_S: f64 = 1.0;
/// A step of flight time over this is a gap, and nothing is known of what was in it.
const GAP_S: f64 = 2.0;

/// Steps between samples that say how many are lost.
const STEPS: usize = 32;
/// Sorted, a step from here on is how they are sent: a few come early, and of many lost ones a quarter has no gap.
const USUAL_STEP: usize = STEPS / 4;

/// What was worked out from one sample; absent where it has no meaning.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Made {
    pub(super) phase_s: f64,
    pub(super) limit_pa: Option<f64>,
    pub(super) limit_ratio: Option<f64>,
    pub(super) propellant_loss_kg_s: Option<f64>,
    pub(super) disagreement_m_s: Option<f64>,
    pub(super) lost_ratio: Option<f64>,
}

/// What has to be known of the samples before.
#[derive(Debug)]
pub(super) struct Derivation {
    body: Option<Body>,
    phase: Option<(Phase, f64)>,
    last: Option<Sample>,
    window: Option<Window>,
    /// Loss and disagreement of the last two whole windows, the newest last.
    rates: [Option<Rates>; 2],
    spacing: Spacing,
}

/// The flight time between the last samples, in no order.
#[derive(Debug, Default)]
struct Spacing {
    t_s: Option<f64>,
    steps_s: [f64; STEPS],
    count: usize,
}

/// Since when changes are summed up, and what they should have been.
#[derive(Debug)]
struct Window {
    t_s: f64,
    altitude_m: f64,
    propellant_kg: f64,
    climbed_m: f64,
    burnt_kg: f64,
}

#[derive(Debug, Clone, Copy)]
struct Rates {
    loss_kg_s: f64,
    disagreement_m_s: f64,
}

impl Derivation {
    pub(super) fn new(module: &ModuleId) -> Self {
        Self {
            body: module.as_str().parse().ok(),
            phase: None,
            last: None,
            window: None,
            rates: [None; 2],
            spacing: Spacing::default(),
        }
    }

    pub(super) fn observe(&mut self, vehicle: &Vehicle, sample: &Sample) -> Made {
        let phase_s = self.phase_s(sample);
        let limit_pa = self
            .body
            .and_then(|body| vehicle.dynamic_pressure_limit_pa(body, sample.phase));
        if let Some(body) = self.body {
            self.follow(engines(vehicle, body), sample);
        }
        // Of a recording nobody knows what was sent.
        let lost_ratio = self.body.and_then(|_| self.spacing.follow(sample.t_s));
        // Twice in a row: one window may have the moment in it at which sensors froze.
        let both = |of: fn(&Rates) -> f64| match self.rates {
            [Some(before), Some(newest)] => {
                let (before, newest) = (of(&before), of(&newest));
                Some(if before.abs() < newest.abs() {
                    before
                } else {
                    newest
                })
            }
            _ => None,
        };
        Made {
            phase_s,
            limit_pa,
            limit_ratio: limit_pa.map(|limit_pa| sample.dynamic_pressure_pa / limit_pa),
            propellant_loss_kg_s: both(|rates| rates.loss_kg_s),
            disagreement_m_s: both(|rates| rates.disagreement_m_s.abs()),
            lost_ratio,
        }
    }

    fn phase_s(&mut self, sample: &Sample) -> f64 {
        let since_s = match self.phase {
            // A recycled count comes by the same T again.
            Some((phase, since_s)) if phase == sample.phase && since_s <= sample.t_s => since_s,
            _ => sample.t_s,
        };
        self.phase = Some((sample.phase, since_s));
        sample.t_s - since_s
    }

    fn follow(&mut self, engines: Option<&Engines>, sample: &Sample) {
        let last = self.last.replace(Sample {
            parameters: Default::default(),
            ..sample.clone()
        });
        let step_s = last.as_ref().map_or(0.0, |last| sample.t_s - last.t_s);
        let follows = (0.0..=GAP_S).contains(&step_s) && sample.quality == Quality::Good;
        let (Some(last), true) = (last, follows) else {
            self.window = None;
            self.rates = [None; 2];
            return;
        };
        let window = self.window.get_or_insert_with(|| Window::since(&last));
        let flow = |sample: &Sample| {
            let full_kg_s = engines.map_or(0.0, Engines::flow_kg_s);
            full_kg_s * f64::from(sample.engines_running) * sample.throttle
        };
        window.climbed_m += (last.vertical_speed_m_s + sample.vertical_speed_m_s) / 2.0 * step_s;
        window.burnt_kg += (flow(&last) + flow(sample)) / 2.0 * step_s;
        let length_s = sample.t_s - window.t_s;
        if length_s >= WINDOW_S {
            let gone_kg = window.propellant_kg - sample.propellant_kg;
            let seen_m = sample.altitude_m - window.altitude_m;
            let newest = Rates {
                loss_kg_s: (gone_kg - window.burnt_kg) / length_s,
                disagreement_m_s: (window.climbed_m - seen_m) / length_s,
            };
            self.rates = [self.rates[1], Some(newest)];
            self.window = Some(Window::since(sample));
        }
    }
}

impl Spacing {
    /// The share of samples that were sent and not heard, once enough were; an interruption begins anew.
    fn follow(&mut self, t_s: f64) -> Option<f64> {
        let step_s = self.t_s.map(|last_s| t_s - last_s);
        if step_s == Some(0.0) {
            // Said again because something else on board changed.
            return self.lost_ratio();
        }
        self.t_s = Some(t_s);
        match step_s.filter(|step_s| (0.0..=GAP_S).contains(step_s)) {
            Some(step_s) => {
                self.steps_s[self.count % STEPS] = step_s;
                self.count += 1;
            }
            None => self.count = 0,
        }
        self.lost_ratio()
    }

    fn lost_ratio(&self) -> Option<f64> {
        if self.count < STEPS {
            return None;
        }
        let mut steps_s = self.steps_s;
        steps_s.sort_unstable_by(f64::total_cmp);
        let sent = steps_s.iter().sum::<f64>() / steps_s[USUAL_STEP];
        Some((1.0 - STEPS as f64 / sent).max(0.0))
    }
}

impl Window {
    fn since(sample: &Sample) -> Self {
        Self {
            t_s: sample.t_s,
            altitude_m: sample.altitude_m,
            propellant_kg: sample.propellant_kg,
            climbed_m: 0.0,
            burnt_kg: 0.0,
        }
    }
}

fn engines(vehicle: &Vehicle, body: Body) -> Option<&Engines> {
    match body {
        Body::Booster => Some(&vehicle.booster.engines),
        Body::Stage2 => Some(&vehicle.stage2.engines),
        Body::Payload => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn climbing(change: impl Fn(usize, &mut Sample)) -> Vec<Made> {
        let vehicle = Vehicle::named("reference").unwrap();
        let mut derivation = Derivation::new(&ModuleId::new("booster").unwrap());
        let samples = (0..50_u32).map(|tenth| Sample {
            t_s: f64::from(tenth) / 10.0,
            altitude_m: f64::from(tenth) * 10.0,
            vertical_speed_m_s: 100.0,
            dynamic_pressure_pa: 18_000.0,
            phase: Phase::Ascent,
            ..Sample::default()
        });
        let changed = samples.enumerate().map(|(index, mut sample)| {
            change(index, &mut sample);
            derivation.observe(&vehicle, &sample)
        });
        changed.collect()
    }

    #[test]
    fn a_sound_flight_has_neither_loss_nor_disagreement() {
        let last = *climbing(|_, _| {}).last().unwrap();
        assert!((last.phase_s - 4.9).abs() < 1e-9, "{last:?}");
        assert_eq!(last.limit_ratio, Some(0.5));
        assert!(last.propellant_loss_kg_s.unwrap().abs() < 1e-6, "{last:?}");
        assert!(last.disagreement_m_s.unwrap() < 1e-6, "{last:?}");
        assert!(last.lost_ratio.unwrap() < 1e-6, "{last:?}");
    }

    #[test]
    fn samples_that_do_not_come_are_counted_and_an_interruption_is_not() {
        let heard = |lost: fn(u32) -> bool| {
            let mut spacing = Spacing::default();
            let sent = (0..200_u32).filter(|number| !lost(*number));
            let ratios = sent.map(|number| spacing.follow(f64::from(number) / 50.0));
            ratios.last().unwrap()
        };
        let third = heard(|number| number % 3 == 0).unwrap();
        assert!((third - 1.0 / 3.0).abs() < 0.05, "{third}");
        assert!(heard(|_| false).unwrap() < 1e-6);
        assert_eq!(heard(|number| (40..180).contains(&number)), None);
        let again = heard(|number| (10..130).contains(&number)).unwrap();
        assert!(again < 1e-6, "{again}");
    }

    #[test]
    fn what_goes_without_burning_is_lost() {
        let made = climbing(|index, sample| sample.propellant_kg = 1_000.0 - index as f64 * 40.0);
        let loss = made.last().unwrap().propellant_loss_kg_s.unwrap();
        assert!((loss - 400.0).abs() < 1.0, "{loss}");
        assert_eq!(
            made[15].propellant_loss_kg_s, None,
            "one window is not enough"
        );
    }

    #[test]
    fn a_bias_shows_and_a_freeze_does_not_pass_for_one() {
        let biased = climbing(|_, sample| sample.vertical_speed_m_s += 60.0);
        assert!((biased.last().unwrap().disagreement_m_s.unwrap() - 60.0).abs() < 1.0);
        let frozen = climbing(|index, sample| {
            if index >= 30 {
                sample.altitude_m = 300.0;
            }
            if index >= 36 {
                sample.quality = Quality::Frozen;
            }
        });
        let worst = frozen.iter().filter_map(|made| made.disagreement_m_s);
        assert!(worst.fold(0.0, f64::max) < 25.0);
    }
}
