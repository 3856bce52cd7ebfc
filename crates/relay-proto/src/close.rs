//! Numbered reasons for the end of a stream and for the refusal of a session.

/// Declares an enum of numbered reasons with, for each, a short stable name and a sentence for a person.
macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $number:literal, $code:literal, $text:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum $name { $(#[doc = $text] $variant = $number,)+ }

        impl $name {
            /// All of them, by number.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The number on the wire.
            #[must_use]
            pub const fn number(self) -> u16 {
                self as u16
            }

            /// The reason with this number; `None` for one that this version does not know.
            #[must_use]
            pub const fn from_number(number: u16) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)+ _ => None }
            }

            /// A short stable name, for logs and counters.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            /// One sentence for a person.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{} ({})", self.text(), self.number())
            }
        }
    };
}

codes! {
    /// Why a stream ended. A relay sends 1 to 99, a tab sends 100 and above.
    CloseCode {
        PeerClosed = 1, "peer-closed", "The peer closed the connection.";
        PeerReset = 2, "peer-reset", "The connection to the peer broke.";
        Unreachable = 3, "unreachable", "The peer could not be reached.";
        DestinationRefused = 4, "destination-refused", "The relay's policy does not allow this address.";
        NotRegistered = 5, "not-registered", "This session has not registered the info hash.";
        TabNotBitTorrent = 6, "tab-not-bittorrent", "The first bytes to the peer were no BitTorrent handshake for the info hash.";
        PeerNotBitTorrent = 7, "peer-not-bittorrent", "The peer's first bytes were no BitTorrent handshake.";
        PeerWrongInfoHash = 8, "peer-wrong-info-hash", "The peer's handshake named another info hash.";
        HandshakeTimeout = 9, "handshake-timeout", "No whole handshake came in time.";
        TooManyStreams = 10, "too-many-streams", "The session has all the streams it is allowed.";
        DialRate = 11, "dial-rate", "The session dials more often than it is allowed.";
        Unregistered = 12, "unregistered", "The torrent of this stream was unregistered.";
        CreditExceeded = 13, "credit-exceeded", "More bytes were sent than the stream had credit for.";
        RangeDone = 14, "range-done", "All bytes that the web seed was asked for have come.";
        WebSeedStatus = 15, "web-seed-status", "The web seed answered with a status that brings no data.";
        WebSeedNoRanges = 16, "web-seed-no-ranges", "The web seed cannot send parts of a file.";
        WebSeedWrongRange = 17, "web-seed-wrong-range", "The web seed would have sent other bytes than those asked for.";
        WebSeedPage = 18, "web-seed-page", "The web seed sent a web page instead of content.";
        WebSeedCut = 19, "web-seed-cut", "The web seed stopped before all bytes had come.";
        WebSeedMoved = 20, "web-seed-moved", "The web seed redirects too often.";
        WebSeedSilent = 21, "web-seed-silent", "The web seed was silent for too long.";
        TooManyRanges = 22, "too-many-ranges", "The session has all the requests to web seeds that it is allowed.";
        TabDone = 100, "tab-done", "The tab has no more use for the stream.";
        TabGone = 101, "tab-gone", "The tab is closing.";
    }
}

codes! {
    /// Why a relay does not let a tab in, or sends it away. The carrier is closed after it, but for 8, which answers a
    /// `switch` and changes nothing.
    RefusedCode {
        Version = 1, "version", "The relay speaks another version of the protocol.";
        BadToken = 2, "bad-token", "The token is not the relay's.";
        HelloTimeout = 3, "hello-timeout", "No hello came in time.";
        Malformed = 4, "malformed", "The other side broke the protocol.";
        TooManySessions = 5, "too-many-sessions", "The relay has all the sessions it is allowed.";
        Replaced = 6, "replaced", "Another connection has taken over this session.";
        ShuttingDown = 7, "shutting-down", "The relay is shutting down.";
        Unsupported = 8, "unsupported", "This relay does not offer what was asked for.";
        Overloaded = 9, "overloaded", "More was queued for this session than it is allowed.";
    }
}
