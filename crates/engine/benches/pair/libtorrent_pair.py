#!/usr/bin/python3
"""One libtorrent session seeds, another downloads from it over loopback; prints the seconds from dial to last piece.

usage: libtorrent_pair.py MIB
"""

import os
import sys
import tempfile
import time

import libtorrent as lt

PIECE_LEN = 1 << 20


def session(ip):
    return lt.session({
        "listen_interfaces": f"{ip}:6991",
        "outgoing_interfaces": ip,
        "enable_dht": False,
        "enable_lsd": False,
        "enable_upnp": False,
        "enable_natpmp": False,
        "enable_outgoing_utp": False,
        "enable_incoming_utp": False,
        "allow_multiple_connections_per_ip": True,
        "alert_mask": 0,
    })


def add(session, info, folder, flags):
    params = lt.add_torrent_params()
    params.ti = info
    params.save_path = folder
    params.flags &= ~lt.torrent_flags.auto_managed
    params.flags &= ~lt.torrent_flags.paused
    params.flags |= flags
    return session.add_torrent(params)


def main():
    mib = int(sys.argv[1])
    # In memory where there is such a place: the disk is not what is measured.
    place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=place) as folder:
        source, target = os.path.join(folder, "source"), os.path.join(folder, "target")
        os.mkdir(source)
        os.mkdir(target)
        piece = bytes((at * 2654435761 >> 13) & 255 for at in range(PIECE_LEN))
        with open(os.path.join(source, "content"), "wb") as content:
            for _ in range(mib):
                content.write(piece)
        storage = lt.file_storage()
        storage.add_file("content", mib << 20)
        torrent = lt.create_torrent(storage, PIECE_LEN)
        lt.set_piece_hashes(torrent, source)
        info = lt.torrent_info(lt.bdecode(lt.bencode(torrent.generate())))

        seed, getter = session("127.61.0.1"), session("127.61.0.2")
        seeding = add(seed, info, source, lt.torrent_flags.seed_mode)
        getting = add(getter, info, target, 0)
        while not seeding.status().is_seeding or getting.status().state != lt.torrent_status.downloading:
            time.sleep(0.05)
        started = time.monotonic()
        getting.connect_peer(("127.61.0.1", 6991))
        while not getting.status().is_seeding:
            time.sleep(0.01)
        print(time.monotonic() - started)


if __name__ == "__main__":
    main()
