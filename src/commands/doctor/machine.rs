//! What can be seen of the machine: rights of files, keys that should not be here, disk, fsync, clock.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant as Moment};

use chrono::{Datelike as _, TimeDelta};
use ingest::backup::holds_identity;
use schemas::clock::from_micros;

use super::{Findings, State};
use crate::Context;

/// An fsync that a disk really did takes longer than this; a good one with a battery behind it about as long.
const TOO_FAST: Duration = Duration::from_micros(30);
/// How many are measured.
const SYNCS: usize = 25;

/// Others than the owner may do something.
fn open_to_others(path: &Path) -> Option<u32> {
    let mode = fs::metadata(path).ok()?.mode() & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}

/// Rights of the directory and its keys.
pub fn directory(data: &Path, found: &mut Findings) {
    match open_to_others(data) {
        Some(mode) => found.add(
            "data_directory",
            State::Wrong,
            format!("{} has mode {mode:03o}, so others on this machine may look into it: chmod 700", data.display()),
        ),
        None => found.add("data_directory", State::Ok, format!("{} is its owner's alone", data.display())),
    }
    let mut open = Vec::new();
    let mut count = 0;
    for entry in fs::read_dir(data.join("keys")).into_iter().flatten().flatten() {
        count += 1;
        if let Some(mode) = open_to_others(&entry.path()) {
            open.push(format!("{} ({mode:03o})", entry.path().display()));
        }
    }
    match (count, open.is_empty()) {
        (0, _) => found.add("keys", State::Unknown, "the keys cannot be looked at"),
        (_, true) => found.add("keys", State::Ok, "every key file is its owner's alone"),
        (_, false) => {
            found.add("keys", State::Wrong, format!("others may read {}: chmod 600", open.join(", ")));
        }
    }
}

/// Rights of the settings, where a password may stand in them.
pub fn settings(context: &Context, found: &mut Findings) {
    let Some(file) = &context.loaded.file else {
        found.add("settings", State::Ok, "no settings file: all is as usual, or set in the environment");
        return;
    };
    let text = fs::read_to_string(file).unwrap_or_default();
    let secret = text.lines().any(|line| {
        let line = line.trim_start();
        !line.starts_with('#') && (line.contains("password") || (line.contains("://") && line.contains('@')))
    });
    let inside = file.parent().is_some_and(|dir| open_to_others(dir).is_none());
    match open_to_others(file) {
        Some(mode) if secret && !inside => found.add(
            "settings",
            State::Wrong,
            format!("{} has a password in it and mode {mode:03o}: chmod 600", file.display()),
        ),
        _ if secret => {
            found.add("settings", State::Ok, format!("{} has a password in it; nobody else reads it", file.display()))
        }
        _ => found.add("settings", State::Ok, format!("{} has no password in it", file.display())),
    }
}

/// Private keys that open originals, where somebody may have left one.
pub fn identities(data: &Path, found: &mut Findings) {
    let mut places = vec![data.to_owned(), data.join("keys"), PathBuf::from(".")];
    places.extend(data.parent().filter(|parent| !parent.as_os_str().is_empty()).map(Path::to_owned));
    if let Some(home) = std::env::var_os("HOME").map(PathBuf::from) {
        places.push(home.join(".config/age"));
        places.push(home.join(".age"));
        places.push(home);
    }
    let mut here: Vec<PathBuf> = Vec::new();
    for place in places {
        for entry in fs::read_dir(place).into_iter().flatten().flatten() {
            let path = entry.path();
            // An identity file is short.
            let small = fs::metadata(&path).is_ok_and(|m| m.is_file() && m.len() < 64 << 10);
            if small && holds_identity(&path).unwrap_or(false) {
                here.extend(path.canonicalize());
            }
        }
    }
    here.sort();
    here.dedup();
    if here.is_empty() {
        found.add("identity", State::Ok, "no private age key lies in the data directory, beside it, or at home");
        return;
    }
    let named: Vec<String> = here.iter().map(|path| path.display().to_string()).collect();
    found.add(
        "identity",
        State::Wrong,
        format!(
            "{} is a private key: who takes this machine can open originals and backups with it. Move it off, and wipe it here",
            named.join(", ")
        ),
    );
}

/// A line of mountinfo.
struct Mount<'m> {
    device: &'m str,
    at: String,
    kind: &'m str,
    source: &'m str,
}

fn mount_of<'m>(mounts: &'m str, dir: &Path) -> Option<Mount<'m>> {
    let read = |line: &'m str| {
        let (left, right) = line.split_once(" - ")?;
        let mut left = left.split(' ');
        let (device, at) = (left.nth(2)?, left.nth(1)?);
        let mut right = right.split(' ');
        // Spaces and the like are written in octal.
        let at = at.replace("\\040", " ");
        Some(Mount { device, at, kind: right.next()?, source: right.next()? })
    };
    let on = mounts.lines().filter_map(read).filter(|mount| dir.starts_with(&mount.at));
    // Of those that lie over one another, the last one is seen.
    on.enumerate().max_by_key(|(index, mount)| (mount.at.len(), *index)).map(|(_, mount)| mount)
}

/// Whether a block device, or one that it lies on, is encrypted by the kernel.
fn encrypted(sys: &Path, device: &Path, depth: u8) -> bool {
    let uuid = fs::read_to_string(device.join("dm/uuid")).unwrap_or_default();
    if uuid.starts_with("CRYPT-") {
        return true;
    }
    let below = fs::read_dir(device.join("slaves")).into_iter().flatten().flatten();
    depth > 0
        && below.into_iter().any(|entry| encrypted(sys, &sys.join("class/block").join(entry.file_name()), depth - 1))
}

/// What the data lie on.
pub fn disk(data: &Path, mountinfo: &Path, sys: &Path, found: &mut Findings) {
    let dir = data.canonicalize().unwrap_or_else(|_| data.to_owned());
    let mounts = fs::read_to_string(mountinfo).unwrap_or_default();
    let Some(mount) = mount_of(&mounts, &dir) else {
        found.add("disk", State::Unknown, "this system does not tell on what the data directory lies");
        return;
    };
    if matches!(mount.kind, "tmpfs" | "ramfs") {
        let says = format!("the data directory lies in memory ({}): with the power, all of it is gone", mount.kind);
        found.add("disk", State::Wrong, says);
        return;
    }
    if matches!(mount.kind, "nfs" | "nfs4" | "cifs" | "smb3" | "9p" | "fuse" | "fuse.sshfs") {
        let says = format!("the data directory lies on a network ({}): SQLite is not safe there", mount.kind);
        found.add("disk", State::Wrong, says);
        return;
    }
    let by_number = sys.join("dev/block").join(mount.device);
    let name = Path::new(mount.source).file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let by_name = sys.join("class/block").join(&name);
    let device = [by_number, by_name].into_iter().find(|path| path.exists() && !name.is_empty());
    let Some(device) = device else {
        let says = format!("{} does not tell whether the disk below is encrypted: see to it that it is", mount.kind);
        found.add("disk", State::Unknown, says);
        return;
    };
    if encrypted(sys, &device, 8) {
        found.add("disk", State::Ok, format!("{} is encrypted by this machine (dm-crypt)", mount.source));
        return;
    }
    let last = device.canonicalize().unwrap_or(device);
    let last = last.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    if ["vd", "xvd"].iter().any(|virtual_disk| last.starts_with(virtual_disk)) {
        found.add(
            "disk",
            State::Unknown,
            format!(
                "{} is a virtual disk, not encrypted by this machine; whether its host encrypts it cannot be seen from here",
                mount.source
            ),
        );
    } else {
        found.add(
            "disk",
            State::Wrong,
            format!(
                "{} is not encrypted as far as this machine can tell: coded rows lie on it in the clear, and who takes the \
                 disk has them. Set up LUKS",
                mount.source
            ),
        );
    }
}

/// How long the disk takes to say that it has something.
pub fn fsync(data: &Path, found: &mut Findings) {
    let path = data.join(".doctor");
    let measure = || -> std::io::Result<Vec<Duration>> {
        let mut file: File = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
        let mut took = Vec::with_capacity(SYNCS);
        for _ in 0..SYNCS {
            file.write_all(&[0; 4096])?;
            let started = Moment::now();
            file.sync_data()?;
            took.push(started.elapsed());
        }
        took.sort_unstable();
        Ok(took)
    };
    let took = measure();
    let _ = fs::remove_file(&path);
    match took {
        Err(error) => found.add("fsync", State::Wrong, format!("{}: {error}", data.display())),
        Ok(took) => {
            let usual = took[took.len() / 2];
            let says = format!(
                "{SYNCS} times 4 KiB: usually {} µs, at most {} µs",
                usual.as_micros(),
                took[SYNCS - 1].as_micros()
            );
            if usual < TOO_FAST {
                found.add(
                    "fsync",
                    State::Warn,
                    format!(
                        "{says}. That is faster than a disk writes: is it one that says \"done\" before it is (a cache without \
                         a battery, memory, a virtual disk set to \"unsafe\")? Then \"accepted\" may not survive a power cut"
                    ),
                );
            } else {
                found.add("fsync", State::Ok, says);
            }
        }
    }
}

/// Whether the clock can be right.
pub fn clock(context: &Context, found: &mut Findings) {
    let now = context.clock.now();
    let newest = ["queue.sqlite", "queue.sqlite-wal", "store.sqlite", "store.sqlite-wal", "worker.lock"]
        .iter()
        .filter_map(|name| fs::metadata(context.data.join(name)).ok())
        .map(|meta| from_micros(meta.mtime().saturating_mul(1_000_000)))
        .max();
    if !(2026..2100).contains(&now.year()) {
        found.add("clock", State::Wrong, format!("this machine's clock says {}", now.date_naive()));
    } else if newest.is_some_and(|newest| newest - now > TimeDelta::minutes(2)) {
        let says =
            "the data directory's files are of a time that this machine's clock has not reached: it was set back";
        found.add("clock", State::Wrong, says);
    } else if Path::new("/run/systemd/timesync/synchronized").exists() {
        found.add("clock", State::Ok, "set by the network (systemd-timesyncd)");
    } else {
        found.add(
            "clock",
            State::Unknown,
            "it can be right; whether the network sets it cannot be seen from here (chrony, ntpd?)",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
21 1 253:1 / / rw,relatime - ext4 /dev/mapper/vg-root rw
30 21 0:40 / /run/mem rw - tmpfs tmpfs rw
31 21 8:1 / /mnt/plain rw shared:5 - xfs /dev/sda1 rw
32 21 254:1 / /mnt/virtual rw - ext4 /dev/vda1 rw
33 21 0:50 / /mnt/net rw - nfs4 host:/x rw
34 21 0:51 / /mnt/pool rw - zfs tank/data rw
";

    fn said(dir: &str) -> (State, String) {
        let root = tempfile::tempdir().expect("a directory");
        let sys = root.path();
        for (device, slave, uuid) in [
            ("dm-1", Some("dm-0"), "LVM-x"),
            ("dm-0", Some("sda3"), "CRYPT-LUKS2-y"),
            ("sda3", None, ""),
            ("sda1", None, ""),
            ("vda1", None, ""),
        ] {
            let block = sys.join("class/block").join(device);
            fs::create_dir_all(block.join("slaves")).expect("made");
            if let Some(slave) = slave {
                fs::create_dir(block.join("slaves").join(slave)).expect("made");
                fs::create_dir(block.join("dm")).expect("made");
                fs::write(block.join("dm/uuid"), uuid).expect("written");
            }
        }
        fs::create_dir_all(sys.join("dev/block")).expect("made");
        for (number, device) in [("253:1", "dm-1"), ("8:1", "sda1"), ("254:1", "vda1")] {
            std::os::unix::fs::symlink(sys.join("class/block").join(device), sys.join("dev/block").join(number))
                .expect("linked");
        }
        fs::write(sys.join("mounts"), MOUNTS).expect("written");
        let mut found = Findings::default();
        disk(Path::new(dir), &sys.join("mounts"), sys, &mut found);
        let check = found.0.remove(0);
        (check.state, check.says)
    }

    #[test]
    fn a_disk_is_told_by_what_lies_below_it() {
        let (state, says) = said("/srv/testigo-data");
        assert_eq!(state, State::Ok, "LVM on LUKS: {says}");
        assert_eq!(said("/run/mem/data").0, State::Wrong);
        let (state, says) = said("/mnt/plain/data");
        assert!(state == State::Wrong && says.contains("LUKS"), "{says}");
        let (state, says) = said("/mnt/virtual/data");
        assert!(state == State::Unknown && says.contains("host"), "{says}");
        assert_eq!(said("/mnt/net/data").0, State::Wrong);
        assert_eq!(said("/mnt/pool/data").0, State::Unknown);
    }
}
