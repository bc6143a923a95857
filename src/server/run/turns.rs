//! Whose turn it is. Under load the network always has something, and goes first; but not for ever:
//! reports, names and signals want to be heard, and the runtime's own tasks (connections) to run.

/// Counts turns of the loop.
#[derive(Debug, Default)]
pub struct Turns(u32);

impl Turns {
    /// Turns that the network has in a row.
    const NETWORK: u32 = 64;
    /// Turns that the others have then, as long as they want any.
    const OTHERS: u32 = 16;

    /// The network has to wait for this turn.
    pub fn are_others(&self) -> bool {
        Self::NETWORK <= self.0
    }

    /// Somebody had a turn.
    pub fn took(&mut self, network: bool) {
        self.0 += 1;
        let waited = network || self.are_others();
        if !waited || Self::NETWORK + Self::OTHERS <= self.0 {
            self.0 = 0;
        }
    }

    /// Nobody else wants one.
    pub fn end(&mut self) {
        self.0 = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_others_come_after_so_many_turns_and_so_does_the_network_again() {
        let mut turns = Turns::default();
        let mut had = [0, 0];
        for _ in 0..1000 {
            let network = !turns.are_others();
            had[usize::from(network)] += 1;
            turns.took(network);
        }
        assert_eq!(had, [192, 808], "16 after each 64");
    }

    #[test]
    fn a_network_that_pauses_owes_nothing() {
        let mut turns = Turns::default();
        for n in 0..1000 {
            assert!(!turns.are_others());
            turns.took(n % 60 != 0);
        }
        turns.took(false);
        (0..Turns::NETWORK).for_each(|_| turns.took(true));
        assert!(turns.are_others());
        turns.end();
        assert!(!turns.are_others());
    }
}
