//! `canary webhooks`: sends every receiver a message for a trial, signed like any other, and says what came of it.

use anyhow::Result;
use canary_store::BoardClock;

use crate::cli::WebhooksArgs;
use crate::exit::Usage;
use crate::settings::{BoardSettings, Settings};
use crate::stores;

pub(super) async fn run(settings: Settings, args: WebhooksArgs) -> Result<u8> {
    let wanted = |name: &str| args.endpoint.as_ref().is_none_or(|wanted| wanted == name);
    let endpoints = settings.webhooks.iter().flat_map(|webhooks| &webhooks.endpoints);
    let endpoints: Vec<_> = endpoints.filter(|endpoint| wanted(&endpoint.name)).collect();
    if endpoints.is_empty() {
        let what = match &args.endpoint {
            Some(name) => format!("the settings have no endpoint `{name}` in [webhooks]"),
            None => "the settings have no [webhooks]".to_owned(),
        };
        return Err(Usage(what).into());
    }
    // This machine's time will do for a trial: the board need not be there.
    let board = stores::board(&Settings { board: BoardSettings::Memory, ..settings.clone() })?;
    let clock = BoardClock::start(&*board).await?;
    let mut failed = 0;
    for endpoint in endpoints {
        match endpoint.try_out(&settings.canary, &clock).await {
            Ok(()) => println!("ok      webhook {}: took a message for a trial", endpoint.name),
            Err(cause) => {
                failed += 1;
                println!("failed  webhook {}: {cause}", endpoint.name);
            }
        }
    }
    Ok(u8::from(failed > 0))
}
