//! How many may connect at once: shares of the files that the process may open.
//!
//! A connection is an open file. Were more let in than there are files, nobody could connect any more, and no engine open
//! what it needs: each way in has a share, and a quarter is kept for journals, blocks, workers and what the hub itself asks.
//! Of HTTP's connections, those who follow without a sign-in get half at most, so that who has to act always gets in.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files that are asked for where the system allows more: whatever a process of ours starts inherits the limit, and some
/// programs look at each file that they might have.
const FILES_MAX: u64 = 65_536;
/// What a system allows when it does not say.
const FILES_DEFAULT: u64 = 1_024;
/// The files are shared out in so many parts; four of them nobody connects with.
const PARTS: usize = 16;
const HTTP_PARTS: usize = 8;
const GRPC_PARTS: usize = 3;
const GRAPHITE_PARTS: usize = 1;
/// Connections of HTTP when nobody says how many: each has buffers of some tens of KiB.
const HTTP_MAX: usize = 4_096;
/// Connections of gRPC: each is a worker process, a module or a program.
const GRPC_MAX: usize = 4_096;
/// Connections of Graphite: each machine of a large site has one.
const GRAPHITE_MAX: usize = 1_024;
/// Of HTTP's connections, in eighths: who follows without a sign-in, and who waits in a long poll or for events. An eighth
/// is left to those who are answered at once and those who are signed in.
const EIGHTHS: usize = 8;
const PUBLIC_EIGHTHS: usize = 4;
const WAITING_EIGHTHS: usize = 3;

/// How many may be there at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Places {
    /// Connections of HTTP, all listeners together.
    pub(crate) http: usize,
    /// Of these, answers without end to whoever is not signed in.
    pub(crate) public: usize,
    /// Of these, requests that wait for something to happen.
    pub(crate) waiting: usize,
    /// Connections of gRPC.
    pub(crate) grpc: usize,
    /// Connections of Graphite.
    pub(crate) graphite: usize,
}

impl Places {
    /// Those of a process that may open so many files; `http` is how many connections of HTTP are asked for.
    pub(crate) fn of(files: usize, http: Option<usize>) -> Self {
        let share = |parts: usize| (files / PARTS * parts).max(1);
        let http = share(HTTP_PARTS).min(http.unwrap_or(HTTP_MAX));
        let of_http = |eighths: usize| (http * eighths / EIGHTHS).max(1);
        Self {
            http,
            public: of_http(PUBLIC_EIGHTHS),
            waiting: of_http(WAITING_EIGHTHS),
            grpc: share(GRPC_PARTS).min(GRPC_MAX),
            graphite: share(GRAPHITE_PARTS).min(GRAPHITE_MAX),
        }
    }

    /// Those of this process, as its limits are now.
    pub(crate) fn of_this_process(http: Option<usize>) -> Self {
        let files = getrlimit(Resource::Nofile).current.unwrap_or(FILES_MAX);
        let places = Self::of(usize::try_from(files).unwrap_or(usize::MAX), http);
        if let Some(asked) = http
            && places.http < asked
        {
            tracing::warn!(
                asked,
                granted = places.http,
                files,
                "connections_max is more than half of the files that may be open: raise the limit (ulimit -Hn, LimitNOFILE)"
            );
        }
        places
    }
}

/// Raises the limit of open files of this process as far as it may be raised.
pub(crate) fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.unwrap_or(FILES_MAX).min(FILES_MAX);
    if limit.current.is_none_or(|current| current >= wanted) {
        return;
    }
    let raised = Rlimit {
        current: Some(wanted),
        maximum: limit.maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        let files = limit.current.unwrap_or(FILES_DEFAULT);
        tracing::warn!(%error, files, "the limit of open files stays as it is");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the public feed is asked for, and nobody has to say.
    const VIEWERS: usize = 1_000;

    #[test]
    fn shares_leave_files_to_the_engines() {
        for files in [256, 1_024, 4_096, 20_000, 1 << 20] {
            let places = Places::of(files, None);
            let taken = places.http + places.grpc + places.graphite;
            assert!(taken <= files * 3 / 4, "{files}: {places:?}");
        }
    }

    #[test]
    fn the_public_and_who_waits_leave_connections_to_the_others() {
        for files in [256, 1_024, 4_096, 20_000, 1 << 20] {
            let places = Places::of(files, None);
            let left = places.http - places.public - places.waiting;
            assert!(left >= places.http / EIGHTHS, "{files}: {places:?}");
        }
    }

    #[test]
    fn four_thousand_files_are_enough_for_a_thousand_viewers() {
        assert!(Places::of(4_096, None).public >= VIEWERS);
    }

    #[test]
    fn what_is_asked_for_is_given_as_far_as_there_are_files() {
        assert_eq!(Places::of(20_000, Some(100)).http, 100);
        assert_eq!(Places::of(20_000, Some(9_000)).http, 9_000);
        assert_eq!(Places::of(1_024, Some(9_000)).http, 512);
    }

    #[test]
    fn hardly_any_files_are_a_place_each() {
        let places = Places::of(0, None);
        assert_eq!((places.http, places.grpc, places.public), (1, 1, 1));
    }
}
