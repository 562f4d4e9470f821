//! What proves that a server which speaks HTTP is ready, and ours: its process is the one that listens, and it says so.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

/// Whether this process listens on the port of 127.0.0.1 and answers 200 there.
pub(crate) fn is_ready(process: u32, port: u16, path: &str) -> bool {
    listens(process, port) && answers(port, path).unwrap_or(false)
}

fn answers(port: u16, path: &str) -> std::io::Result<bool> {
    let limit = Some(Duration::from_secs(1));
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(limit)?;
    stream.set_write_timeout(limit)?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.split(' ').nth(1) == Some("200"))
}

/// The kernel names the socket that listens on a port by a number, and the process that holds it has that number, too.
fn listens(process: u32, port: u16) -> bool {
    let sockets = std::fs::read_to_string("/proc/net/tcp").unwrap_or_default();
    let Some(number) = sockets.lines().find_map(|line| listening(line, port)) else { return false };
    let open = std::fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten().flatten();
    let held = format!("socket:[{number}]");
    open.filter_map(|file| std::fs::read_link(file.path()).ok()).any(|link| link.as_os_str() == held.as_str())
}

/// The number of the socket in a line of `/proc/net/tcp`, if it listens on this port.
fn listening(line: &str, port: u16) -> Option<&str> {
    const LISTENS: &str = "0A";
    let mut words = line.split_ascii_whitespace().skip(1);
    let (address, state) = (words.next()?, words.nth(1)?);
    (state == LISTENS && address == format!("0100007F:{port:04X}")).then(|| words.nth(5)).flatten()
}
