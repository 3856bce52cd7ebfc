//! Outputs that wait to be taken. Messages to one peer are put together into one [`Output::Send`].

use std::collections::VecDeque;

use crate::wire::{Message, piece_header};
use crate::{BlockRef, CloseReason, Event, Output, PeerKey};

#[derive(Debug, Default)]
pub(crate) struct Outbox {
    outputs: VecDeque<Output>,
    /// Messages to one peer that are not in `outputs` yet.
    open: Option<(PeerKey, Vec<u8>)>,
}

impl Outbox {
    pub(crate) fn is_drained(&self) -> bool {
        self.outputs.is_empty() && self.open.is_none()
    }

    pub(crate) fn pop(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Anything that is not for the connection itself.
    pub(crate) fn push(&mut self, output: Output) {
        self.outputs.push_back(output);
    }

    pub(crate) fn event(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    /// Appends to what goes to this peer. Returns how many bytes were appended.
    pub(crate) fn send(&mut self, peer: PeerKey, append: impl FnOnce(&mut Vec<u8>)) -> u64 {
        if self.open.as_ref().is_none_or(|(open, _)| *open != peer) {
            self.flush();
        }
        let (_, bytes) = self.open.get_or_insert_with(|| (peer, Vec::new()));
        let before = bytes.len();
        append(bytes);
        (bytes.len() - before) as u64
    }

    /// Appends a message. Returns its length in bytes.
    pub(crate) fn message(&mut self, peer: PeerKey, message: &Message) -> u64 {
        self.send(peer, |bytes| message.encode(bytes))
    }

    /// A block, behind all that was sent to this peer before. Returns its length on the wire.
    pub(crate) fn block(&mut self, peer: PeerKey, block: BlockRef) -> u64 {
        self.flush();
        let header = piece_header(&block);
        self.outputs.push_back(Output::SendBlock { peer, header, block });
        header.len() as u64 + u64::from(block.len)
    }

    pub(crate) fn close(&mut self, peer: PeerKey, reason: CloseReason) {
        self.flush();
        self.outputs.push_back(Output::Close { peer, reason });
    }

    /// Puts open messages in line.
    pub(crate) fn flush(&mut self) {
        if let Some((peer, bytes)) = self.open.take() {
            self.outputs.push_back(Output::Send { peer, bytes });
        }
    }
}
