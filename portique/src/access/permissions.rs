use std::sync::Arc;

use portique_access::{Catalogue, Declared, Error, Grade, Permissions};

/// The built-in token that is an administrator, and that which programs show. The latter has a role of its name.
pub(crate) const COMMANDER: &str = "commander";
pub(crate) const SERVICE: &str = "service";
/// What it takes to publish into the disk's reserve.
pub(crate) const RESERVE: &str = "events:reserve";

/// Everything that can be permitted here: the least of the built-in roles that holds it, and what it is.
const DECLARED: [(&str, Grade, &str); 32] = [
    (
        "alerts:read",
        Grade::Viewer,
        "see rules, alerts, silences and who is told",
    ),
    (
        "alerts:act",
        Grade::Operator,
        "acknowledge, assign, shelve and silence alerts",
    ),
    ("alerts:write", Grade::Operator, "send alerts"),
    (
        "events:state",
        Grade::Viewer,
        "see consumers and compactions, and how far they are",
    ),
    ("events:read", Grade::Viewer, "read events and follow them"),
    (
        "events:consume",
        Grade::Operator,
        "make consumers, fetch by them and settle what they fetch",
    ),
    (
        "events:write",
        Grade::Operator,
        "publish events, and say what is compacted",
    ),
    (
        RESERVE,
        Grade::Administrator,
        "publish into the disk's reserve",
    ),
    (
        "fleet:read",
        Grade::Viewer,
        "see pools of workers and their decisions",
    ),
    (
        "fleet:write",
        Grade::Operator,
        "pause pools and say how many workers they have",
    ),
    (
        "hub:reload",
        Grade::Administrator,
        "have rules and targets read again",
    ),
    (
        "jobs:state",
        Grade::Viewer,
        "see queues and how full they are",
    ),
    (
        "jobs:read",
        Grade::Viewer,
        "see jobs with what is in them, schedules and bindings",
    ),
    (
        "jobs:write",
        Grade::Operator,
        "add, claim, settle, mend and drop jobs; define queues, schedules, bindings",
    ),
    (
        "launch:read",
        Grade::Viewer,
        "see missions, their log and telemetry",
    ),
    ("launch:vote", Grade::Operator, "vote go or no-go"),
    (
        "launch:count",
        Grade::Operator,
        "open and close the poll; start, hold, resume and scrub the count",
    ),
    (
        "launch:weather",
        Grade::Operator,
        "give weather observations",
    ),
    ("launch:command", Grade::Operator, "give orders to modules"),
    (
        "launch:destroy",
        Grade::Operator,
        "order modules destroyed, and approve that somebody else does",
    ),
    ("launch:setup", Grade::Operator, "add rockets and modules"),
    (
        "launch:embargo",
        Grade::Operator,
        "shut and open the public feed",
    ),
    (
        "logs:read",
        Grade::Viewer,
        "read what the hub's processes print",
    ),
    (
        "payments:read",
        Grade::Viewer,
        "see accounts, transactions, statements and proofs",
    ),
    (
        "payments:write",
        Grade::Operator,
        "hand transactions in, open accounts and change them",
    ),
    (
        "settings:read",
        Grade::Administrator,
        "see the configuration that is in effect",
    ),
    (
        "telemetry:read",
        Grade::Viewer,
        "ask for telemetry, targets and the hub's own figures",
    ),
    ("telemetry:write", Grade::Operator, "hand telemetry in"),
    (
        "telemetry:admin",
        Grade::Administrator,
        "delete telemetry and take snapshots",
    ),
    (
        "transactions:commit",
        Grade::Operator,
        "publish, enqueue, settle and acknowledge as one",
    ),
    (
        "webhooks:read",
        Grade::Administrator,
        "see where events are pushed to",
    ),
    (
        "webhooks:write",
        Grade::Administrator,
        "have events pushed to an address",
    ),
];

/// What whoever shows nothing holds, unless reads are shut: the hub listens on this machine only, unless it is
/// told otherwise. Payloads are not among it.
const OPEN_READS: [&str; 6] = [
    "alerts:read",
    "events:state",
    "fleet:read",
    "jobs:state",
    "launch:read",
    "telemetry:read",
];

/// What programs hold beside the open reads.
const SERVICES: [&str; 10] = [
    "alerts:write",
    "events:consume",
    "events:read",
    "events:write",
    "jobs:read",
    "jobs:write",
    "payments:read",
    "payments:write",
    "telemetry:write",
    "transactions:commit",
];

/// The stations of launch control, each with what it is there for. All of them read.
const STATIONS: [(&str, &[&str]); 8] = [
    (
        "mission-commander",
        &[
            "launch:count",
            "launch:vote",
            "launch:command",
            "launch:destroy",
            "launch:setup",
            "alerts:act",
        ],
    ),
    ("weather-officer", &["launch:weather", "launch:vote"]),
    (
        "chief-rocket",
        &[
            "launch:command",
            "launch:destroy",
            "launch:setup",
            "launch:vote",
        ],
    ),
    ("chief-payload", &["launch:command", "launch:vote"]),
    (
        "range-safety-officer",
        &["launch:command", "launch:destroy", "launch:vote"],
    ),
    ("telemetry-officer", &["launch:vote", "alerts:act"]),
    ("chief-executive", &[]),
    ("webcaster", &["launch:embargo"]),
];

/// What there is to be permitted, and the roles that come with the hub and its systems.
///
/// # Errors
/// A permission or role that is malformed or there twice.
pub(super) fn catalogue() -> Result<Catalogue, Error> {
    let declared = DECLARED.iter().map(|(name, least, about)| {
        Ok(Declared {
            permission: name.parse()?,
            least: *least,
            about,
        })
    });
    let mut catalogue = Catalogue::new(declared.collect::<Result<_, Error>>()?)?;
    let programs = set(SERVICES.iter().chain(&OPEN_READS))?;
    catalogue = catalogue.with_role(SERVICE.parse()?, programs)?;
    for (station, holds) in STATIONS {
        let holds = set(holds.iter().chain(&OPEN_READS).chain(&["access:own"]))?;
        catalogue = catalogue.with_role(station.parse()?, holds)?;
    }
    Ok(catalogue)
}

/// What is open to whoever shows nothing.
///
/// # Errors
/// A permission that is malformed.
pub(super) fn open(reads: bool, writes: bool) -> Result<Arc<Permissions>, Error> {
    let reads = OPEN_READS.iter().filter(|_| reads);
    let writes = ["telemetry:write"].iter().filter(|_| writes);
    Ok(Arc::new(set(reads.chain(writes))?))
}

/// Whether reading it is open by default.
pub(crate) fn is_open_read(permission: &str) -> bool {
    OPEN_READS.contains(&permission)
}

/// Whether programs hold it.
pub(crate) fn service_holds(permission: &str) -> bool {
    SERVICES.contains(&permission) || is_open_read(permission)
}

fn set<'a>(names: impl Iterator<Item = &'a &'a str>) -> Result<Permissions, Error> {
    names.map(|name| name.parse()).collect()
}
