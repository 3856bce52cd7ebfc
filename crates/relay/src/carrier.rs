//! One WebSocket: lets its tab in or not, then moves whole messages between it and the session.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{Message, WebSocket, close_code};
use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use relay_proto::{Frame, Frames, Hello, PROTOCOL_VERSION, Refused, RefusedCode, encode};
use tokio::sync::mpsc;

use crate::guard;
use crate::sessions::Shared;

/// Messages on their way to the WebSocket: one in the channel and one being written.
const OUTGOING_MESSAGES: usize = 1;
/// Messages on their way to the session.
const INCOMING_MESSAGES: usize = 2;
/// How long the tab may take to see a refusal before the connection is cut.
const FAREWELL: Duration = Duration::from_secs(2);

/// The session's end of a WebSocket. Dropping it closes the WebSocket once what was sent is out.
pub(crate) struct Carrier {
    pub(crate) outgoing: mpsc::Sender<Bytes>,
    pub(crate) incoming: mpsc::Receiver<FromTab>,
}

/// What comes on a WebSocket before it ends.
pub(crate) enum FromTab {
    /// A whole message.
    Message(Bytes),
    /// The browser closes the WebSocket on purpose, as it does when the page goes away. Nothing follows.
    Goodbye,
}

impl Carrier {
    /// Says why, and closes.
    pub(crate) async fn refuse(self, refused: &Refused) {
        let mut message = Vec::new();
        if encode(&Frame::Refused(refused.clone()), &mut message).is_ok() {
            // If the WebSocket is gone already, nobody is left to read it.
            let _ = self.outgoing.send(message.into()).await;
        }
    }
}

/// Serves one WebSocket until it or its session ends.
pub(crate) async fn serve(socket: WebSocket, shared: Arc<Shared>) {
    let (sink, mut source) = socket.split();
    let (outgoing, outgoing_messages) = mpsc::channel(OUTGOING_MESSAGES);
    let (incoming_messages, incoming) = mpsc::channel(INCOMING_MESSAGES);
    let carrier = Carrier { outgoing, incoming };
    let shutdown = shared.shutdown.clone();
    let let_in = async {
        let answer = tokio::select! {
            answer = read_hello(&mut source, &shared) => answer,
            () = shutdown.cancelled() => Err(Refused::new(RefusedCode::ShuttingDown)),
        };
        match answer {
            Ok(hello) => {
                shared.admit(hello, carrier).await;
                receive(source, incoming_messages).await;
            }
            Err(refused) => {
                carrier.refuse(&refused).await;
                drain(source).await;
            }
        }
    };
    tokio::select! {
        () = let_in => {}
        () = send(sink, outgoing_messages) => {}
    }
}

async fn read_hello(source: &mut SplitStream<WebSocket>, shared: &Shared) -> Result<Hello, Refused> {
    let refuse = |code: RefusedCode, text: String| {
        shared.refusals.note(code.code(), &text);
        Err(Refused { code: code.number(), text })
    };
    let timeout = shared.config.hello_timeout();
    let Ok(first) = tokio::time::timeout(timeout, next(source)).await else {
        return refuse(RefusedCode::HelloTimeout, format!("no hello came within {} s", timeout.as_secs()));
    };
    let Some(FromTab::Message(message)) = first else {
        return refuse(RefusedCode::Malformed, "the connection closed before its hello".to_owned());
    };
    let hello = match Frames::parse(&message).and_then(|mut frames| frames.next().transpose()) {
        Ok(Some(Frame::Hello(hello))) => hello,
        Ok(_) => return refuse(RefusedCode::Malformed, "the first frame is no hello".to_owned()),
        Err(error) => return refuse(RefusedCode::Malformed, error.to_string()),
    };
    if hello.version != PROTOCOL_VERSION {
        let text = format!(
            "the page speaks version {} of the protocol and the relay version {PROTOCOL_VERSION}; reload the page \
             or update the relay",
            hello.version
        );
        return refuse(RefusedCode::Version, text);
    }
    if !guard::is_same_secret(&hello.token.0, &shared.token.0) {
        let text = "the token is not the relay's; open the address that the relay printed when it started";
        return refuse(RefusedCode::BadToken, text.to_owned());
    }
    Ok(hello)
}

/// What comes next; `None` when there will be nothing. WebSocket's own pings are answered below this.
async fn next(source: &mut SplitStream<WebSocket>) -> Option<FromTab> {
    loop {
        match source.next().await? {
            Ok(Message::Binary(bytes)) => return Some(FromTab::Message(bytes)),
            Ok(Message::Ping(_) | Message::Pong(_)) => {}
            Ok(Message::Close(Some(close)))
                if matches!(close.code, close_code::NORMAL | close_code::AWAY) =>
            {
                return Some(FromTab::Goodbye);
            }
            Ok(Message::Text(_) | Message::Close(_)) => return None,
            Err(error) => {
                tracing::debug!("WebSocket: {error}");
                return None;
            }
        }
    }
}

async fn receive(mut source: SplitStream<WebSocket>, messages: mpsc::Sender<FromTab>) {
    loop {
        let message = tokio::select! {
            message = next(&mut source) => message,
            () = messages.closed() => break,
        };
        let Some(message) = message else { return };
        if messages.send(message).await.is_err() {
            break;
        }
    }
    // The session has let go of this carrier. What it sent last is still on its way out.
    drain(source).await;
}

/// Reads on, so that the connection does not end in a reset that overtakes what was sent last.
async fn drain(mut source: SplitStream<WebSocket>) {
    let _ = tokio::time::timeout(FAREWELL, async { while next(&mut source).await.is_some() {} }).await;
}

async fn send(mut sink: SplitSink<WebSocket, Message>, mut messages: mpsc::Receiver<Bytes>) {
    while let Some(message) = messages.recv().await {
        if sink.send(Message::Binary(message)).await.is_err() {
            break;
        }
    }
    let _ = sink.send(Message::Close(None)).await;
    // The reading half ends when the tab has answered, or gives up; where the connection broke, a goodbye may still
    // lie there to be read.
    std::future::pending::<()>().await;
}
