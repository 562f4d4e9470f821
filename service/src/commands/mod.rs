//! The commands (design §7), one file each.

mod check;
mod demo;
mod export;
mod migrate;
mod probe;
mod prune;
mod rejudge;
mod run;
mod sandbox;
mod status;
mod webhooks;

use anyhow::Result;

use crate::cli::{Cli, Command};
use crate::settings::Settings;

/// Who acted, in the audit trail, where nobody signed in.
const COMMAND_LINE: &str = "command line";

/// Runs the command that was asked for; answers the exit code.
pub(crate) async fn run(cli: Cli) -> Result<u8> {
    match cli.command {
        Command::Demo(args) => demo::run(args).await,
        Command::Sandbox(args) => sandbox::run(args).await,
        Command::Run => run::run(Settings::load(&cli.config)?).await,
        Command::Probe(args) => probe::run(Settings::load(&cli.config)?, args).await,
        Command::Check => check::run(Settings::load(&cli.config)?).await,
        Command::Status => status::run(Settings::load(&cli.config)?).await,
        Command::Export(args) => export::run(Settings::load(&cli.config)?, args).await,
        Command::Webhooks(args) => webhooks::run(Settings::load(&cli.config)?, args).await,
        Command::Rejudge(args) => rejudge::run(Settings::load(&cli.config)?, args).await,
        Command::Prune(args) => prune::run(Settings::load(&cli.config)?, args).await,
        Command::Migrate => migrate::run(Settings::load(&cli.config)?).await,
        #[cfg(feature = "failpoints")]
        Command::Failpoints => Ok(crate::failpoints::list()),
    }
}
