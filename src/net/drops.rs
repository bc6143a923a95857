//! Datagrams the kernel dropped because we were too slow, counted per listener (/proc/net/udp).

use std::time::Duration;

use super::udp::Udp;

/// How often the kernel is asked. Its answer is as long as the machine has UDP sockets.
const INTERVAL: Duration = Duration::from_secs(5);

/// Counts for as long as it is polled.
pub fn watch(udp: &[Udp]) -> impl Future<Output = ()> + use<> {
    let sockets: Vec<(u64, String)> = udp
        .iter()
        .filter_map(|it| {
            let inode = rustix::fs::fstat(it.socket()).ok()?.st_ino;
            Some((inode, it.address().ok()?.to_string()))
        })
        .collect();
    async move {
        if sockets.is_empty() {
            return;
        }
        let mut interval = tokio::time::interval(INTERVAL);
        loop {
            interval.tick().await;
            let read = || ["/proc/net/udp", "/proc/net/udp6"].map(std::fs::read_to_string);
            let Ok(tables) = tokio::task::spawn_blocking(read).await else { return };
            let tables: Vec<String> = tables.into_iter().flatten().collect();
            for (inode, listener) in &sockets {
                if let Some(drops) = tables.iter().find_map(|it| drops(it, *inode)) {
                    let labels = [("listener", listener.clone())];
                    metrics::counter!("crosspoint_udp_kernel_drops_total", &labels).absolute(drops);
                }
            }
        }
    }
}

/// The last column of the line whose tenth is the socket's inode.
fn drops(table: &str, inode: u64) -> Option<u64> {
    table.lines().skip(1).find_map(|line| {
        let mut columns = line.split_ascii_whitespace();
        let found = columns.nth(9)?.parse() == Ok(inode);
        columns.last().filter(|_| found)?.parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_are_read_from_the_line_of_the_socket() {
        let table = "\
   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  213: 0100007F:13C4 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 41 2 0000000000000000 7
  214: 0100007F:13C5 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 42 2 0000000000000000 155315
";
        assert_eq!(drops(table, 42), Some(155_315));
        assert_eq!(drops(table, 7), None);
    }
}
