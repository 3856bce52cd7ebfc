// The bare page: what a tab can do at best over the relay's WebSocket, with no BitTorrent. Its worker does the work.

"use strict";

let outcome = null;

function startBare(job) {
    const worker = new Worker("bare_worker.js");
    worker.onmessage = event => { outcome = event.data; };
    worker.onerror = event => { outcome = { error: event.message }; };
    worker.postMessage(job);
}
