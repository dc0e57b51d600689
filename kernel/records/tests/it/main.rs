//! The SQLite engine seen from outside: the port's suite, a naive model beside it, kills and damage.

#[cfg(test)]
mod crash;
#[cfg(test)]
mod damage;
#[cfg(test)]
mod model;
#[cfg(test)]
mod suite;
