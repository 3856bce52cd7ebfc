//! Announces, from the engine's words to peernet's and back.

use codec::{InfoHash, PeerId};
use engine::{AnnounceAnswer, AnnounceEvent, AnnounceRequest, ScrapeAnswer, TrackerKey};
use peernet::tracker::{self, AnnounceParams, TrackerClient};
use tokio::sync::mpsc;

use super::driver::Report;

/// Asks trackers on behalf of one torrent.
pub(super) struct Announcer {
    pub(super) client: TrackerClient,
    /// The swarm that is scraped; announces say themselves which.
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

    /// Asks in a task of its own how large the swarm is; the answer comes as [`Report::Scraped`].
    pub(super) fn scrape(&self, tracker: TrackerKey, url: String, reports: mpsc::Sender<Report>) {
        let (client, info_hash) = (self.client.clone(), self.info_hash);
        tokio::spawn(async move {
            let answers = client.scrape(&url, &[info_hash]).await;
            let result = answers.map_err(|error| error.to_string()).and_then(|answers| {
                let counts = answers.into_iter().find(|answer| answer.info_hash == info_hash);
                counts.map(translate_scrape).ok_or_else(|| "it does not know the torrent".to_owned())
            });
            if let Err(error) = &result {
                tracing::debug!(url, %error, "scrape");
            }
            let _heard = reports.send(Report::Scraped { tracker, result }).await;
        });
    }

    fn params(&self, request: &AnnounceRequest) -> AnnounceParams {
        AnnounceParams {
            info_hash: request.info_hash,
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
            tracker_id: request.tracker_id.clone(),
        }
    }
}

fn translate(answer: tracker::AnnounceAnswer) -> AnnounceAnswer {
    AnnounceAnswer {
        interval: answer.interval,
        min_interval: answer.min_interval,
        complete: answer.complete,
        incomplete: answer.incomplete,
        peers: answer.peers,
        warning: answer.warning,
        tracker_id: answer.tracker_id,
        external_ip: answer.external_ip,
    }
}

fn translate_scrape(answer: tracker::ScrapeAnswer) -> ScrapeAnswer {
    let tracker::ScrapeAnswer { info_hash: _, complete, downloaded, incomplete } = answer;
    ScrapeAnswer { complete, downloaded, incomplete }
}
