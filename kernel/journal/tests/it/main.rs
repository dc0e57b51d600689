//! The journal as its users see it: on a folder, on a simulated disk, and with its bytes damaged.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod damage;
mod endings;
mod fixture;
mod folder;
mod golden;
mod image;
mod lonely;
mod meddler;
mod refusals;
mod room;
mod simulation;
mod surgery;
