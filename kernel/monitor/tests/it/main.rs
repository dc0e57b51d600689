//! Rules from files, samples and time to alerts, through the crate's public face.

#[cfg(test)]
mod agreement;
#[cfg(test)]
mod explained;
#[cfg(test)]
mod language;
#[cfg(test)]
mod loaded;
#[cfg(test)]
mod relabel;
#[cfg(test)]
mod rule_files;
#[cfg(test)]
mod script;
#[cfg(test)]
mod scripts;
#[cfg(test)]
mod store;
#[cfg(test)]
mod unit_tests;
