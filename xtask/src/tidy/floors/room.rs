/// The kernel from the ground up; a crate may need those of lower levels.
const KERNEL_LEVELS: [&[&str]; 6] = [
    &["clock", "event", "fault"],
    &["journal", "bus", "records"],
    &["jobs", "series"],
    &["broker", "exposition", "promql"],
    &["monitor", "fleet", "access"],
    &["system"],
];

/// The place of a crate in the house.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Room {
    Kernel {
        level: usize,
        name: String,
    },
    System(String),
    Engine(String),
    Client,
    FrontDoor,
    /// Stands beside the house: may need anything, and nothing may need it.
    Workshop,
}

impl Room {
    /// The room of the crate in `folder`, or nothing when the folder is on no floor.
    pub(super) fn at(folder: &str) -> Option<Self> {
        let mut names = folder.split('/');
        let storey = names.next()?;
        match (storey, names.next()) {
            ("kernel", Some(name)) => {
                let level = KERNEL_LEVELS
                    .iter()
                    .position(|level| level.contains(&name))?;
                Some(Self::Kernel {
                    level,
                    name: name.to_owned(),
                })
            }
            ("systems", Some(name)) => Some(Self::System(name.to_owned())),
            ("engines", Some(name)) => Some(Self::Engine(name.to_owned())),
            ("client", None) => Some(Self::Client),
            ("portique", None) => Some(Self::FrontDoor),
            ("bench" | "fuzz" | "xtask", _) => Some(Self::Workshop),
            _ => None,
        }
    }

    /// The rule that keeps this room from depending on `other`, if there is one.
    pub(super) fn refuses(&self, other: &Self) -> Option<&'static str> {
        if self == other {
            return None;
        }
        match (self, other) {
            (_, Self::Workshop) => Some("nothing depends on bench, fuzz or xtask"),
            (Self::FrontDoor | Self::Workshop, _) => None,
            (_, Self::FrontDoor) => Some("only the front door knows the front door"),
            (Self::Kernel { level, .. }, Self::Kernel { level: below, .. }) => {
                kernel_rule(*level, *below)
            }
            (Self::Kernel { .. }, _) => Some("the kernel depends on the kernel only"),
            (_, Self::Kernel { .. }) => None,
            (Self::System(_), Self::System(_)) => {
                Some("systems are siblings that meet on the bus: publish an event instead")
            }
            (Self::Engine(_), Self::Engine(_)) => Some("an engine knows its port only"),
            (Self::System(_), _) => Some("a system depends on the ports of the kernel only"),
            (Self::Engine(_), _) => Some("an engine depends on the ports of the kernel only"),
            (Self::Client, _) => Some("the client depends on the kernel only"),
        }
    }
}

fn kernel_rule(level: usize, below: usize) -> Option<&'static str> {
    let is_foundation = level == 0 && below == 0;
    if below < level || is_foundation {
        return None;
    }
    if below == level {
        return Some("crates of one level do not know each other: join them one level up");
    }
    Some("dependencies point down: move what is needed to a lower level")
}
