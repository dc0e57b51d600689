use std::time::Duration;

use portique_broker::Broker;
use portique_clock::Clock;
use portique_journal::Journal;

use super::answers::Stopped;
use super::names::WORKERS;
use super::world::World;

const JUMP: Duration = Duration::from_secs(3 * 60 * 60);
const SET_BACK: Duration = Duration::from_secs(60 * 60);

impl World {
    pub(super) async fn step(&mut self, broker: &Broker, journal: &Journal) -> Result<(), Stopped> {
        let jobs = &*broker.jobs();
        match self.below(100) {
            0..18 => self.enqueue(jobs, journal).await,
            18..42 => self.claim(jobs, journal).await,
            42..60 => self.complete(jobs, journal).await,
            60..66 => self.fail(jobs, journal).await,
            66..69 => self.release(jobs, journal).await,
            69..71 => self.extend(jobs).await,
            71..73 => self.cancel(jobs, journal).await,
            73..75 => self.retry(jobs, journal).await,
            75..78 => self.see_to_dead(jobs, journal).await,
            78..80 => self.control(jobs, journal).await,
            80..81 => self.schedule(jobs, journal).await,
            81..88 => self.pass_time(broker, journal).await,
            88..90 => self.publish(broker, journal).await,
            90..93 => self.consume(broker, journal).await,
            93..97 => self.commit(broker, journal).await,
            97..98 => {
                let name = WORKERS[self.choose(3)];
                self.held.remove(name);
                Ok(())
            }
            _ => {
                self.fill_disk();
                Ok(())
            }
        }
    }

    async fn pass_time(&mut self, broker: &Broker, journal: &Journal) -> Result<(), Stopped> {
        let now = self.clock.now();
        match self.below(20) {
            0 => self.clock.jump_to(now.plus(JUMP)),
            1 => {
                self.clock.jump_to(now.minus(SET_BACK));
                self.set_back += SET_BACK;
            }
            _ => self
                .clock
                .advance(Duration::from_millis(self.random_millis())),
        }
        self.tick(broker, journal).await
    }

    fn random_millis(&self) -> u64 {
        // From the time itself, so that it stays the same whoever asks in between.
        let nanos = self.clock.monotonic().as_nanos() as u64;
        100 + (nanos / 1_000_000 * 7_919) % 4_000
    }

    pub(super) async fn tick(&mut self, broker: &Broker, journal: &Journal) -> Result<(), Stopped> {
        let ticked = self.patient(journal, broker.tick()).await;
        if let Err(error) = ticked {
            let is_full = portique_fault::Fault::code(&error);
            let is_right =
                self.disk.has_failed() || is_full == portique_fault::Code::ResourceExhausted;
            assert!(is_right, "seed {}: {error:?}", self.seed);
            if self.disk.has_failed() {
                return Err(Stopped);
            }
        }
        Ok(())
    }

    pub(super) fn seconds(&mut self, most: u64) -> Duration {
        Duration::from_secs(self.below(most))
    }
}
