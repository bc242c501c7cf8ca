//! The data folder: where it is, and files in it that are written whole or not at all.

use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The folder that was asked for, else the platform's; `None` where the platform names none.
pub(crate) fn data_folder(asked: Option<&PathBuf>) -> Option<PathBuf> {
    let platform = || directories::ProjectDirs::from("", "", "beauty-mesh").map(|dirs| dirs.data_dir().to_owned());
    asked.cloned().or_else(platform)
}

/// Makes a file that is not there yet, with these permissions: all of it or nothing, also if the power goes. Written beside it, synced, then
/// linked to its name, which fails where another process was faster: nothing is ever overwritten.
pub(crate) fn make_file(folder: &Path, name: &str, text: &str, mode: u32) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let beside = folder.join(format!("{name}.{}", std::process::id()));
    let written = write_synced(&beside, text, mode).and_then(|()| std::fs::hard_link(&beside, folder.join(name)));
    let removed = std::fs::remove_file(&beside);
    written.and(removed)?;
    std::fs::File::open(folder)?.sync_all()
}

/// Replaces a file, or makes it: all of it or nothing, also if the power goes.
pub(crate) fn replace_file(folder: &Path, name: &str, text: &str, mode: u32) -> io::Result<()> {
    let beside = format!("{name}.{}", std::process::id());
    write_synced(&folder.join(&beside), text, mode)?;
    rename(folder, &beside, name)
}

/// Gives a file another name, in place of what had it.
pub(crate) fn rename(folder: &Path, from: &str, to: &str) -> io::Result<()> {
    std::fs::rename(folder.join(from), folder.join(to))?;
    std::fs::File::open(folder)?.sync_all()
}

fn write_synced(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    // What a process that was killed has left under this name is in nobody's use.
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
