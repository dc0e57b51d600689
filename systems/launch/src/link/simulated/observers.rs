//! Who looks at a simulated world, and how often.

use portique_flight::{Body, Sensors, TICK_S};
use tokio::sync::mpsc;

use crate::rpc::SensorFrame;

/// Frames that wait for one observer, two seconds' worth at the highest rate; later ones are dropped.
pub(super) const OBSERVER_FRAMES_MAX: usize = 200;

/// Observers at once: a few for each module. A further one finds its stream closed.
const OBSERVERS_MAX: usize = 32;

/// The observers of one world.
#[derive(Debug, Default)]
pub(super) struct Observers(Vec<Observer>);

#[derive(Debug)]
struct Observer {
    body: Body,
    period_s: f64,
    next_t_s: f64,
    frames: mpsc::Sender<SensorFrame>,
}

impl Observers {
    /// Shows a body's sensors to one more, each `period_s` of flight.
    pub(super) fn add(&mut self, body: Body, period_s: f64, frames: mpsc::Sender<SensorFrame>) {
        self.0.retain(|observer| !observer.frames.is_closed());
        if self.0.len() < OBSERVERS_MAX {
            self.0.push(Observer {
                body,
                period_s,
                next_t_s: f64::NEG_INFINITY,
                frames,
            });
        }
    }

    /// Shows what a body measured to those for whom it is time; on the pad, where time may go back,
    /// to all.
    pub(super) fn show(&mut self, body: Body, sensors: &Sensors, on_pad: bool) {
        for observer in self.0.iter_mut().filter(|observer| observer.body == body) {
            // Half a step of slack, as sums of steps are not exact.
            if on_pad || sensors.t_s + TICK_S / 2.0 >= observer.next_t_s {
                observer.next_t_s = observer.next_t_s.max(sensors.t_s - observer.period_s);
                observer.next_t_s += observer.period_s;
                _ = observer.frames.try_send(sensors.into());
            }
            if on_pad {
                observer.next_t_s = f64::NEG_INFINITY;
            }
        }
    }
}
