//! In which order pieces are begun: each order is one function of the untouched pieces and of what the peer has.

pub(super) mod random_first;
pub(super) mod rarest_first;
pub(super) mod sequential;
