//! Announces, from the engine's words to peernet's and back.

use codec::{InfoHash, PeerId};
use engine::{AnnounceAnswer, AnnounceEvent, AnnounceRequest};
use peernet::tracker::{self, AnnounceParams, TrackerClient};
use tokio::sync::mpsc;

use super::driver::Report;

/// Asks trackers on behalf of one torrent.
pub(super) struct Announcer {
    pub(super) client: TrackerClient,
    pub(super) info_hash: InfoHash,
    pub(super) peer_id: PeerId,
    pub(super) key: u32,
}

impl Announcer {
    /// Asks in a task of its own; the answer comes as [`Report::Announced`].
    pub(super) fn announce(&self, request: AnnounceRequest, reports: mpsc::Sender<Report>) {
        let params = self.params(&request);
        let client = self.client.clone();
        tokio::spawn(async move {
            let answer = client.announce(&request.url, &params).await;
            if let Err(error) = &answer {
                tracing::info!(url = request.url, %error, "announce");
            }
            let result = answer.map(translate).map_err(|error| error.to_string());
            let _heard = reports.send(Report::Announced { tracker: request.tracker, result }).await;
        });
    }

    fn params(&self, request: &AnnounceRequest) -> AnnounceParams {
        AnnounceParams {
            info_hash: self.info_hash,
            peer_id: self.peer_id,
            port: request.port,
            uploaded: request.uploaded,
            downloaded: request.downloaded,
            left: request.left,
            event: match request.event {
                AnnounceEvent::Started => tracker::AnnounceEvent::Started,
                AnnounceEvent::Completed => tracker::AnnounceEvent::Completed,
                AnnounceEvent::Stopped => tracker::AnnounceEvent::Stopped,
                AnnounceEvent::Regular => tracker::AnnounceEvent::Regular,
            },
            num_want: request.num_want,
            key: self.key,
        }
    }
}

fn translate(answer: tracker::AnnounceAnswer) -> AnnounceAnswer {
    let tracker::AnnounceAnswer { interval, min_interval, complete, incomplete, peers, warning } = answer;
    AnnounceAnswer { interval, min_interval, complete, incomplete, peers, warning }
}
