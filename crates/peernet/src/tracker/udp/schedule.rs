//! What to send next and how long to wait for its answer (BEP 15, "Time outs"); no socket and no clock here.

use std::time::Duration;

/// The first wait for an answer; each further one is twice as long, up to 2^8 times.
const FIRST_WAIT: Duration = Duration::from_secs(15);
const DOUBLINGS_MAX: u32 = 8;

/// A client may use a connection id for one minute after it received it.
const CONNECTION_ID_AGE_MAX: Duration = Duration::from_secs(60);

/// Which packet is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Asks for a connection id.
    Connect,
    /// Asks what we want to know; the connection id is fresh.
    Request,
}

/// One exchange with a tracker, from its first packet to its answer.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Schedule {
    /// Packets sent since the last answer.
    unanswered: u32,
}

impl Schedule {
    /// The packet to send now, and how long to wait for its answer before calling this again. An id may age past its
    /// minute between two retransmissions; then a new one comes first.
    pub(super) fn next(&mut self, id_age: Option<Duration>) -> (Step, Duration) {
        let wait = FIRST_WAIT * 2_u32.pow(self.unanswered.min(DOUBLINGS_MAX));
        self.unanswered = self.unanswered.saturating_add(1);
        (if is_fresh(id_age) { Step::Request } else { Step::Connect }, wait)
    }

    /// There is a new connection id.
    pub(super) fn handle_connected(&mut self) {
        self.unanswered = 0;
    }
}

/// Whether a connection id of this age may be used.
pub(super) fn is_fresh(id_age: Option<Duration>) -> bool {
    id_age.is_some_and(|age| age < CONNECTION_ID_AGE_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs exchanges that begin at these times against a tracker that answers each packet after a second, but none
    /// from the `lost`th on. Whoever has an id takes a second to write the request, as in the BEP. Gives the time of
    /// each packet that was sent, `c` for connect and `r` for request; stops after `packets`.
    fn timeline(begins_s: &[u64], lost: usize, packets: usize) -> String {
        let mut sent: Vec<String> = Vec::new();
        let mut id_at_s = None;
        for &begin_s in begins_s {
            let (mut schedule, mut now_s) = (Schedule::default(), begin_s);
            while sent.len() < packets {
                let age = id_at_s.map(|at_s: u64| Duration::from_secs(now_s - at_s));
                let (step, wait) = schedule.next(age);
                let is_answered = sent.len() < lost;
                sent.push(format!("{now_s}{}", if step == Step::Connect { 'c' } else { 'r' }));
                match (is_answered, step) {
                    (false, _) => now_s += wait.as_secs(),
                    (true, Step::Request) => break,
                    (true, Step::Connect) => {
                        id_at_s = Some(now_s + 1);
                        now_s += 2;
                        schedule.handle_connected();
                    }
                }
            }
        }
        sent.join(" ")
    }

    #[test]
    fn a_normal_announce_takes_a_connect_and_a_request() {
        assert_eq!(timeline(&[0], 9, 9), "0c 2r");
    }

    #[test]
    fn a_connect_without_answer_is_repeated_after_15_s_and_then_after_twice_as_long_each_time() {
        assert_eq!(timeline(&[0], 0, 4), "0c 15c 45c 105c");
    }

    #[test]
    fn an_announce_without_answer_goes_back_to_the_connect_when_the_id_has_expired() {
        assert_eq!(timeline(&[0], 1, 6), "0c 2r 17r 47r 107c 227c");
    }

    #[test]
    fn many_requests_share_a_connection_id_for_a_minute() {
        assert_eq!(timeline(&[0, 4, 60, 62, 64, 64, 64], 99, 99), "0c 2r 4r 60r 62c 64r 64r 64r 64r");
    }

    #[test]
    fn the_wait_doubles_eight_times_at_most() {
        let mut schedule = Schedule::default();
        let waits: Vec<u64> = (0..11).map(|_| schedule.next(None).1.as_secs()).collect();
        assert_eq!(waits, [15, 30, 60, 120, 240, 480, 960, 1920, 3840, 3840, 3840]);
    }
}
