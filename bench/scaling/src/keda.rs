//! A model of KEDA and the horizontal autoscaler of Kubernetes, from what their documentation says they do.

use std::collections::VecDeque;
use std::time::Duration;

use portique_clock::Random;

use crate::trace::Trace;
use crate::world::{Scaler, World};

/// How often the horizontal autoscaler reads the metric.
const HPA_EVERY: Duration = Duration::from_secs(15);
/// Its window before it goes down.
const HPA_WINDOW: Duration = Duration::from_secs(300);
/// No move when the metric is this close to its target.
const HPA_TOLERANCE: f64 = 0.1;
/// Most pods more in one move, whichever is larger of this and twice as many.
const HPA_UP_PODS: u32 = 4;
/// A pod that is told to end has so long for what it has in hand.
const GRACE: Duration = Duration::from_secs(30);

/// How it is set up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    /// Jobs for each replica.
    pub(crate) threshold: u32,
    /// KEDA's `pollingInterval`.
    pub(crate) poll: Duration,
    /// KEDA's `cooldownPeriod`.
    pub(crate) cooldown: Duration,
}

pub(crate) struct Keda {
    settings: Settings,
    min: u32,
    max: u32,
    next_worker: u64,
    next_poll: Duration,
    next_hpa: Duration,
    active: Option<Duration>,
    recommended: VecDeque<(Duration, u32)>,
}

impl Keda {
    pub(crate) fn new(trace: &Trace, settings: Settings) -> Self {
        Self {
            settings,
            min: trace.min,
            max: trace.max,
            next_worker: 0,
            next_poll: Duration::ZERO,
            next_hpa: Duration::ZERO,
            active: None,
            recommended: VecDeque::new(),
        }
    }

    fn scale(&mut self, world: &mut World<'_>, replicas: u32) {
        let staying = world.staying();
        if replicas == staying {
            return;
        }
        world.changed();
        for _ in staying..replicas {
            self.next_worker += 1;
            world.start(self.next_worker);
        }
        // Nobody knows who is busy: any of them goes.
        for _ in replicas..staying {
            let there: Vec<u64> = world
                .workers
                .iter()
                .filter(|(_, worker)| !worker.drains)
                .map(|(id, _)| *id)
                .collect();
            let chosen = world.random().below(there.len() as u64) as usize;
            world.drain(there[chosen], Some(GRACE));
        }
    }

    /// KEDA: from zero, and to zero.
    fn poll(&mut self, world: &mut World<'_>) {
        let jobs = world.queue.len() + world.leased();
        if jobs > 0 {
            self.active = Some(world.now);
            if world.staying() == 0 {
                self.scale(world, self.min.max(1));
            }
            return;
        }
        let is_cool = self
            .active
            .is_none_or(|at| world.now - at > self.settings.cooldown);
        if self.min == 0 && is_cool && world.staying() > 0 {
            self.scale(world, 0);
            self.recommended.clear();
        }
    }

    /// The horizontal autoscaler: between one and the most.
    fn adjust(&mut self, world: &mut World<'_>) {
        let staying = world.staying();
        if staying == 0 {
            return;
        }
        let jobs = (world.queue.len() + world.leased()) as f64;
        let ratio = jobs / f64::from(self.settings.threshold * staying);
        let replicas = match (ratio - 1.0).abs() <= HPA_TOLERANCE {
            true => staying,
            false => (jobs / f64::from(self.settings.threshold)).ceil() as u32,
        };
        let replicas = replicas.clamp(self.min.max(1), self.max);
        self.recommended.push_back((world.now, replicas));
        let from = world.now.saturating_sub(HPA_WINDOW);
        self.recommended.retain(|(at, _)| *at >= from);
        let highest = self.recommended.iter().map(|(_, replicas)| *replicas).max();
        let target = match replicas < staying {
            true => highest.unwrap_or(replicas).min(staying),
            false => replicas.min((staying + HPA_UP_PODS).max(staying * 2)),
        };
        self.scale(world, target);
    }
}

impl Scaler for Keda {
    fn first(&mut self, world: &mut World<'_>) -> Duration {
        for _ in 0..self.min {
            self.next_worker += 1;
            world.start(self.next_worker);
        }
        self.next_poll = self.settings.poll.mul_f64(world.random().unit());
        self.next_hpa = HPA_EVERY.mul_f64(world.random().unit());
        self.next_poll.min(self.next_hpa)
    }

    fn wake(&mut self, world: &mut World<'_>) -> Duration {
        if world.now >= self.next_poll {
            self.poll(world);
            self.next_poll += self.settings.poll;
        }
        if world.now >= self.next_hpa {
            self.adjust(world);
            self.next_hpa += HPA_EVERY;
        }
        self.next_poll.min(self.next_hpa)
    }
}
