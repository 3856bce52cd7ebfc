//! The keys of a .torrent file that we understand, as they come: for the derived parser, and for the filter before it.
//! What version 2 adds (`file tree`, `piece layers`) has no fixed keys and is read by `file_tree` and `layers`.

use codec::bencode::{Schema, WrongItem};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

/// The file. Fields stand in the order of their keys, as canonical bencode wants them.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct RawMetainfo {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) announce: Option<ByteBuf>,
    #[serde(rename = "announce-list", default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) announce_list: Vec<Vec<ByteBuf>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) comment: Option<ByteBuf>,
    #[serde(rename = "comment.utf-8", default, skip_serializing_if = "Option::is_none")]
    pub(crate) comment_utf8: Option<ByteBuf>,
    #[serde(rename = "created by", default, skip_serializing_if = "Option::is_none")]
    pub(crate) created_by: Option<ByteBuf>,
    #[serde(default)]
    pub(crate) info: Option<RawInfo>,
}

/// Its info dictionary.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct RawInfo {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) files: Option<Vec<RawFile>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) length: Option<i64>,
    #[serde(rename = "meta version", default, skip_serializing_if = "Option::is_none")]
    pub(crate) meta_version: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<ByteBuf>,
    #[serde(rename = "name.utf-8", default, skip_serializing_if = "Option::is_none")]
    pub(crate) name_utf8: Option<ByteBuf>,
    #[serde(rename = "piece length", default, skip_serializing_if = "Option::is_none")]
    pub(crate) piece_len: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pieces: Option<ByteBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) private: Option<i64>,
}

/// One of its files.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct RawFile {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) attr: Option<ByteBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) length: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<Vec<ByteBuf>>,
    #[serde(rename = "path.utf-8", default, skip_serializing_if = "Option::is_none")]
    pub(crate) path_utf8: Option<Vec<ByteBuf>>,
    #[serde(rename = "symlink path", default, skip_serializing_if = "Option::is_none")]
    pub(crate) symlink_path: Option<Vec<ByteBuf>>,
}

/// The same keys. In `announce-list` junk is left out (flat lists are seen in practice); elsewhere a list with junk in
/// it is no list, since leaving out part of a path or a file would change what the rest means.
pub(super) const SCHEMA: Schema = Schema::Dict(&[
    ("announce", Schema::Bytes),
    ("announce-list", Schema::List(&Schema::List(&Schema::Bytes, WrongItem::Skip), WrongItem::Skip)),
    ("comment", Schema::Bytes),
    ("comment.utf-8", Schema::Bytes),
    ("created by", Schema::Bytes),
    ("info", INFO_SCHEMA),
]);

const INFO_SCHEMA: Schema = Schema::Dict(&[
    ("files", Schema::List(&FILE_SCHEMA, WrongItem::DropList)),
    ("length", Schema::Number),
    ("meta version", Schema::Number),
    ("name", Schema::Bytes),
    ("name.utf-8", Schema::Bytes),
    ("piece length", Schema::Number),
    ("pieces", Schema::Bytes),
    ("private", Schema::Number),
]);

const FILE_SCHEMA: Schema = Schema::Dict(&[
    ("attr", Schema::Bytes),
    ("length", Schema::Number),
    ("path", PATH_SCHEMA),
    ("path.utf-8", PATH_SCHEMA),
    ("symlink path", PATH_SCHEMA),
]);

const PATH_SCHEMA: Schema = Schema::List(&Schema::Bytes, WrongItem::DropList);
