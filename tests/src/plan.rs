//! What a deployment is made of, and the `canary.toml` that says so.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use canary_sandbox::{AgentSeed, Config, Sandbox};

/// A deployment before it stands. The default has every path of the matrix and a short cadence; what a test is about
/// it changes: `Plan { fire_every: Duration::from_secs(5), ..Plan::default() }`.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The platform; not looked at where a deployment is put beside another.
    pub sandbox: Config,
    /// Has a Redis of its own that the test may stop, else a prefix on the shared one.
    pub own_redis: bool,
    /// Has a PostgreSQL of its own that the test may stop, else a database on the shared one.
    pub own_postgres: bool,
    /// More arguments for its own Redis.
    pub redis_arguments: Vec<String>,
    /// `[cadence] fire_every`; the others likewise.
    pub fire_every: Duration,
    /// Over which the paths are spread.
    pub spread: Duration,
    /// Between two sweeps.
    pub sweep_every: Duration,
    /// From firing to the end of the watch.
    pub watch: Duration,
    /// Of the transfer call.
    pub call_timeout: Duration,
    /// From the deadline to `observer_blind`.
    pub blind_after: Duration,
    /// Until a silent socket is opened again.
    pub silence_after: Duration,
    /// Between two polls.
    pub backstop_every: Duration,
    /// Deadlines of `intra`, `async` and `2pc`.
    pub deadlines: [Duration; 3],
    /// The paths.
    pub routes: Vec<Route>,
    /// More TOML, put after everything else: sections that are not written otherwise, like `[platform.mapping]`.
    pub more: String,
    /// What is logged.
    pub log: String,
}

/// A path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// Its name.
    pub name: &'static str,
    /// `intra`, `async` or `2pc`.
    pub backend: &'static str,
    /// The sending agent.
    pub from: &'static str,
    /// The receiving agent.
    pub to: &'static str,
}

impl Route {
    /// Every path of the matrix, frame a being the local one.
    pub const MATRIX: [Self; 6] = [
        Self { name: "a-intra", backend: "intra", from: "alpha", to: "bravo" },
        Self { name: "a-async-b", backend: "async", from: "alpha", to: "charlie" },
        Self { name: "b-async-a", backend: "async", from: "charlie", to: "alpha" },
        Self { name: "a-2pc", backend: "2pc", from: "alpha", to: "bravo" },
        Self { name: "a-2pc-b", backend: "2pc", from: "alpha", to: "charlie" },
        Self { name: "b-2pc-a", backend: "2pc", from: "charlie", to: "alpha" },
    ];

    /// Those of the matrix with these names.
    ///
    /// # Panics
    /// If one isn't there.
    #[must_use]
    pub fn named(names: &[&str]) -> Vec<Self> {
        let find = |name: &&str| *Self::MATRIX.iter().find(|route| route.name == *name).unwrap();
        names.iter().map(find).collect()
    }
}

impl Default for Plan {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            sandbox: Config::default(),
            own_redis: false,
            own_postgres: false,
            redis_arguments: Vec::new(),
            fire_every: seconds(2),
            spread: seconds(1),
            sweep_every: seconds(1),
            watch: seconds(60),
            call_timeout: seconds(3),
            blind_after: seconds(10),
            silence_after: seconds(5),
            backstop_every: seconds(1),
            deadlines: [seconds(5); 3],
            routes: Route::MATRIX.to_vec(),
            more: String::new(),
            log: "info".into(),
        }
    }
}

impl Plan {
    /// A short cadence: a verdict some four seconds after its slot.
    #[must_use]
    pub fn quick() -> Self {
        let seconds = Duration::from_secs;
        Self {
            fire_every: seconds(2),
            spread: Duration::from_millis(300),
            sweep_every: seconds(1),
            watch: seconds(40),
            call_timeout: Duration::from_millis(1_500),
            blind_after: seconds(3),
            silence_after: seconds(2),
            backstop_every: seconds(1),
            deadlines: [seconds(3); 3],
            ..Self::default()
        }
    }
}

/// Where a deployment's files and stores are.
pub(crate) struct Places<'a> {
    pub name: &'a str,
    pub folder: &'a Path,
    pub redis_prefix: &'a str,
}

impl Plan {
    /// The whole file but `[console]`, which each instance has its own of.
    pub(crate) fn toml(&self, sandbox: &Sandbox, places: &Places<'_>) -> String {
        let Places { name, folder, redis_prefix } = places;
        let (redis, postgres) = (folder.join("redis.url"), folder.join("postgres.url"));
        let mut text = format!("canary = {name:?}\n\n[cadence]\n");
        for (key, span) in [
            ("fire_every", self.fire_every),
            ("spread", self.spread),
            ("sweep_every", self.sweep_every),
            ("watch", self.watch),
            ("call_timeout", self.call_timeout),
            ("blind_after", self.blind_after),
            ("silence_after", self.silence_after),
            ("backstop_every", self.backstop_every),
        ] {
            writeln!(text, "{key} = \"{}ms\"", span.as_millis()).unwrap();
        }
        text.push_str("\n[deadlines]\n");
        for (backend, deadline) in ["intra", "async", "2pc"].iter().zip(self.deadlines) {
            writeln!(text, "{backend:?} = \"{}ms\"", deadline.as_millis()).unwrap();
        }
        write!(text, "\n[redis]\nurl_file = {redis:?}\nprefix = {redis_prefix:?}\n").unwrap();
        write!(text, "\n[postgres]\nurl_file = {postgres:?}\n\n").unwrap();
        text + &frames(sandbox, folder) + &agents(sandbox, folder) + &self.paths() + &self.more + "\n"
    }

    fn paths(&self) -> String {
        let path = |Route { name, backend, from, to }: &Route| {
            format!(
                "[[paths]]\nname = {name:?}\nbackend = {backend:?}\nfrom = {from:?}\nto = {to:?}\namount = \"0.01\"\n\n"
            )
        };
        self.routes.iter().map(path).collect()
    }
}

/// The files that hold the platform's secrets, by name.
pub(crate) fn secrets(sandbox: &Sandbox) -> Vec<(String, String)> {
    let token = ("event-store.token".to_owned(), sandbox.frame("a").event_store_token);
    let agents = sandbox.agents().iter();
    let agents = agents.map(|agent| (format!("{}.secret", agent.name), agent.client_secret.clone()));
    [token].into_iter().chain(agents).collect()
}

fn frames(sandbox: &Sandbox, folder: &Path) -> String {
    let (a, b) = (sandbox.frame("a"), sandbox.frame("b"));
    format!(
        "[frames.a]\nlocal = true\nregistry = {:?}\nevent_store_ws = {:?}\nevent_store = {:?}\ntoken_file = {:?}\n\n\
         [frames.b]\nregistry = {:?}\n\n",
        a.registry,
        a.event_store_ws,
        a.event_store,
        folder.join("event-store.token"),
        b.registry
    )
}

fn agents(sandbox: &Sandbox, folder: &Path) -> String {
    let agent = |AgentSeed { name, frame, did, client_id, .. }: &AgentSeed| {
        let file = folder.join(format!("{name}.secret"));
        format!(
            "[agents.{name}]\nframe = {frame:?}\ndid = {did:?}\nclient_id = {client_id:?}\nclient_secret_file = {file:?}\n\n"
        )
    };
    sandbox.agents().iter().map(agent).collect()
}
