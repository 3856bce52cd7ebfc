//! How the other end can break the protocol. Each message names the numbers that prove it.

/// The other end broke the protocol; the carrier is to be closed and the session ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// A message is longer than [`crate::MAX_MESSAGE_LEN`].
    #[error("a message of {len} bytes came, {max} are allowed")]
    MessageTooLong {
        /// Its bytes.
        len: usize,
        /// The bound.
        max: usize,
    },
    /// A message ends in the middle of a header or of a payload.
    #[error("the message ends {missing} bytes before the end of the frame at byte {at}")]
    Truncated {
        /// Where in the message the frame begins.
        at: usize,
        /// How many bytes are missing.
        missing: usize,
    },
    /// No frame has this type.
    #[error("frame type {number:#04x} at byte {at} is unknown")]
    UnknownType {
        /// The type on the wire.
        number: u8,
        /// Where in the message the frame begins.
        at: usize,
    },
    /// The payload is longer or shorter than its type allows.
    #[error("a {name} frame with {len} bytes of payload came, {min} to {max} are allowed")]
    PayloadLength {
        /// Name of the type.
        name: &'static str,
        /// Payload bytes.
        len: usize,
        /// The fewest.
        min: usize,
        /// The most.
        max: usize,
    },
    /// The stream number does not fit the type: zero where there must be one, or one where there must be none.
    #[error("a {name} frame on stream {stream} came")]
    StreamNumber {
        /// Name of the type.
        name: &'static str,
        /// The number.
        stream: u32,
    },
    /// The JSON of a control frame is no value of its type.
    #[error("the payload of a {name} frame is malformed: {reason}")]
    Payload {
        /// Name of the type.
        name: &'static str,
        /// What the parser said.
        reason: String,
    },
    /// More session bytes came than the window allows.
    #[error("session bytes up to offset {offset} came, the limit is {limit}")]
    WindowOverrun {
        /// Offset after the message.
        offset: u64,
        /// The limit last given.
        limit: u64,
    },
    /// The other end claims to have received what was never sent, or lacks what it had acknowledged.
    #[error("offset {claimed} was acknowledged, but only {from} to {to} can be")]
    BadAck {
        /// The claim.
        claimed: u64,
        /// The lowest possible offset.
        from: u64,
        /// Offset up to which bytes were sent.
        to: u64,
    },
    /// The other end grants more than anyone has to keep for replay.
    #[error("a limit of {limit} at offset {acked} is further ahead than {max} bytes")]
    WindowTooLarge {
        /// Acknowledged offset.
        acked: u64,
        /// The limit.
        limit: u64,
        /// The bound.
        max: u64,
    },
    /// A stream got more bytes than it had credit for.
    #[error("a stream got {received} bytes in all, its credit is {limit}")]
    CreditOverrun {
        /// Bytes in all, with the last frame.
        received: u64,
        /// The credit.
        limit: u64,
    },
    /// A frame came that this end never receives, or not at this time.
    #[error("a {name} frame came where none may come")]
    Unexpected {
        /// Name of the type.
        name: &'static str,
    },
}
