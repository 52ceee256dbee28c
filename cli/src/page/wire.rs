//! One request of a connection, and the answer to it: as much of HTTP/1.1 as a browser of this machine needs. It knows no
//! page.
//!
//! Every connection has a thread of its own, carries one request, and is closed with the answer. Browsers open several
//! at once and keep them; where these share threads, those that come last wait until others are given up.

use std::fmt::Write as _;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

/// The longest head of a request.
const LONGEST: usize = 16 << 10;
/// The most fields in it.
const MOST: usize = 64;
/// How long a head may take to come.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long is waited for the other side to close.
const FAREWELL: Duration = Duration::from_secs(1);

/// What somebody asks for.
pub(super) struct Request {
    stream: TcpStream,
    head: Head,
}

struct Head {
    method: String,
    target: String,
    fields: Vec<(String, String)>,
}

impl Request {
    /// Reads what is asked for.
    ///
    /// # Errors
    /// When it does not come in time, or is no request.
    pub(super) fn read(mut stream: TcpStream) -> io::Result<Self> {
        // Head and body of an answer are written one after the other, and neither waits for the other side.
        stream.set_nodelay(true)?;
        let end = Instant::now() + PATIENCE;
        let mut bytes = Vec::new();
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() || bytes.len() > LONGEST {
                return Err(ErrorKind::InvalidData.into());
            }
            stream.set_read_timeout(Some(left))?;
            let mut part = [0; 4096];
            let count = stream.read(&mut part)?;
            if count == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            bytes.extend_from_slice(&part[..count]);
            if let Some(head) = parse(&bytes)? {
                return Ok(Self { stream, head });
            }
        }
    }

    /// What it wants to do, such as `GET`.
    pub(super) fn method(&self) -> &str {
        &self.head.method
    }

    /// What it asks for: a path with its query.
    pub(super) fn target(&self) -> &str {
        &self.head.target
    }

    /// The first field of this name.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        let found = self.head.fields.iter().find(|(field, _)| field.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Answers with so many bytes.
    ///
    /// # Errors
    /// When nobody listens any more, or the bytes cannot be read.
    pub(super) fn answer(
        mut self,
        status: u16,
        fields: &[(&str, &str)],
        body: impl Read,
        length: u64,
    ) -> io::Result<()> {
        let length_told = length.to_string();
        let mut head = head_of(status, fields);
        put_field(&mut head, "Content-Length", &length_told);
        head.push_str("\r\n");
        self.stream.write_all(head.as_bytes())?;
        if self.head.method != "HEAD" {
            io::copy(&mut body.take(length), &mut self.stream)?;
        }
        self.stream.shutdown(Shutdown::Write)?;
        // A connection that is closed over unread bytes is reset, and the end of the answer is lost with it.
        self.stream.set_read_timeout(Some(FAREWELL))?;
        io::copy(&mut self.stream.take(LONGEST as u64), &mut io::sink()).map(drop)
    }

    /// Answers with whatever is written from now on.
    ///
    /// # Errors
    /// When nobody listens any more.
    pub(super) fn go_on(mut self, fields: &[(&str, &str)]) -> io::Result<TcpStream> {
        let head = head_of(200, fields) + "\r\n";
        self.stream.write_all(head.as_bytes())?;
        Ok(self.stream)
    }
}

fn head_of(status: u16, fields: &[(&str, &str)]) -> String {
    let mut head = format!("HTTP/1.1 {status} \r\n");
    for (name, value) in fields {
        put_field(&mut head, name, value);
    }
    put_field(&mut head, "Connection", "close");
    head
}

fn put_field(head: &mut String, name: &str, value: &str) {
    // Writing into a string cannot fail.
    let _ = write!(head, "{name}: {value}\r\n");
}

/// The head of a request; nothing while it is not all there.
fn parse(bytes: &[u8]) -> io::Result<Option<Head>> {
    let mut fields = [httparse::EMPTY_HEADER; MOST];
    let mut request = httparse::Request::new(&mut fields);
    if request.parse(bytes).map_err(io::Error::other)?.is_partial() {
        return Ok(None);
    }
    let text = |part: Option<&str>| part.unwrap_or_default().to_owned();
    let field =
        |it: &httparse::Header<'_>| (it.name.to_owned(), String::from_utf8_lossy(it.value).into_owned());
    Ok(Some(Head {
        method: text(request.method),
        target: text(request.path),
        fields: request.headers.iter().map(field).collect(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_when_all_of_it_is_there() {
        let whole = b"GET /a?b=c HTTP/1.1\r\nHost: here\r\nrange: bytes=0-\r\n\r\n";
        for end in 0..whole.len() {
            assert!(parse(&whole[..end]).unwrap().is_none(), "{end}");
        }
        let head = parse(whole).unwrap().unwrap();
        assert_eq!((head.method.as_str(), head.target.as_str()), ("GET", "/a?b=c"));
        assert_eq!(head.fields[1], ("range".to_owned(), "bytes=0-".to_owned()));
        assert!(parse(b"\x16\x03\x01 whatever\r\n\r\n").is_err());
        assert!(parse(format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(MOST + 1)).as_bytes()).is_err());
    }
}
