//! Whether a module is there, told to launch control once for each change.
//!
//! A computer that crashes shows twice: its stream breaks, and its supervisor says how it ended. Both
//! come here, and launch control hears of one outage, with the better reason.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::link::outlet::Outlet;
use crate::{Downlink, ModuleId};

/// How long a broken stream waits for the supervisor to say why; a process's end is noticed within
/// milliseconds.
const REASON_WAIT: Duration = Duration::from_millis(500);

/// How a module is at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Line {
    /// Not heard since the link was opened.
    Absent,
    /// Telemetry flows, or did until the telemetry task went down.
    Up,
    /// Its stream broke a moment ago; its supervisor may say why.
    Broken,
    /// Not heard, and launch control knows.
    Down,
    /// Its telemetry ended for good.
    Ended,
}

/// The presence of one module.
pub(crate) struct Presence {
    module: ModuleId,
    outlet: Arc<Outlet>,
    is_supervised: bool,
    line: watch::Sender<Line>,
}

impl Presence {
    /// A module that was not heard yet; `is_supervised` when somebody reports how its computer ends.
    pub(crate) fn new(module: ModuleId, outlet: Arc<Outlet>, is_supervised: bool) -> Self {
        Self {
            module,
            outlet,
            is_supervised,
            line: watch::Sender::new(Line::Absent),
        }
    }

    /// Which module.
    pub(crate) fn module(&self) -> &ModuleId {
        &self.module
    }

    /// The way to launch control.
    pub(crate) fn outlet(&self) -> &Outlet {
        &self.outlet
    }

    /// How the module is now.
    pub(crate) fn line(&self) -> Line {
        *self.line.borrow()
    }

    /// The module is heard.
    pub(crate) async fn up(&self) {
        let known = [Line::Up, Line::Broken];
        if !known.contains(&self.line.send_replace(Line::Up)) {
            self.outlet.tell(Downlink::Up(self.module.clone())).await;
        }
    }

    /// The module's stream broke.
    pub(crate) async fn broke(&self, reason: String) {
        if !self.change(&[Line::Up], Line::Broken) {
            return;
        }
        if self.is_supervised {
            let mut line = self.line.subscribe();
            let changed = line.wait_for(|line| *line != Line::Broken);
            // No reason in time: the broken stream's own has to do.
            _ = tokio::time::timeout(REASON_WAIT, changed).await;
        }
        if self.change(&[Line::Broken], Line::Down) {
            self.tell_down(reason).await;
        }
    }

    /// The module's computer ended and is started again.
    pub(crate) async fn failed(&self, reason: String) {
        if self.change(&[Line::Absent, Line::Up, Line::Broken], Line::Down) {
            self.tell_down(reason).await;
        } else {
            self.log(reason).await;
        }
    }

    /// The module's telemetry ended for good.
    pub(crate) async fn ended(&self, reason: String) {
        self.line.send_replace(Line::Ended);
        let ended = Downlink::Ended(self.module.clone(), reason);
        self.outlet.tell(ended).await;
    }

    /// Passes on a line of the module's log.
    pub(crate) async fn log(&self, line: String) {
        let line = Downlink::Log(self.module.clone(), line);
        self.outlet.tell(line).await;
    }

    /// Passes on that telemetry broke off while the module is there.
    pub(crate) async fn interrupted(&self, reason: String) {
        let interrupted = Downlink::Interrupted(self.module.clone(), reason);
        self.outlet.tell(interrupted).await;
    }

    async fn tell_down(&self, reason: String) {
        let down = Downlink::Down(self.module.clone(), reason);
        self.outlet.tell(down).await;
    }

    fn change(&self, from: &[Line], to: Line) -> bool {
        self.line.send_if_modified(|line| {
            let changes = from.contains(line);
            if changes {
                *line = to;
            }
            changes
        })
    }
}

#[cfg(test)]
mod tests {
    use portique_clock::{SimulatedClock, Timestamp};
    use tokio::sync::mpsc;

    use super::*;
    use crate::{Received, RocketId};

    fn booster(is_supervised: bool) -> (Presence, mpsc::Receiver<Received>) {
        let (downlink, heard) = mpsc::channel(16);
        let clock = Arc::new(SimulatedClock::new(Timestamp::EPOCH));
        let outlet = Outlet::new(RocketId::new("demo").unwrap(), clock, downlink);
        let module = ModuleId::new("booster").unwrap();
        (
            Presence::new(module, Arc::new(outlet), is_supervised),
            heard,
        )
    }

    fn downs(heard: &mut mpsc::Receiver<Received>) -> Vec<String> {
        let mut reasons = Vec::new();
        while let Ok(received) = heard.try_recv() {
            if let Downlink::Down(_, reason) = received.message {
                reasons.push(reason);
            }
        }
        reasons
    }

    #[tokio::test(start_paused = true)]
    async fn a_crash_is_told_once_with_the_supervisors_reason() {
        let (presence, mut heard) = booster(true);
        presence.up().await;
        tokio::join!(
            presence.broke("the module hung up".into()),
            presence.failed("exit status 70".into())
        );
        assert_eq!(downs(&mut heard), ["exit status 70"]);

        presence.up().await;
        presence.failed("killed".into()).await;
        presence.broke("the module hung up".into()).await;
        assert_eq!(downs(&mut heard), ["killed"]);
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_better_reason_the_broken_streams_is_told() {
        for is_supervised in [true, false] {
            let (presence, mut heard) = booster(is_supervised);
            presence.up().await;
            presence.broke("the module is silent".into()).await;
            presence.failed("too late to be news".into()).await;
            assert_eq!(downs(&mut heard), ["the module is silent"]);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_computer_that_never_came_up_is_down_once() {
        let (presence, mut heard) = booster(true);
        presence.failed("exit status 1".into()).await;
        presence.failed("exit status 1".into()).await;
        assert_eq!(downs(&mut heard), ["exit status 1"]);
    }
}
