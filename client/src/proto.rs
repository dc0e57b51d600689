//! The contracts as the build makes them of `proto/bus.proto`, `proto/jobs.proto` and
//! `proto/telemetry.proto`, which document them.

/// The event bus.
pub mod bus {
    /// Version 1.
    pub mod v1 {
        #![expect(
            missing_docs,
            reason = "made by the build, which documents no choices; the contract file does"
        )]
        tonic::include_proto!("portique.bus.v1");
    }
}

/// The job queues.
pub mod jobs {
    /// Version 1.
    pub mod v1 {
        #![expect(
            missing_docs,
            reason = "made by the build, which documents no choices; the contract file does"
        )]
        tonic::include_proto!("portique.jobs.v1");
    }
}

/// Telemetry.
pub mod telemetry {
    /// Version 1.
    pub mod v1 {
        #![expect(
            missing_docs,
            reason = "made by the build, which documents no choices; the contract file does"
        )]
        tonic::include_proto!("portique.telemetry.v1");
    }
}
