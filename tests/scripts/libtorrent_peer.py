#!/usr/bin/python3
"""One libtorrent session with one torrent, driven by lines on standard input, each answered by a line of JSON.

usage: libtorrent_peer.py IP PORT TORRENT|MAGNET FOLDER seed|get

    status             how far it is and what it has sent and received
    connect IP PORT    dial a peer
    limit BYTES        send at most so many bytes a second
    quit               leave the swarm and end
"""

import json
import sys

import libtorrent as lt


def main():
    ip, port, torrent, folder, mode = sys.argv[1:]
    session = lt.session({
        "listen_interfaces": f"{ip}:{port}",
        "outgoing_interfaces": ip,
        "user_agent": f"libtorrent/{lt.version}",
        "enable_dht": False,
        "enable_lsd": False,
        "enable_upnp": False,
        "enable_natpmp": False,
        "enable_outgoing_utp": False,
        "enable_incoming_utp": False,
        "allow_multiple_connections_per_ip": True,
        "announce_to_all_tiers": True,
        "alert_mask": 0,
    })
    if torrent.startswith("magnet:"):
        params = lt.parse_magnet_uri(torrent)
    else:
        params = lt.add_torrent_params()
        params.ti = lt.torrent_info(torrent)
    params.save_path = folder
    params.flags &= ~lt.torrent_flags.auto_managed
    params.flags &= ~lt.torrent_flags.paused
    if mode == "seed":
        # The content was made by the test: hashing it once more would only cost time.
        params.flags |= lt.torrent_flags.seed_mode
    handle = session.add_torrent(params)
    answer({"ready": True, "port": session.listen_port()})
    for line in sys.stdin:
        words = line.split()
        if words[0] == "status":
            answer(status(handle))
        elif words[0] == "connect":
            handle.connect_peer((words[1], int(words[2])))
            answer({})
        elif words[0] == "limit":
            handle.set_upload_limit(int(words[1]))
            answer({})
        elif words[0] == "quit":
            break


def status(handle):
    now = handle.status()
    return {
        "is_seeding": now.is_seeding,
        "progress": now.progress,
        "payload_up": now.total_payload_upload,
        "payload_down": now.total_payload_download,
        "failed": now.total_failed_bytes,
        "redundant": now.total_redundant_bytes,
        "peers": now.num_peers,
        "error": now.errc.message() if now.errc.value() else "",
    }


def answer(value):
    print(json.dumps(value), flush=True)


main()
