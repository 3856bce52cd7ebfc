//! The headers of a zip file around files that stay where they are (stored, not compressed; zip64 where needed).
//!
//! The archive is never built in memory: the browser joins headers and files when it writes the download.
//! Field names and numbers: PKWARE's APPNOTE 6.3.

use crate::messages::SavedFile;

const VERSION_STORED: u16 = 20;
const VERSION_ZIP64: u16 = 45;
/// General purpose bit 11: names are UTF-8.
const FLAGS: u16 = 1 << 11;
/// 1980-01-01, the earliest date that the format knows: the same content gives the same archive.
const DATE: u16 = 0x0021;

/// All bytes of an archive but those of the files.
#[derive(Debug)]
pub(super) struct Headers {
    /// What stands before each file, in their order.
    pub(super) before: Vec<Vec<u8>>,
    /// What stands behind the last one.
    pub(super) end: Vec<u8>,
}

/// Plans an archive of `files` below a folder `root`.
pub(super) fn plan(root: &str, files: &[SavedFile]) -> Headers {
    let mut before = Vec::with_capacity(files.len());
    let mut directory = Vec::new();
    let mut offset: u64 = 0;
    for file in files {
        let name =
            std::iter::once(root).chain(file.path.iter().map(String::as_str)).collect::<Vec<_>>().join("/");
        let entry = Entry { name: name.as_bytes(), len: file.len, crc32: file.crc32.unwrap_or(0), offset };
        let header = entry.local_header();
        offset += header.len() as u64 + file.len;
        directory.extend(entry.central_header());
        before.push(header);
    }
    let end = end_of_directory(directory, files.len() as u64, offset);
    Headers { before, end }
}

struct Entry<'a> {
    name: &'a [u8],
    len: u64,
    crc32: u32,
    offset: u64,
}

impl Entry<'_> {
    fn local_header(&self) -> Vec<u8> {
        // Either both sizes stand in the extra field or none does.
        let extra: Vec<u64> = if is_large(self.len) { vec![self.len, self.len] } else { Vec::new() };
        let mut out = Vec::with_capacity(50 + self.name.len());
        put_u32(&mut out, 0x0403_4b50);
        self.put_common(&mut out, !extra.is_empty(), extra_len(&extra));
        out.extend_from_slice(self.name);
        put_extra(&mut out, &extra);
        out
    }

    fn central_header(&self) -> Vec<u8> {
        let mut extra = Vec::new();
        if is_large(self.len) {
            extra.extend([self.len, self.len]);
        }
        if is_large(self.offset) {
            extra.push(self.offset);
        }
        let mut out = Vec::with_capacity(76 + self.name.len());
        put_u32(&mut out, 0x0201_4b50);
        put_u16(&mut out, VERSION_ZIP64);
        self.put_common(&mut out, !extra.is_empty(), extra_len(&extra));
        put_u16(&mut out, 0); // comment length
        put_u16(&mut out, 0); // disk
        put_u16(&mut out, 0); // internal attributes
        put_u32(&mut out, 0); // external attributes
        put_u32(&mut out, clamp_u32(self.offset));
        out.extend_from_slice(self.name);
        put_extra(&mut out, &extra);
        out
    }

    /// The run of fields that both headers share, from "version needed" to "extra field length".
    fn put_common(&self, out: &mut Vec<u8>, is_zip64: bool, extra_len: u16) {
        put_u16(out, if is_zip64 { VERSION_ZIP64 } else { VERSION_STORED });
        put_u16(out, FLAGS);
        put_u16(out, 0); // stored
        put_u16(out, 0); // time
        put_u16(out, DATE);
        put_u32(out, self.crc32);
        put_u32(out, clamp_u32(self.len));
        put_u32(out, clamp_u32(self.len));
        put_u16(out, u16::try_from(self.name.len()).unwrap_or(u16::MAX));
        put_u16(out, extra_len);
    }
}

fn end_of_directory(mut directory: Vec<u8>, entries: u64, offset: u64) -> Vec<u8> {
    let directory_len = directory.len() as u64;
    if entries >= u64::from(u16::MAX) || is_large(directory_len) || is_large(offset) {
        put_u32(&mut directory, 0x0606_4b50);
        put_u64(&mut directory, 44); // length of the rest of this record
        put_u16(&mut directory, VERSION_ZIP64);
        put_u16(&mut directory, VERSION_ZIP64);
        put_u32(&mut directory, 0); // this disk
        put_u32(&mut directory, 0); // disk of the directory
        put_u64(&mut directory, entries);
        put_u64(&mut directory, entries);
        put_u64(&mut directory, directory_len);
        put_u64(&mut directory, offset);
        // Where to find that record.
        put_u32(&mut directory, 0x0706_4b50);
        put_u32(&mut directory, 0);
        put_u64(&mut directory, offset + directory_len);
        put_u32(&mut directory, 1);
    }
    let entries = u16::try_from(entries).unwrap_or(u16::MAX);
    put_u32(&mut directory, 0x0605_4b50);
    put_u16(&mut directory, 0);
    put_u16(&mut directory, 0);
    put_u16(&mut directory, entries);
    put_u16(&mut directory, entries);
    put_u32(&mut directory, clamp_u32(directory_len));
    put_u32(&mut directory, clamp_u32(offset));
    put_u16(&mut directory, 0);
    directory
}

/// The largest value of a 32 bit field says that the real one stands in the zip64 extra field.
fn is_large(value: u64) -> bool {
    value >= u64::from(u32::MAX)
}

fn clamp_u32(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

fn extra_len(values: &[u64]) -> u16 {
    if values.is_empty() { 0 } else { 4 + 8 * values.len() as u16 }
}

fn put_extra(out: &mut Vec<u8>, values: &[u64]) {
    if values.is_empty() {
        return;
    }
    put_u16(out, 1);
    put_u16(out, 8 * values.len() as u16);
    for value in values {
        put_u64(out, *value);
    }
}

fn put_u16(out: &mut Vec<u8>, value: u16) {
    out.extend_from_slice(&value.to_le_bytes());
}

fn put_u32(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&value.to_le_bytes());
}

fn put_u64(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(&value.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, len: u64) -> SavedFile {
        SavedFile { path: vec![name.to_owned()], stored_at: Vec::new(), len, crc32: Some(0x3610_a686) }
    }

    fn u32_at(bytes: &[u8], at: usize) -> u32 {
        u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
    }

    fn u64_at(bytes: &[u8], at: usize) -> u64 {
        u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
    }

    #[test]
    fn an_archive_of_two_small_files_has_the_bytes_that_the_format_wants() {
        let headers = plan("dir", &[file("a", 5), file("b", 0)]);
        let first = &headers.before[0];
        assert_eq!(first.len(), 30 + "dir/a".len());
        assert_eq!(u32_at(first, 0), 0x0403_4b50);
        assert_eq!(u32_at(first, 14), 0x3610_a686);
        assert_eq!((u32_at(first, 18), u32_at(first, 22)), (5, 5));
        assert_eq!(&first[30..], b"dir/a");
        let end = &headers.end[headers.end.len() - 22..];
        assert_eq!(u32_at(end, 0), 0x0605_4b50);
        let directory_len = headers.end.len() - 22;
        assert_eq!(u32_at(end, 12) as usize, directory_len);
        assert_eq!(u32_at(end, 16), 35 + 5 + 35);
    }

    #[test]
    fn the_second_entry_points_behind_the_first_file() {
        let headers = plan("d", &[file("a", 1000), file("b", 1)]);
        let second = 46 + "d/a".len();
        assert_eq!(u32_at(&headers.end, second), 0x0201_4b50);
        assert_eq!(u32_at(&headers.end, second + 42) as usize, headers.before[0].len() + 1000);
    }

    #[test]
    fn a_file_of_four_gigabytes_has_its_length_in_the_zip64_field() {
        let len = 6 << 30;
        let headers = plan("d", &[file("a", len), file("b", 1)]);
        let first = &headers.before[0];
        assert_eq!(u32_at(first, 18), u32::MAX);
        let extra = 30 + "d/a".len();
        assert_eq!(u32_at(first, extra), 1 | 16 << 16);
        assert_eq!((u64_at(first, extra + 4), u64_at(first, extra + 12)), (len, len));
        // The second entry lies beyond 4 GiB, so that its own offset needs the field and the end record as well.
        let second = 46 + "d/a".len() + 20;
        assert_eq!(u32_at(&headers.end, second + 42), u32::MAX);
        assert_eq!(u64_at(&headers.end, second + 46 + "d/b".len() + 4), first.len() as u64 + len);
        let locator = headers.end.len() - 22 - 20;
        assert_eq!(u32_at(&headers.end, locator), 0x0706_4b50);
        let record = headers.end.len() - 22 - 20 - 56;
        assert_eq!(u32_at(&headers.end, record), 0x0606_4b50);
        let offset = first.len() as u64 + len + headers.before[1].len() as u64 + 1;
        assert_eq!(u64_at(&headers.end, locator + 8), offset + record as u64);
    }
}
