#!/usr/bin/python3
"""What libtorrent reads in a .torrent file, as one line of JSON.

usage: libtorrent_info.py TORRENT
"""

import json
import sys

import libtorrent as lt


def main():
    info = lt.torrent_info(sys.argv[1])
    hashes = info.info_hashes()
    files = info.files()
    listed = [n for n in range(files.num_files()) if not files.file_flags(n) & lt.file_flags_t.flag_pad_file]
    print(json.dumps({
        "v1": str(hashes.v1) if hashes.has_v1() else None,
        "v2": str(hashes.v2) if hashes.has_v2() else None,
        "files": [[files.file_path(n), files.file_size(n)] for n in listed],
    }))


main()
