//! The strategies by name.

use std::fmt;
use std::str::FromStr;

/// How upload is given out: whom we unchoke, and for what. See the engine's documentation for each in detail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Strategy {
    /// Tit for tat while we download (BEP 3); in turns, with equal time for everybody, while we seed.
    #[default]
    Standard,
    /// As [`Strategy::Standard`], but a seed serves those that take fastest.
    FastestUpload,
    /// Whoever gives most for each byte that it asks (Piatek 2007); what is left over is given away all the same.
    BitTyrant,
    /// As [`Strategy::BitTyrant`], giving nobody more than it asks.
    BitTyrantSelfish,
    /// To each the share of our upload that it gave of our download (Levin 2008).
    PropShare,
    /// Nothing to anybody.
    FreeRider,
}

impl Strategy {
    /// All of them, the default first.
    pub const ALL: [Self; 6] = [
        Self::Standard,
        Self::FastestUpload,
        Self::BitTyrant,
        Self::BitTyrantSelfish,
        Self::PropShare,
        Self::FreeRider,
    ];

    /// A short stable name.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::FastestUpload => "fastest-upload",
            Self::BitTyrant => "bit-tyrant",
            Self::BitTyrantSelfish => "bit-tyrant-selfish",
            Self::PropShare => "prop-share",
            Self::FreeRider => "free-rider",
        }
    }

    /// Newcomers may have a few pieces while they are choked (BEP 6, allowed fast).
    pub(crate) const fn gives_a_start(self) -> bool {
        !matches!(self, Self::FreeRider)
    }

    /// One sentence for a person.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Standard => "Give to those who give us most; as a seed to everybody in turn.",
            Self::FastestUpload => "Give to those who give us most; as a seed to those who take fastest.",
            Self::BitTyrant => "Give to those who give most for what they ask, and spend the rest as well.",
            Self::BitTyrantSelfish => "Give to those who give most for what they ask, and no byte more.",
            Self::PropShare => "Give to each the share of our upload that it gave of our download.",
            Self::FreeRider => "Give nothing to anybody.",
        }
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// No strategy has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no strategy {0:?}; there are: {known}", known = Strategy::ALL.map(Strategy::code).join(", "))]
pub struct UnknownStrategy(pub String);

impl FromStr for Strategy {
    type Err = UnknownStrategy;

    fn from_str(text: &str) -> Result<Self, UnknownStrategy> {
        let found = Self::ALL.into_iter().find(|strategy| strategy.code() == text);
        found.ok_or_else(|| UnknownStrategy(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_strategy_is_found_by_its_name() {
        assert!(Strategy::ALL.iter().all(|strategy| strategy.code().parse() == Ok(*strategy)));
        let error = "tit-for-tat".parse::<Strategy>().map_err(|error| error.to_string());
        assert!(error.is_err_and(|text| text.contains("tit-for-tat") && text.contains("prop-share")));
    }
}
