// Receives a stream of bytes from a plain TCP source through the relay, hashes it piece by piece with SubtleCrypto and
// writes it to the origin's private file system. Of the relay's protocol it speaks what that takes
// (docs/relay-protocol.md), with credit enough that the relay never waits for it.

"use strict";

const HEADER_LEN = 9;
const HANDSHAKE_LEN = 68;
const SESSION_WINDOW = 8 << 20;
const STREAM_CREDIT = 4 << 20;
const STREAM = 1;
const [HELLO, WELCOME, REFUSED, WINDOW, PING, PONG] = [0x01, 0x02, 0x03, 0x04, 0x05, 0x06];
const [OPEN, OPENED, DATA, CREDIT, CLOSE, REGISTER] = [0x10, 0x11, 0x12, 0x13, 0x14, 0x20];

onmessage = event => {
    run(event.data).then(
        seconds => postMessage({ seconds }),
        error => postMessage({ error: String(error) }),
    );
};

async function run({ relay, token, source, infoHash, pieceLen, totalLen, hashes }) {
    const root = await navigator.storage.getDirectory();
    const entry = await root.getFileHandle("bare.bin", { create: true });
    const file = await entry.createSyncAccessHandle();
    const expected = Uint8Array.from(atob(hashes), letter => letter.charCodeAt(0));
    const startedAt = performance.now();
    const socket = new WebSocket(relay);
    socket.binaryType = "arraybuffer";
    let received = 0; // session bytes, as the relay counts them
    let acked = 0;
    let handshakeLeft = HANDSHAKE_LEN;
    let stored = 0;
    let granted = STREAM_CREDIT;
    let piece = null;
    let index = 0;
    let filled = 0;

    const send = (type, stream, payload) => {
        const frame = new Uint8Array(HEADER_LEN + payload.length);
        const view = new DataView(frame.buffer);
        view.setUint8(0, type);
        view.setUint32(1, stream);
        view.setUint32(5, payload.length);
        frame.set(payload, HEADER_LEN);
        socket.send(frame);
    };
    const sendJson = (type, stream, value) => send(type, stream, new TextEncoder().encode(JSON.stringify(value)));
    const numbers = (...values) => {
        const view = new DataView(new ArrayBuffer(8 * values.length));
        values.forEach((value, at) => view.setBigUint64(8 * at, BigInt(value)));
        return new Uint8Array(view.buffer);
    };
    const handshake = () => {
        const bytes = new Uint8Array(HANDSHAKE_LEN);
        bytes.set(new TextEncoder().encode("\x13BitTorrent protocol"));
        infoHash.match(/../g).forEach((digits, at) => { bytes[28 + at] = parseInt(digits, 16); });
        bytes.set(new TextEncoder().encode("-ZZ0001-bare-page---"), 48);
        return bytes;
    };

    try {
        await new Promise((resolve, reject) => {
            const finish = async (bytes, at) => {
                const hash = new Uint8Array(await crypto.subtle.digest("SHA-1", bytes));
                if (!hash.every((byte, place) => byte === expected[20 * at + place])) {
                    throw new Error(`piece ${at} is corrupt`);
                }
                file.write(bytes, { at: at * pieceLen });
                stored += bytes.length;
                if (stored === totalLen) {
                    file.flush();
                    resolve();
                } else if (HANDSHAKE_LEN + stored + STREAM_CREDIT - granted >= STREAM_CREDIT / 4) {
                    granted = HANDSHAKE_LEN + stored + STREAM_CREDIT;
                    send(CREDIT, STREAM, numbers(granted));
                }
            };
            const take = payload => {
                const skipped = Math.min(handshakeLeft, payload.length);
                handshakeLeft -= skipped;
                for (let at = skipped; at < payload.length;) {
                    piece ??= new Uint8Array(Math.min(pieceLen, totalLen - index * pieceLen));
                    const part = payload.subarray(at, at + piece.length - filled);
                    piece.set(part, filled);
                    filled += part.length;
                    at += part.length;
                    if (filled === piece.length) {
                        finish(piece, index).catch(reject);
                        [piece, filled, index] = [null, 0, index + 1];
                    }
                }
            };
            const takeFrame = (type, payload) => {
                if (type === WELCOME) {
                    sendJson(REGISTER, 0, { torrent: 1, info_hashes: [infoHash], private: false });
                    sendJson(OPEN, STREAM, { addr: source, info_hash: infoHash });
                } else if (type === OPENED) {
                    send(DATA, STREAM, handshake());
                } else if (type === DATA) {
                    take(payload);
                } else if (type === PING) {
                    send(PONG, 0, payload);
                } else if (type === REFUSED || type === CLOSE) {
                    reject(new Error(new TextDecoder().decode(payload)));
                }
            };
            socket.onopen = () => sendJson(HELLO, 0, {
                version: 1, token, received: 0, limit: SESSION_WINDOW, stream_credit: STREAM_CREDIT,
            });
            socket.onclose = event => reject(new Error(`the relay hung up: ${event.code} ${event.reason}`));
            socket.onmessage = event => {
                const message = new Uint8Array(event.data);
                const view = new DataView(event.data);
                for (let at = 0; at < message.length;) {
                    const type = view.getUint8(at);
                    const end = at + HEADER_LEN + view.getUint32(at + 5);
                    takeFrame(type, message.subarray(at + HEADER_LEN, end));
                    received += type < OPEN ? 0 : end - at;
                    at = end;
                }
                if (received - acked >= SESSION_WINDOW / 4) {
                    acked = received;
                    send(WINDOW, 0, numbers(acked, acked + SESSION_WINDOW));
                }
            };
        });
    } finally {
        socket.onclose = null;
        socket.close();
        file.close();
    }
    return (performance.now() - startedAt) / 1000;
}
