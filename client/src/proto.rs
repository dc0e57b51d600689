//! The contracts as the build makes them of `proto/bus.proto` and `proto/jobs.proto`, which document
//! them.

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
