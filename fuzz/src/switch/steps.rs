//! A story for the exchange, as octets: each step is four of them and what it carries. Any octets
//! are a story, and a story can be written down as octets (that is how the seeds are made).

/// What happens next. Numbers are taken modulo what there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A party's INVITE to one of the numbers: the low bits of `how` choose it.
    Call {
        party: u8,
        how: u8,
        body: u8,
    },
    /// The ACK of a line's last final response.
    Ack {
        line: u8,
        how: u8,
        body: u8,
    },
    Cancel {
        line: u8,
    },
    /// A request inside of a line's dialog.
    Request {
        line: u8,
        how: u8,
        body: u8,
    },
    /// A response to one of the requests that the exchange sent, counted from the newest.
    Respond {
        to: u8,
        how: u8,
        body: u8,
    },
    Register {
        party: u8,
        how: u8,
        contact: u8,
    },
    Options {
        party: u8,
        how: u8,
    },
    /// Packets of voice, 20 ms apart.
    Voice {
        line: u8,
        how: u8,
        packets: u8,
    },
    /// A key pressed, as RFC 4733 events.
    Key {
        line: u8,
        digit: u8,
        how: u8,
    },
    /// Any octets to a line's media port, or the one after it.
    Packet {
        line: u8,
        how: u8,
        bytes: Vec<u8>,
    },
    Wait {
        scale: u8,
        times: u8,
    },
    /// A TCP connection is closed (0), or a way is found broken.
    Broken {
        party: u8,
        how: u8,
    },
    /// A name's addresses are found.
    Resolve {
        which: u8,
        how: u8,
    },
    /// The next message is not quite as it would have been.
    Mutate {
        how: u8,
        at: u8,
        bytes: Vec<u8>,
    },
    /// An earlier message comes again, from the same or from another.
    Again {
        which: u8,
        how: u8,
    },
    /// The disk takes no recordings, or does again.
    Disk {
        how: u8,
    },
    /// Another configuration, draining, stopping.
    Operator {
        how: u8,
    },
    /// Any octets as a message.
    Raw {
        party: u8,
        bytes: Vec<u8>,
    },
}

/// Steps of a story; what comes after is not played.
const STEPS_MAX: usize = 120;

/// The story that octets tell.
pub fn read(data: &[u8]) -> Vec<Step> {
    let mut rest = data;
    let mut steps = Vec::new();
    while let [op, a, b, c, after @ ..] = rest {
        rest = after;
        let mut carried = |length: usize| {
            let (carried, after) = rest.split_at(rest.len().min(length));
            rest = after;
            carried.to_vec()
        };
        let (a, b, c) = (*a, *b, *c);
        steps.push(match op % 18 {
            0 => Step::Call { party: a, how: b, body: c },
            1 => Step::Ack { line: a, how: b, body: c },
            2 => Step::Cancel { line: a },
            3 => Step::Request { line: a, how: b, body: c },
            4 => Step::Respond { to: a, how: b, body: c },
            5 => Step::Register { party: a, how: b, contact: c },
            6 => Step::Options { party: a, how: b },
            7 => Step::Voice { line: a, how: b, packets: c },
            8 => Step::Key { line: a, digit: b, how: c },
            9 => Step::Packet { line: a, how: b, bytes: carried(usize::from(c)) },
            10 => Step::Wait { scale: a, times: b },
            11 => Step::Broken { party: a, how: b },
            12 => Step::Resolve { which: a, how: b },
            13 => Step::Mutate { how: a, at: b, bytes: carried(usize::from(c)) },
            14 => Step::Again { which: a, how: b },
            15 => Step::Disk { how: a },
            16 => Step::Operator { how: a },
            _ => Step::Raw { party: a, bytes: carried(usize::from(b) << 8 | usize::from(c)) },
        });
        if STEPS_MAX <= steps.len() {
            break;
        }
    }
    steps
}

/// A story as octets.
pub fn write(steps: &[Step]) -> Vec<u8> {
    let mut data = Vec::new();
    for step in steps {
        let (head, carried): ([u8; 4], &[u8]) = match step {
            Step::Call { party, how, body } => ([0, *party, *how, *body], &[]),
            Step::Ack { line, how, body } => ([1, *line, *how, *body], &[]),
            Step::Cancel { line } => ([2, *line, 0, 0], &[]),
            Step::Request { line, how, body } => ([3, *line, *how, *body], &[]),
            Step::Respond { to, how, body } => ([4, *to, *how, *body], &[]),
            Step::Register { party, how, contact } => ([5, *party, *how, *contact], &[]),
            Step::Options { party, how } => ([6, *party, *how, 0], &[]),
            Step::Voice { line, how, packets } => ([7, *line, *how, *packets], &[]),
            Step::Key { line, digit, how } => ([8, *line, *digit, *how], &[]),
            Step::Packet { line, how, bytes } => ([9, *line, *how, bytes.len() as u8], bytes),
            Step::Wait { scale, times } => ([10, *scale, *times, 0], &[]),
            Step::Broken { party, how } => ([11, *party, *how, 0], &[]),
            Step::Resolve { which, how } => ([12, *which, *how, 0], &[]),
            Step::Mutate { how, at, bytes } => ([13, *how, *at, bytes.len() as u8], bytes),
            Step::Again { which, how } => ([14, *which, *how, 0], &[]),
            Step::Disk { how } => ([15, *how, 0, 0], &[]),
            Step::Operator { how } => ([16, *how, 0, 0], &[]),
            Step::Raw { party, bytes } => {
                ([17, *party, (bytes.len() >> 8) as u8, bytes.len() as u8], bytes)
            }
        };
        data.extend(head);
        data.extend(carried);
    }
    data
}
