//! A SIP message, read by hand: these tests do not read with what they test.

use std::fmt;

#[derive(Clone)]
pub struct Message {
    pub first: String,
    headers: Vec<(String, String)>,
    pub body: String,
}

impl Message {
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n")?;
        let mut lines = head.split("\r\n");
        let first = lines.next()?.to_owned();
        let header = |line: &str| {
            let (name, value) = line.split_once(':')?;
            Some((name.trim().to_ascii_lowercase(), value.trim().to_owned()))
        };
        let headers = lines.filter_map(header).collect();
        Some(Self { first, headers, body: body.to_owned() })
    }

    pub fn all(&self, name: &str) -> Vec<&str> {
        let name = name.to_ascii_lowercase();
        self.headers.iter().filter(|it| it.0 == name).map(|it| it.1.as_str()).collect()
    }

    pub fn header(&self, name: &str) -> &str {
        self.all(name).first().copied().unwrap_or("")
    }

    /// The status of a response, 0 of a request.
    pub fn status(&self) -> u16 {
        let told = self.first.strip_prefix("SIP/2.0 ").and_then(|it| it.get(..3));
        told.and_then(|it| it.parse().ok()).unwrap_or(0)
    }

    pub fn is(&self, method: &str) -> bool {
        self.first.split(' ').next() == Some(method)
    }

    /// The method that a response answers, or that a request is.
    pub fn method(&self) -> &str {
        self.header("CSeq").split(' ').nth(1).unwrap_or("")
    }

    pub fn cseq(&self) -> u32 {
        self.header("CSeq").split(' ').next().and_then(|it| it.parse().ok()).unwrap_or(0)
    }

    pub fn call(&self) -> &str {
        self.header("Call-ID")
    }

    pub fn request_uri(&self) -> &str {
        self.first.split(' ').nth(1).unwrap_or("")
    }

    /// What stands between the brackets of Contact.
    pub fn contact(&self) -> String {
        let contact = self.header("Contact");
        let inside = contact.split_once('<').and_then(|it| it.1.split_once('>'));
        inside.map_or(contact, |it| it.0).to_owned()
    }

    pub fn branch(&self) -> &str {
        let via = self.header("Via");
        via.split(';').find_map(|it| it.strip_prefix("branch=")).unwrap_or("")
    }

    /// Where its session description wants RTP: address and port.
    pub fn media(&self) -> Option<std::net::SocketAddr> {
        let line = |start: &str| self.body.lines().find_map(|it| it.strip_prefix(start));
        let ip = line("c=IN IP4 ")?.trim().parse().ok()?;
        let port = line("m=audio ")?.split(' ').next()?.parse().ok()?;
        Some(std::net::SocketAddr::new(ip, port))
    }

    pub fn has_line(&self, line: &str) -> bool {
        self.body.lines().any(|it| it.trim() == line)
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.first)?;
        for (name, value) in &self.headers {
            writeln!(f, "  {name}: {value}")?;
        }
        for line in self.body.lines() {
            writeln!(f, "    {line}")?;
        }
        Ok(())
    }
}
