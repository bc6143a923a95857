//! Datagrams the kernel dropped because we were too slow, counted per listener.
//!
//! The kernel is asked for each socket by itself (sock_diag(7)). The table of all sockets,
//! `/proc/net/udp`, holds ours too; but to write it down for thousands of calls takes the kernel
//! tens of milliseconds in one go, and no packet is relayed meanwhile.

use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink};
use tracing::info;

use super::udp::Udp;

/// How often the kernel is asked.
const INTERVAL: Duration = Duration::from_secs(5);

/// Counts for as long as it is polled.
pub fn watch(udp: &[Udp]) -> impl Future<Output = ()> + use<> {
    let sockets: Vec<(SocketAddr, u32)> = udp
        .iter()
        .filter_map(|it| Some((it.address().ok()?, rustix::fs::fstat(it.socket()).ok()?)))
        .map(|(address, stat)| (address, stat.st_ino as u32))
        .collect();
    async move {
        if sockets.is_empty() {
            return;
        }
        let mut interval = tokio::time::interval(INTERVAL);
        let mut told = false;
        loop {
            interval.tick().await;
            // It may be that it has no sock_diag, or just no descriptor for us at the moment.
            if let Err(error) = count(&sockets)
                && !std::mem::replace(&mut told, true)
            {
                info!(%error, "the kernel does not tell what it drops");
            }
        }
    }
}

fn count(sockets: &[(SocketAddr, u32)]) -> Result<(), Errno> {
    let kernel = ask_whom()?;
    for &(address, inode) in sockets {
        if let Some(drops) = drops(&kernel, address, inode)? {
            let labels = [("listener", address.to_string())];
            metrics::counter!("crosspoint_udp_kernel_drops_total", &labels).absolute(drops.into());
        }
    }
    Ok(())
}

fn ask_whom() -> Result<OwnedFd, Errno> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    rustix::net::socket_with(
        AddressFamily::NETLINK,
        SocketType::RAW,
        flags,
        Some(netlink::SOCK_DIAG),
    )
}

/// What the kernel dropped of what came for this socket; `None` if it knows none such.
fn drops(kernel: &OwnedFd, address: SocketAddr, inode: u32) -> Result<Option<u32>, Errno> {
    rustix::net::send(kernel, &question(address), SendFlags::empty())?;
    // The kernel has answered by the time it has taken the question.
    let mut buffer = [0; 1024];
    let (length, _) = rustix::net::recv(kernel, &mut buffer, RecvFlags::empty())?;
    match answer(buffer.get(..length).unwrap_or_default()) {
        Some(Answer { inode: found, drops }) if found == inode => Ok(drops),
        _ => Ok(None),
    }
}

/// linux/netlink.h, linux/inet_diag.h, linux/sock_diag.h.
const SOCK_DIAG_BY_FAMILY: u16 = 20;
const NLM_F_REQUEST: u16 = 1;
const INET_DIAG_SKMEMINFO: u16 = 7;
const SK_MEMINFO_DROPS: usize = 8;
const IPPROTO_UDP: u8 = 17;
const NO_COOKIE: [u8; 8] = [0xff; 8];
/// Of `nlmsghdr`, `inet_diag_req_v2` and `inet_diag_msg`.
const HEADER: usize = 16;
const REQUEST: usize = 56;
const MESSAGE: usize = 72;

/// Asks for the one socket that receives what anybody sends to this address.
fn question(address: SocketAddr) -> [u8; HEADER + REQUEST] {
    let family = match address.ip() {
        IpAddr::V4(_) => AddressFamily::INET,
        IpAddr::V6(_) => AddressFamily::INET6,
    };
    let mut question = [0; HEADER + REQUEST];
    let mut put = |at: usize, octets: &[u8]| {
        question[at..at + octets.len()].copy_from_slice(octets);
    };
    put(0, &((HEADER + REQUEST) as u32).to_ne_bytes());
    put(4, &SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    put(6, &NLM_F_REQUEST.to_ne_bytes());
    // The far end as source, any; we are the destination.
    put(HEADER, &[family.as_raw() as u8, IPPROTO_UDP, 1 << (INET_DIAG_SKMEMINFO - 1)]);
    put(HEADER + 4, &u32::MAX.to_ne_bytes());
    put(HEADER + 10, &address.port().to_be_bytes());
    match address.ip() {
        IpAddr::V4(ip) => put(HEADER + 28, &ip.octets()),
        IpAddr::V6(ip) => put(HEADER + 28, &ip.octets()),
    }
    put(HEADER + 48, &NO_COOKIE);
    question
}

struct Answer {
    inode: u32,
    drops: Option<u32>,
}

/// `None` if it is an error (there is no such socket) or cut short.
fn answer(answer: &[u8]) -> Option<Answer> {
    if u16_at(answer, 4)? != SOCK_DIAG_BY_FAMILY {
        return None;
    }
    let inode = u32_at(answer, HEADER + MESSAGE - 4)?;
    let mut rest = answer.get(HEADER + MESSAGE..)?;
    while let (Some(length), Some(kind)) = (u16_at(rest, 0), u16_at(rest, 2)) {
        let length = usize::from(length);
        if kind == INET_DIAG_SKMEMINFO {
            let drops = u32_at(rest.get(..length)?, 4 + 4 * SK_MEMINFO_DROPS);
            return Some(Answer { inode, drops });
        }
        rest = rest.get(length.max(4).next_multiple_of(4)..).unwrap_or_default();
    }
    Some(Answer { inode, drops: None })
}

fn u16_at(octets: &[u8], at: usize) -> Option<u16> {
    octets.get(at..)?.first_chunk().copied().map(u16::from_ne_bytes)
}

fn u32_at(octets: &[u8], at: usize) -> Option<u32> {
    octets.get(at..)?.first_chunk().copied().map(u32::from_ne_bytes)
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    fn told(socket: &UdpSocket) -> Option<u32> {
        let inode = rustix::fs::fstat(socket).unwrap().st_ino as u32;
        drops(&ask_whom().unwrap(), socket.local_addr().unwrap(), inode).unwrap()
    }

    #[test]
    fn the_kernel_tells_what_it_drops_of_each_family() {
        for ip in ["127.0.0.1:0", "[::1]:0", "0.0.0.0:0"] {
            let socket = UdpSocket::bind(ip).unwrap();
            assert_eq!(told(&socket), Some(0), "{ip}");
            socket2::SockRef::from(&socket).set_recv_buffer_size(4096).unwrap();
            let sender = UdpSocket::bind(ip).unwrap();
            let mut to = socket.local_addr().unwrap();
            if to.ip().is_unspecified() {
                to.set_ip([127, 0, 0, 1].into());
            }
            for _ in 0..100 {
                sender.send_to(&[0; 1000], to).unwrap();
            }
            let dropped = told(&socket).unwrap();
            assert!((80..100).contains(&dropped), "{ip}: {dropped}");
        }
    }

    #[test]
    fn of_a_socket_that_is_gone_or_anothers_nothing_is_told() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let inode = rustix::fs::fstat(&socket).unwrap().st_ino as u32;
        let kernel = ask_whom().unwrap();
        assert_eq!(drops(&kernel, address, inode + 1), Ok(None));
        drop(socket);
        assert_eq!(drops(&kernel, address, inode), Ok(None));
    }

    #[test]
    fn an_answer_cut_anywhere_is_no_answer() {
        let mut whole = vec![0; HEADER + MESSAGE];
        whole[4..6].copy_from_slice(&SOCK_DIAG_BY_FAMILY.to_ne_bytes());
        whole[HEADER + MESSAGE - 4..].copy_from_slice(&7_u32.to_ne_bytes());
        whole.extend([5, 0, 8, 0, 1, 0, 0, 0]);
        let head = whole.len();
        whole.extend([40, 0, 7, 0]);
        whole.extend([0; 32]);
        whole.extend(9_u32.to_ne_bytes());
        let all = answer(&whole).unwrap();
        assert_eq!((all.inode, all.drops), (7, Some(9)));
        for length in 0..whole.len() {
            let drops = answer(&whole[..length]).and_then(|it| it.drops);
            assert_eq!(drops, None, "{length} of {}, head {head}", whole.len());
        }
        whole[head..head + 2].copy_from_slice(&[0, 0]);
        assert!(answer(&whole).is_none_or(|it| it.drops.is_none()), "a length of nothing");
    }
}
