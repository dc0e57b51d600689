//! The SQLite engine seen from outside: the port's suite, a naive model beside it, kills and damage.

mod crash;
mod damage;
mod model;
mod suite;
