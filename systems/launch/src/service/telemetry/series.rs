//! The series of one module: their labels, made once, and when each of them ends.

use std::collections::BTreeMap;

use portique_flight::Phase;
use portique_series::{Batch, Labels, LabelsFault, METRIC_NAME, STALE};

use super::derived::{Derivation, Made};
use super::metrics::{METRICS, PHASE, full};
use super::recorder::Vessel;
use crate::{ModuleId, Parameter, Sample};

/// Different parameters of one module in one run of the hub: a module that invents names is no reason to
/// fill the store.
const PARAMETERS_KNOWN_MAX: usize = 1_024;
/// How far samples may be moved on from their time, so that no two have the same millisecond.
const AHEAD_MAX_MS: i64 = 250;
/// A last sample further ahead than this is from before the clock was set back.
const SET_BACK_MS: i64 = 10_000;

/// What is made on the ground, in the order of [`ModuleSeries::made`].
const MADE: [&str; 7] = [
    "phase_seconds",
    "dynamic_pressure_limit_pascals",
    "dynamic_pressure_limit_ratio",
    "propellant_loss_kilograms_per_second",
    "sensor_disagreement_metres_per_second",
    "telemetry_lost_ratio",
    "telemetry_up",
];
/// The place of the last of them.
const UP: usize = MADE.len() - 1;

/// A series and whether its last sample was not its end.
struct Line {
    labels: Labels,
    is_open: bool,
}

impl Line {
    fn new(labels: Labels) -> Self {
        Self {
            labels,
            is_open: false,
        }
    }

    /// Adds a value, or the end of the series when there is none any more.
    fn put(
        &mut self,
        batch: &mut Batch,
        at_ms: i64,
        value: Option<f64>,
    ) -> Result<(), LabelsFault> {
        if value.is_none() && !self.is_open {
            return Ok(());
        }
        batch.series(&self.labels)?;
        batch.float(at_ms, value.unwrap_or(STALE));
        self.is_open = value.is_some();
        Ok(())
    }
}

/// A parameter that the module gave, and in which of its samples last.
struct ParameterLine {
    name: String,
    part: Option<String>,
    line: Line,
    given_in: u64,
}

/// The series of one module.
pub(super) struct ModuleSeries {
    module: ModuleId,
    derivation: Derivation,
    measured: Vec<Line>,
    made: Vec<Line>,
    phases: BTreeMap<Phase, Line>,
    parameters: Vec<ParameterLine>,
    samples: u64,
    last_ms: i64,
}

impl ModuleSeries {
    pub(super) fn new(vessel: &Vessel, module: &ModuleId) -> Self {
        let line = |name: &str| Line::new(labels(vessel, module, name, None));
        Self {
            module: module.clone(),
            derivation: Derivation::new(module),
            measured: METRICS.iter().map(|metric| line(metric.name)).collect(),
            made: MADE.iter().map(|name| line(name)).collect(),
            phases: BTreeMap::new(),
            parameters: Vec::new(),
            samples: 0,
            last_ms: i64::MIN,
        }
    }

    /// Adds everything of a sample; false when it cannot be stored.
    pub(super) fn sample(
        &mut self,
        batch: &mut Batch,
        vessel: &Vessel,
        sample: &Sample,
        heard_ms: i64,
    ) -> bool {
        let made = self.derivation.observe(&vessel.vehicle, sample);
        let Some(at_ms) = self.next_ms(heard_ms) else {
            return false;
        };
        self.samples += 1;
        self.put_sample(batch, vessel, sample, made, at_ms).is_ok()
    }

    fn put_sample(
        &mut self,
        batch: &mut Batch,
        vessel: &Vessel,
        sample: &Sample,
        made: Made,
        at_ms: i64,
    ) -> Result<(), LabelsFault> {
        for (metric, line) in METRICS.iter().zip(&mut self.measured) {
            line.put(batch, at_ms, Some((metric.of)(sample)))?;
        }
        let values = [
            Some(made.phase_s),
            made.limit_pa,
            made.limit_ratio,
            made.propellant_loss_kg_s,
            made.disagreement_m_s,
            made.lost_ratio,
            Some(1.0),
        ];
        for (line, value) in self.made.iter_mut().zip(values) {
            line.put(batch, at_ms, value)?;
        }
        for (phase, line) in &mut self.phases {
            if *phase != sample.phase {
                line.put(batch, at_ms, None)?;
            }
        }
        let phase = self.phases.entry(sample.phase).or_insert_with(|| {
            let labels = labels(
                vessel,
                &self.module,
                "phase",
                Some(("phase", sample.phase.as_str())),
            );
            Line::new(labels)
        });
        phase.put(batch, at_ms, Some(1.0))?;
        for (index, parameter) in sample.parameters.iter().enumerate() {
            self.put_parameter(batch, vessel, index, parameter, at_ms)?;
        }
        for known in &mut self.parameters {
            if known.given_in != self.samples {
                known.line.put(batch, at_ms, None)?;
            }
        }
        Ok(())
    }

    fn put_parameter(
        &mut self,
        batch: &mut Batch,
        vessel: &Vessel,
        index: usize,
        parameter: &Parameter,
        at_ms: i64,
    ) -> Result<(), LabelsFault> {
        let is_it =
            |known: &ParameterLine| known.name == parameter.name && known.part == parameter.part;
        // They come in the same order each time.
        let place = match self.parameters.get(index) {
            Some(known) if is_it(known) => Some(index),
            _ => self.parameters.iter().position(is_it),
        };
        let place = match place {
            Some(place) => place,
            None if self.parameters.len() < PARAMETERS_KNOWN_MAX => {
                self.learn(vessel, parameter);
                self.parameters.len() - 1
            }
            None => return Ok(()),
        };
        let known = &mut self.parameters[place];
        known.given_in = self.samples;
        known.line.put(batch, at_ms, Some(parameter.value))
    }

    fn learn(&mut self, vessel: &Vessel, parameter: &Parameter) {
        let part = parameter.part.as_deref().map(|part| ("part", part));
        self.parameters.push(ParameterLine {
            name: parameter.name.clone(),
            part: parameter.part.clone(),
            line: Line::new(labels(vessel, &self.module, &parameter.name, part)),
            given_in: 0,
        });
    }

    /// Says that nothing is heard now; the last values stand.
    pub(super) fn interrupt(&mut self, batch: &mut Batch, heard_ms: i64) {
        if let Some(at_ms) = self.next_ms(heard_ms) {
            // Labels that were made here fit in a batch.
            let _ = self.made[UP].put(batch, at_ms, Some(0.0));
        }
    }

    /// Ends every series that is open.
    pub(super) fn end(&mut self, batch: &mut Batch, heard_ms: i64) {
        let at_ms = heard_ms.max(self.last_ms.saturating_add(1));
        let parameters = self.parameters.iter_mut().map(|known| &mut known.line);
        let lines = self.measured.iter_mut().chain(&mut self.made);
        for line in lines.chain(self.phases.values_mut()).chain(parameters) {
            let _ = line.put(batch, at_ms, None);
        }
    }

    /// The time of the next sample: its own, or the next free millisecond soon after it.
    fn next_ms(&mut self, heard_ms: i64) -> Option<i64> {
        if self.last_ms > heard_ms.saturating_add(SET_BACK_MS) {
            self.last_ms = i64::MIN;
        }
        let at_ms = heard_ms.max(self.last_ms.saturating_add(1));
        let is_soon = at_ms - heard_ms <= AHEAD_MAX_MS;
        if is_soon {
            self.last_ms = at_ms;
        }
        is_soon.then_some(at_ms)
    }
}

fn labels(vessel: &Vessel, module: &ModuleId, name: &str, more: Option<(&str, &str)>) -> Labels {
    let name = if name == "phase" {
        PHASE.to_owned()
    } else {
        full(name)
    };
    let all = [
        (METRIC_NAME, name.as_str()),
        ("rocket", vessel.rocket.as_str()),
        ("module", module.as_str()),
        ("link", vessel.link),
    ];
    Labels::from_pairs(all.into_iter().chain(more))
}

#[cfg(test)]
mod tests {
    use portique_flight::Vehicle;
    use portique_series::is_stale;

    use super::*;
    use crate::{Quality, RocketId};

    fn vessel() -> Vessel {
        Vessel {
            rocket: RocketId::new("demo").unwrap(),
            vehicle: Vehicle::named("reference").unwrap(),
            link: "rehearsal",
        }
    }

    fn series() -> ModuleSeries {
        ModuleSeries::new(&vessel(), &ModuleId::new("booster").unwrap())
    }

    fn written(batch: &Batch) -> Vec<(String, i64, f64)> {
        let each = |one: portique_series::BatchSeries<'_>| {
            (
                one.to_labels().to_string(),
                one.timestamps()[0],
                one.floats()[0],
            )
        };
        batch.iter().map(each).collect()
    }

    fn sample(phase: Phase, parameters: &[(&str, f64)]) -> Sample {
        let parameter = |(name, value): &(&str, f64)| Parameter {
            name: (*name).to_owned(),
            part: None,
            value: *value,
        };
        Sample {
            phase,
            quality: Quality::Good,
            parameters: parameters.iter().map(parameter).collect::<Vec<_>>().into(),
            ..Sample::default()
        }
    }

    #[test]
    fn a_sample_is_one_moment_and_a_phase_that_ended_is_stale() {
        let (mut series, mut batch) = (series(), Batch::new());
        let ascent = sample(Phase::Ascent, &[("pitch_radians", 1.5)]);
        assert!(series.sample(&mut batch, &vessel(), &ascent, 1_000));
        let first = written(&batch);
        assert!(first.iter().all(|(_, at_ms, _)| *at_ms == 1_000));
        let pitch = "launch_pitch_radians{link=\"rehearsal\",module=\"booster\",rocket=\"demo\"}";
        assert!(
            first
                .iter()
                .any(|(name, _, value)| name == pitch && *value == 1.5),
            "{first:?}"
        );
        batch.clear();
        assert!(series.sample(&mut batch, &vessel(), &sample(Phase::Coast, &[]), 1_010));
        let second = written(&batch);
        let stale: Vec<_> = second
            .iter()
            .filter(|(_, _, value)| is_stale(*value))
            .collect();
        assert_eq!(stale.len(), 2, "{stale:?}");
        assert!(stale[0].0.contains("phase=\"ascent\"") && stale[1].0 == pitch);
    }

    #[test]
    fn no_two_samples_share_a_millisecond_and_none_is_far_from_its_own() {
        let (mut series, mut batch) = (series(), Batch::new());
        let mut taken = 0;
        for _ in 0..300 {
            let sample = sample(Phase::Ascent, &[]);
            taken += u32::from(series.sample(&mut batch, &vessel(), &sample, 1_000));
        }
        assert_eq!(taken, 251);
        assert!(series.sample(&mut batch, &vessel(), &sample(Phase::Ascent, &[]), 1_001));
        assert!(
            series.sample(&mut batch, &vessel(), &sample(Phase::Ascent, &[]), -60_000),
            "the clock was set back"
        );
    }

    #[test]
    fn an_end_leaves_nothing_open() {
        let (mut series, mut batch) = (series(), Batch::new());
        let all = sample(Phase::Ascent, &[("pitch_radians", 1.5)]);
        series.sample(&mut batch, &vessel(), &all, 1_000);
        let open = batch.len();
        batch.clear();
        series.end(&mut batch, 1_000);
        let ended = written(&batch);
        assert_eq!(ended.len(), open);
        assert!(
            ended
                .iter()
                .all(|(_, at_ms, value)| *at_ms == 1_001 && is_stale(*value))
        );
        batch.clear();
        series.end(&mut batch, 2_000);
        assert!(batch.is_empty());
    }

    #[test]
    fn a_module_that_invents_names_is_bounded() {
        let (mut series, mut batch) = (series(), Batch::new());
        for round in 0..20 {
            let names: Vec<String> = (0..100).map(|n| format!("p{round}_{n}")).collect();
            let given: Vec<_> = names.iter().map(|name| (name.as_str(), 1.0)).collect();
            assert!(series.sample(&mut batch, &vessel(), &sample(Phase::Ascent, &given), round));
        }
        assert_eq!(series.parameters.len(), PARAMETERS_KNOWN_MAX);
    }
}
