//! Whose turn it is among groups: deficit round-robin (Shreedhar and Varghese 1996) where every job
//! costs one, so a group of weight w is served w times a round.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// Stale places in the ring that are left there beyond the live ones.
const STALE_MAX: usize = 64;

/// The groups that have something to give, in the order of their turns. All steps take constant time.
///
/// ```text
///   activate -> [ turn | b | c | ... ] <- back of the ring, when its share of the round is spent or passed
/// ```
#[derive(Debug, Clone)]
pub(crate) struct FairShare<G> {
    ring: VecDeque<(G, u64)>,
    active: HashMap<G, Place>,
    next_visit: u64,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    /// Which of the ring's places of this group is the live one.
    visit: u64,
    weight: u32,
    /// What is left of its share of this round.
    credit: u32,
}

impl<G> Default for FairShare<G> {
    fn default() -> Self {
        Self {
            ring: VecDeque::new(),
            active: HashMap::new(),
            next_visit: 0,
        }
    }
}

impl<G: Clone + Eq + Hash> FairShare<G> {
    /// No groups.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// How many groups take part.
    pub(crate) fn len(&self) -> usize {
        self.active.len()
    }

    /// The group takes part from now on, at the end of the round; one that does already keeps its place
    /// and takes the new weight (at least 1) from its next round on.
    pub(crate) fn activate(&mut self, group: G, weight: u32) {
        let weight = weight.max(1);
        if let Some(place) = self.active.get_mut(&group) {
            place.weight = weight;
            return;
        }
        self.next_visit += 1;
        self.ring.push_back((group.clone(), self.next_visit));
        let place = Place {
            visit: self.next_visit,
            weight,
            credit: weight,
        };
        self.active.insert(group, place);
    }

    /// The group has nothing to give, or may not: it loses its place and the rest of its share.
    pub(crate) fn deactivate(&mut self, group: &G) {
        if self.active.remove(group).is_some()
            && self.ring.len() > 2 * self.active.len() + STALE_MAX
        {
            let active = &self.active;
            self.ring
                .retain(|(group, visit)| is_live(active, group, *visit));
        }
    }

    /// Whose turn it is; none when no group takes part.
    pub(crate) fn turn(&mut self) -> Option<&G> {
        while let Some((group, visit)) = self.ring.front()
            && !is_live(&self.active, group, *visit)
        {
            self.ring.pop_front();
        }
        self.ring.front().map(|(group, _)| group)
    }

    /// The group whose turn it is was given one.
    pub(crate) fn served(&mut self) {
        let is_spent = match self.front_place() {
            Some(place) if place.credit > 1 => {
                place.credit -= 1;
                false
            }
            Some(_) => true,
            None => false,
        };
        if is_spent {
            self.rotate();
        }
    }

    fn front_place(&mut self) -> Option<&mut Place> {
        self.turn()?;
        let (group, _) = self.ring.front()?;
        self.active.get_mut(group)
    }

    /// Moves the live front to the back, with a new share.
    fn rotate(&mut self) {
        let (group, _) = self.ring.pop_front().expect("a turn has a place");
        self.next_visit += 1;
        let place = self.active.get_mut(&group).expect("a turn is active");
        place.visit = self.next_visit;
        place.credit = place.weight;
        self.ring.push_back((group, self.next_visit));
    }
}

fn is_live<G: Eq + Hash>(active: &HashMap<G, Place>, group: &G, visit: u64) -> bool {
    active.get(group).is_some_and(|place| place.visit == visit)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn serve(shares: &mut FairShare<&'static str>, times: usize) -> Vec<&'static str> {
        (0..times)
            .filter_map(|_| {
                let group = shares.turn().copied()?;
                shares.served();
                Some(group)
            })
            .collect()
    }

    #[test]
    fn groups_are_served_by_weight_in_turn() {
        let mut shares = FairShare::new();
        shares.activate("small", 1);
        shares.activate("large", 3);
        assert_eq!(
            serve(&mut shares, 8),
            [
                "small", "large", "large", "large", "small", "large", "large", "large"
            ]
        );
    }

    #[test]
    fn a_group_that_left_and_came_back_waits_for_its_turn() {
        let mut shares = FairShare::new();
        shares.activate("a", 2);
        shares.activate("b", 1);
        assert_eq!(serve(&mut shares, 1), ["a"]);
        shares.deactivate(&"a");
        shares.activate("a", 2);
        assert_eq!(serve(&mut shares, 4), ["b", "a", "a", "b"]);
    }

    proptest! {
        /// While groups stay, each gets its share of whole rounds exactly.
        #[test]
        fn shares_are_exact_over_rounds(weights in prop::collection::vec(1_u32..9, 1..12), rounds in 1_u32..5) {
            let mut shares = FairShare::new();
            for (group, weight) in weights.iter().enumerate() {
                shares.activate(group, *weight);
            }
            let mut served = BTreeMap::new();
            for _ in 0..rounds * weights.iter().sum::<u32>() {
                *served.entry(*shares.turn().unwrap()).or_insert(0) += 1;
                shares.served();
            }
            for (group, weight) in weights.iter().enumerate() {
                prop_assert_eq!(served[&group], rounds * weight);
            }
        }

        /// Whatever comes and goes: only active groups get a turn, and the ring stays in proportion.
        #[test]
        fn turns_go_to_active_groups_only(steps in prop::collection::vec((0_u8..3, 0_u8..20), 1..400)) {
            let mut shares = FairShare::new();
            let mut active = std::collections::BTreeSet::new();
            for (step, group) in steps {
                match step {
                    0 => { shares.activate(group, u32::from(group % 3) + 1); active.insert(group); }
                    1 => { shares.deactivate(&group); active.remove(&group); }
                    _ => shares.served(),
                }
                prop_assert_eq!(shares.len(), active.len());
                prop_assert_eq!(shares.turn().is_some(), !active.is_empty());
                prop_assert!(shares.turn().is_none_or(|turn| active.contains(turn)));
                prop_assert!(shares.ring.len() <= 2 * active.len() + STALE_MAX + 400);
            }
        }
    }
}
