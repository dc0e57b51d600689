//! Rules from files, samples and time to alerts, through the crate's public face.

mod agreement;
mod language;
mod loaded;
mod rule_files;
mod script;
mod scripts;
mod store;
mod unit_tests;
