//! Names to addresses, beside the loop.

use tracing::warn;

use super::error::Error;
use crate::config::Config;
use crate::net::{Found, Resolver};
use crate::peer;

pub fn names(config: &Config) -> Result<Resolver, Error> {
    Resolver::new(&config.dns.servers).map_err(Error::doing("setting up name servers"))
}

pub async fn look_up(resolver: &Resolver, wanted: &peer::Resolve) -> Found {
    match resolver.resolve(&wanted.host, wanted.port, wanted.transport).await {
        Ok(found) => found,
        Err(error) => {
            warn!(host = wanted.host, %error, "a name has no address");
            metrics::counter!("crosspoint_names_unresolved_total").increment(1);
            Found::new()
        }
    }
}
