//! How long a connection may be silent (EDGE S-18).

use super::*;

#[tokio::test]
async fn a_connection_that_says_nothing_or_half_a_message_is_cut() {
    let soon = Duration::from_millis(50);
    let limits = Limits { first_message: soon, one_message: soon, ..Limits::default() };
    let (mut net, edge) = tcp(limits);
    let mut silent = TcpStream::connect(edge).await.unwrap();
    assert!(is_cut(&mut silent, &mut net).await);
    let mut halting = TcpStream::connect(edge).await.unwrap();
    halting.write_all((text("one") + "INVITE").as_bytes()).await.unwrap();
    assert!(is_cut(&mut halting, &mut net).await);
    let mut patient = TcpStream::connect(edge).await.unwrap();
    patient.write_all(text("one").as_bytes()).await.unwrap();
    let cut = timeout(Duration::from_millis(200), is_cut(&mut patient, &mut net)).await;
    assert!(cut.is_err(), "between messages there is time");
}

#[tokio::test]
async fn a_connection_of_nobody_we_know_is_cut_when_it_says_nothing_more_whatever_it_pings() {
    let limits = Limits { stranger: Duration::from_secs(1), ..Limits::default() };
    for known in [false, true] {
        let (mut net, edge) = tcp(limits);
        let mut peer = TcpStream::connect(edge).await.unwrap();
        peer.write_all(text("one").as_bytes()).await.unwrap();
        let (_, hop) = message(&mut net).await;
        if known {
            net.is_known(hop.connection.unwrap());
        }
        let pings = async {
            let mut bytes = [0; 64];
            let mut pace = tokio::time::interval(Duration::from_millis(50));
            for _ in 0..40 {
                pace.tick().await;
                if peer.write_all(b"\r\n\r\n").await.is_err()
                    || matches!(peer.read(&mut bytes).await, Ok(0) | Err(_))
                {
                    return true;
                }
            }
            false
        };
        let mut batch = Vec::new();
        let cut = tokio::select! {
            cut = pings => cut,
            () = async { loop { net.receive(&mut batch).await } } => false,
        };
        assert_eq!(cut, !known);
        // The far end may see it before we have taken note of it.
        let mut turns = tokio::time::interval(Duration::from_millis(10));
        bounded(async {
            while net.is_open(hop.connection.unwrap()) != known {
                tokio::select! {
                    () = net.receive(&mut batch) => (),
                    _ = turns.tick() => (),
                }
            }
        })
        .await;
    }
}

#[tokio::test]
async fn pings_are_no_first_message() {
    let limits = Limits { first_message: Duration::from_millis(100), ..Limits::default() };
    let (mut net, edge) = tcp(limits);
    let mut peer = TcpStream::connect(edge).await.unwrap();
    peer.write_all(b"\r\n\r\n").await.unwrap();
    assert_eq!(read(&mut peer, 2, &mut net).await, b"\r\n");
    assert!(is_cut(&mut peer, &mut net).await);
}

/// How long it may ring is the call's to say (PRODUCT section 2.1).
#[tokio::test]
async fn whom_we_connect_to_may_be_silent_longer_than_a_stranger() {
    let limits = Limits { first_message: Duration::from_millis(50), ..Limits::default() };
    let (mut net, _) = tcp(limits);
    let phone = TcpListener::bind((HOME, 0)).await.unwrap();
    net.send(text("ring").into(), tcp_hop(phone.local_addr().unwrap()));
    idle(&mut net).await;
    let (mut peer, _) = bounded(phone.accept()).await.unwrap();
    assert_eq!(read(&mut peer, text("ring").len(), &mut net).await, text("ring").as_bytes());
    let cut = timeout(Duration::from_millis(200), is_cut(&mut peer, &mut net)).await;
    assert!(cut.is_err(), "it may answer yet");
}
