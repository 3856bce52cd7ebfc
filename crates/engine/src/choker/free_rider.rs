//! Gives nothing to anybody, as downloader and as seed: what others make of such a peer is what this is for.

use super::{Candidate, Decision};
use crate::ChokeReason;

pub(super) fn rechoke(candidates: &[Candidate]) -> Vec<Decision> {
    let reason = |candidate: &Candidate| {
        if candidate.peer_interested { ChokeReason::FreeRiding } else { ChokeReason::NotInterested }
    };
    candidates.iter().map(|candidate| Decision::choke(candidate, reason(candidate))).collect()
}
