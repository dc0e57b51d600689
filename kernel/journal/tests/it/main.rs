//! The journal as its users see it: on a folder, on a simulated disk, and with its bytes damaged.

mod fixture;
mod folder;
mod golden;
mod image;
mod refusals;
mod simulation;
mod surgery;
