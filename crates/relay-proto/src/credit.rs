//! Byte credits of one stream in one direction: absolute limits counted from the stream's first payload byte, so
//! that a repeated or late grant does no harm.

use crate::ProtocolError;

/// What the sending end may still send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendCredit {
    sent: u64,
    limit: u64,
}

impl SendCredit {
    /// Nothing sent yet; `initial` bytes may be.
    #[must_use]
    pub const fn new(initial: u64) -> Self {
        Self { sent: 0, limit: initial }
    }

    /// Bytes that may be sent now.
    #[must_use]
    pub const fn available(&self) -> u64 {
        self.limit.saturating_sub(self.sent)
    }

    /// Payload bytes sent since the stream opened.
    #[must_use]
    pub const fn sent(&self) -> u64 {
        self.sent
    }

    /// `bytes` were sent; never more than [`Self::available`].
    pub const fn take(&mut self, bytes: u64) {
        debug_assert!(bytes <= self.available(), "a sender stays within its credit");
        self.sent = self.sent.saturating_add(bytes);
    }

    /// A grant came. A lower one than the present is ignored: limits never shrink.
    pub const fn raise(&mut self, limit: u64) {
        if limit > self.limit {
            self.limit = limit;
        }
    }
}

/// What the receiving end has granted, and when to grant more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiveCredit {
    received: u64,
    consumed: u64,
    limit: u64,
    window: u64,
}

impl ReceiveCredit {
    /// `window` bytes are granted from the start, and kept granted beyond what is consumed.
    #[must_use]
    pub const fn new(window: u64) -> Self {
        Self { received: 0, consumed: 0, limit: window, window }
    }

    /// `bytes` of payload came.
    ///
    /// # Errors
    /// They exceed the credit.
    pub const fn receive(&mut self, bytes: u64) -> Result<(), ProtocolError> {
        let received = self.received.saturating_add(bytes);
        if received > self.limit {
            return Err(ProtocolError::CreditOverrun { received, limit: self.limit });
        }
        self.received = received;
        Ok(())
    }

    /// `bytes` of what came are done with. Returns the limit to grant once half a window was consumed since the last
    /// grant, so that grants are few and the sender never runs dry for want of one.
    pub const fn consume(&mut self, bytes: u64) -> Option<u64> {
        self.consumed = self.consumed.saturating_add(bytes);
        debug_assert!(self.consumed <= self.received, "only what came can be consumed");
        let limit = self.consumed.saturating_add(self.window);
        if limit.saturating_sub(self.limit) < self.window.div_ceil(2) {
            return None;
        }
        self.limit = limit;
        Some(limit)
    }

    /// Bytes that came and are not consumed.
    #[must_use]
    pub const fn buffered(&self) -> u64 {
        self.received.saturating_sub(self.consumed)
    }

    /// Payload bytes received since the stream opened.
    #[must_use]
    pub const fn received(&self) -> u64 {
        self.received
    }
}
