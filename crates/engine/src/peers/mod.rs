//! Where peers may be found, which address is tried when, who is kept, and who is refused.

mod bans;
mod book;
mod connect;
mod own_address;
mod pex;
mod priority;
mod replace;

pub(crate) use bans::Bans;
pub(crate) use book::AddressBook;
pub(crate) use own_address::{OwnAddress, Voter};
pub(crate) use pex::{Exchange, Hearing};
pub(crate) use priority::priority;
pub(crate) use replace::{Look, Picture, longest_useless, outranked, useless};
