//! One stream: however it is cut, the same comes out, and nobody downstream sees another length.

use bytes::Bytes;
use crosspoint::sip::framer::{Fault, Frame, Framer, Limits};
use crosspoint::sip::parse;

/// Reads octets as a stream: whole, octet by octet, and in pieces that grow.
pub fn stream(data: &[u8]) {
    let (frames, fault) = read(data, |_| usize::MAX);
    assert_eq!((&frames, fault), (&read(data, |_| 1).0, read(data, |_| 1).1));
    assert_eq!((&frames, fault), (&read(data, |n| n + 1).0, read(data, |n| n + 1).1));
    let length = |frame: &Frame| match frame {
        Frame::Message(message) => message.len(),
        Frame::Ping => 4,
    };
    assert!(frames.iter().map(length).sum::<usize>() <= data.len());
    for frame in frames {
        if let Frame::Message(bytes) = frame
            && let Ok(message) = parse(bytes.clone())
        {
            assert_eq!(message.bytes(), &bytes, "the framer and the reader agree on the end");
        }
    }
}

fn read(data: &[u8], mut size: impl FnMut(usize) -> usize) -> (Vec<Frame>, Option<Fault>) {
    let mut framer = Framer::new(Limits::default());
    let (mut frames, mut fault) = (Vec::new(), None);
    let mut rest = Bytes::copy_from_slice(data);
    let mut count = 0;
    while !rest.is_empty() {
        framer.push(&rest.split_to(size(count).min(rest.len())));
        count += 1;
        while let Some(next) = framer.next() {
            assert_eq!(fault, None, "nothing comes after a fault");
            match next {
                Ok(frame) => frames.push(frame),
                Err(error) => fault = Some(error.fault),
            }
        }
    }
    (frames, fault)
}
