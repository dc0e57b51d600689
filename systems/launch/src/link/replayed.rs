//! A recorded flight as a vehicle.
//!
//! It waits on the pad until it is released, then sends every sample of the recording, in order, paced by
//! the samples' own times and the rate of the count; none is shed: a full queue makes it wait. It takes no
//! orders. A recording does not say which stage its display showed, so it has one module, `vehicle`.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::watch;
use tokio::time::{Duration, Instant};

use crate::link::outlet::Outlet;
use crate::link::work::Work;
use crate::link::{Link, LinkError};
use crate::recording::Recording;
use crate::{Answer, Command, Downlink, Error, ModuleId, Pad, Sample};

#[cfg(test)]
mod tests;

/// The only module of a recording.
const MODULE: &str = "vehicle";
/// The kind of link, in refusals.
const KIND: &str = "replayed";

/// Shorter waits are saved up for the next sample: the runtime's timer counts milliseconds.
const WAIT_MIN_S: f64 = 0.001;

/// What the pad has said so far.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Pace {
    is_released: bool,
    /// Seconds of flight per second; zero holds, infinity does not wait at all.
    rate: f64,
}

/// A recorded flight on its pad or in its air.
pub(crate) struct ReplayedLink {
    pace: watch::Sender<Pace>,
    work: Work,
}

impl ReplayedLink {
    /// Reads a recording and puts it on the pad; it sends [`Downlink::Up`] and waits for
    /// [`Pad::Release`]. Must be called within a runtime.
    ///
    /// # Errors
    /// As [`Recording::parse`].
    pub(crate) fn open(outlet: Arc<Outlet>, csv: &str) -> Result<Self, Error> {
        let recording = Recording::parse(csv)?;
        let module = ModuleId::new(MODULE)?;
        let (pace, told) = watch::channel(Pace {
            is_released: false,
            rate: 1.0,
        });
        let work = Work::default();
        let playback = Playback {
            outlet,
            module,
            pace: told,
        };
        let stopped = work.stop.clone();
        work.tracker.spawn(async move {
            tokio::select! {
                () = stopped.cancelled() => {}
                () = playback.run(recording) => {}
            }
        });
        Ok(Self { pace, work })
    }
}

#[async_trait]
impl Link for ReplayedLink {
    fn reports_events(&self) -> bool {
        false
    }

    async fn command(&self, _module: &ModuleId, _command: Command) -> Result<Answer, LinkError> {
        Err(LinkError::ReadOnly { kind: KIND })
    }

    /// Takes the rate from the clock and starts at the release; a recording has no tanks.
    async fn pad(&self, pad: Pad) -> Result<(), LinkError> {
        self.pace.send_if_modified(|pace| {
            let before = *pace;
            match pad {
                Pad::Clock { rate, .. } if rate >= 0.0 => pace.rate = rate,
                Pad::Release => pace.is_released = true,
                Pad::Clock { .. } | Pad::Propellant(_) => {}
            }
            *pace != before
        });
        Ok(())
    }

    async fn close(&self) {
        self.work.close().await;
    }
}

struct Playback {
    outlet: Arc<Outlet>,
    module: ModuleId,
    pace: watch::Receiver<Pace>,
}

impl Playback {
    async fn run(mut self, recording: Recording) {
        self.outlet.tell(Downlink::Up(self.module.clone())).await;
        // A closed pace means that the link is gone, and the stop token ends this task.
        if self.pace.wait_for(|pace| pace.is_released).await.is_err() {
            return;
        }
        let mut now_s = recording.samples().first().map_or(0.0, |sample| sample.t_s);
        for sample in recording.samples() {
            if !self.wait_until(&mut now_s, sample.t_s).await {
                return;
            }
            self.send(sample.clone()).await;
        }
        let reason = "the recording ended".to_owned();
        let ended = Downlink::Ended(self.module.clone(), reason);
        self.outlet.tell(ended).await;
    }

    async fn send(&self, sample: Sample) {
        let message = Downlink::Sample(self.module.clone(), sample);
        self.outlet.tell(message).await;
    }

    /// Lets the flight's time run from `now_s` to `until_s` at the rate of the moment; false when the
    /// link is gone.
    ///
    /// The flight's time is carried on as it is, not as it should be: a wait that was too long is made up
    /// for by shorter ones, so that the pace holds over the whole flight.
    async fn wait_until(&mut self, now_s: &mut f64, until_s: f64) -> bool {
        loop {
            let rate = self.pace.borrow_and_update().rate;
            if rate.is_infinite() {
                *now_s = until_s;
                return true;
            }
            let wait_s = (until_s - *now_s) / rate;
            if wait_s.is_nan() || wait_s < WAIT_MIN_S {
                return true;
            }
            let started = Instant::now();
            let changed = match Duration::try_from_secs_f64(wait_s) {
                Ok(wait) => {
                    let slept = tokio::time::timeout(wait, self.pace.changed()).await;
                    slept.unwrap_or(Ok(()))
                }
                // Held: the quotient is infinite.
                Err(_) => self.pace.changed().await,
            };
            if changed.is_err() {
                return false;
            }
            *now_s += started.elapsed().as_secs_f64() * rate;
        }
    }
}
