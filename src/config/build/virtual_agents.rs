//! Virtual agents.

use super::Trade;
use crate::config::error::Wrong;
use crate::config::trade::VirtualAgentKeys;
use crate::model::VirtualAgent;

impl Trade<'_> {
    pub(super) fn virtual_agent(&self, keys: VirtualAgentKeys) -> Result<VirtualAgent, Wrong> {
        let routes = keys.routes.map(|it| self.routes(&it)).transpose();
        let routes = routes.map_err(|it| it.under("routes"))?.unwrap_or_default();
        let parameters = keys.parameters.unwrap_or_default().0;
        let route = |key, word| self.route(word).map_err(|it| it.under(key));
        Ok(VirtualAgent {
            url: keys.url.0.into(),
            parameters: parameters.into_iter().map(|it| (it.0.text.to_string(), it.1)).collect(),
            routes: routes.into_iter().map(|it| (it.0.text.to_string(), it.1)).collect(),
            timeout: *keys.timeout,
            no_answer: route("no_answer", &keys.no_answer)?,
            after: route("after", &keys.after)?,
            max_duration: *keys.max_duration,
            prevent_recording: keys.prevent_recording,
            id: keys.name.text,
        })
    }
}
