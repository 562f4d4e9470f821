//! A deployment: the sandbox, its stores and files, and what a test asks of them by SQL and by Redis command.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use canary_sandbox::Sandbox;
use canary_test_servers::{Postgres, Redis};
use redis::AsyncConnectionConfig;
use redis::aio::MultiplexedConnection;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

use crate::binary::{Ended, canary_in};
use crate::guardian::Guardian;
use crate::instance::Instance;
use crate::plan::{Places, Plan, secrets};
use crate::port;
use crate::row::Row;
use crate::stores::{self, Server};
use crate::wait::within;

/// How long a test's own questions to Redis may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);

/// Everything that a canary needs, and none running yet. Instances are the test's own.
pub struct Deployment {
    name: String,
    plan: Plan,
    toml: String,
    instances: AtomicU32,
    sandbox: Arc<Sandbox>,
    pool: PgPool,
    redis: Server<Redis>,
    postgres: Server<Postgres>,
    guardian: Arc<Guardian>,
}

impl Deployment {
    /// Starts a platform and what a canary on it needs.
    pub async fn start(plan: Plan) -> Self {
        let sandbox = Sandbox::start(plan.sandbox.clone()).await.unwrap();
        Self::on(Arc::new(sandbox), plan).await
    }

    /// Another canary's deployment on the same platform, with a name, a Redis prefix and a database of its own.
    pub async fn beside(&self, plan: Plan) -> Self {
        Self::on(Arc::clone(&self.sandbox), plan).await
    }

    async fn on(sandbox: Arc<Sandbox>, plan: Plan) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("test-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let (redis, postgres, database) = stores::start(&plan).await;
        let guardian = Arc::new(Guardian::new());
        let pool = PgPoolOptions::new().max_connections(2).acquire_timeout(Duration::from_secs(5));
        let pool = pool.connect_lazy(&database).unwrap();
        let places = Places { name: &name, folder: guardian.folder(), redis_prefix: &format!("{name}:") };
        let toml = plan.toml(&sandbox, &places);
        let deployment =
            Self { name, plan, toml, instances: AtomicU32::new(0), sandbox, pool, redis, postgres, guardian };
        for (file, secret) in secrets(&deployment.sandbox) {
            deployment.write(&file, &secret);
        }
        deployment.write("redis.url", &deployment.redis.url());
        deployment.write("postgres.url", &database);
        deployment.configure("canary.toml", "");
        deployment
    }

    /// The deployment's name: `canary` of every row and every metric.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The platform: its faults and its own record.
    #[must_use]
    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// The folder of `canary.toml` and the secrets: `redis.url`, `postgres.url`, `event-store.token`, `alpha.secret`, ….
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.guardian.folder()
    }

    /// Its own Redis, to be stopped, paused or restarted.
    ///
    /// # Panics
    /// If it shares one.
    pub fn redis(&mut self) -> &mut Redis {
        self.redis.own()
    }

    /// Its own PostgreSQL, to be stopped, paused or restarted.
    ///
    /// # Panics
    /// If it shares one.
    pub fn postgres(&mut self) -> &mut Postgres {
        self.postgres.own()
    }

    /// Its platform and its own servers, apart, for those who break each of them in its own time.
    ///
    /// # Panics
    /// If it shares a server.
    pub fn parts(&mut self) -> (&Sandbox, &mut Redis, &mut Postgres) {
        (&self.sandbox, self.redis.own(), self.postgres.own())
    }

    /// What its instances log.
    pub(crate) fn log_filter(&self) -> &str {
        &self.plan.log
    }

    /// Writes a file into the folder, like a secret that changes.
    ///
    /// # Panics
    /// If that fails.
    pub fn write(&self, file: &str, content: &str) {
        std::fs::write(self.folder().join(file), content).unwrap();
    }

    /// Starts `canary run`, with a console of its own.
    #[must_use]
    pub fn launch(&self) -> Instance {
        self.launch_with("")
    }

    /// Starts `canary run`, with more lines in its `[console]`.
    ///
    /// # Panics
    /// If it can't be started.
    #[must_use]
    pub fn launch_with(&self, console: &str) -> Instance {
        self.begin(console, &[("RUST_LOG", self.plan.log.as_str())])
    }

    /// Starts a `canary run` whose failpoints are armed like this: `runner.slot.claimed=2*off->return`.
    ///
    /// # Panics
    /// If it can't be started.
    #[must_use]
    pub fn launch_armed(&self, failpoints: &str) -> Instance {
        self.begin("", &[("RUST_LOG", self.plan.log.as_str()), ("FAILPOINTS", failpoints)])
    }

    fn begin(&self, console: &str, environment: &[(&str, &str)]) -> Instance {
        let number = self.instances.fetch_add(1, Ordering::Relaxed);
        let file = format!("run-{number}.toml");
        let address = self.configure(&file, console);
        let config = self.folder().join(file);
        Instance::start(Arc::clone(&self.guardian), &config, address, environment)
    }

    /// Starts `canary run` and waits until it is ready.
    pub async fn launch_ready(&self) -> Instance {
        let mut instance = self.launch();
        instance.ready().await;
        instance
    }

    /// Writes a configuration whose console listens on a free port; answers that.
    fn configure(&self, file: &str, console: &str) -> SocketAddr {
        let address = SocketAddr::from(([127, 0, 0, 1], port::free()));
        self.write(file, &format!("{}\n[console]\nlisten = \"{address}\"\n{console}\n", self.toml));
        address
    }

    /// Runs another command on `canary.toml` to its end, within a minute.
    pub async fn canary(&self, arguments: &[&str]) -> Ended {
        self.canary_on("canary.toml", arguments).await
    }

    /// Runs a command on another file of the folder (`run-0.toml` is the first instance's) to its end, within a minute.
    pub async fn canary_on(&self, file: &str, arguments: &[&str]) -> Ended {
        let mut all = arguments.to_vec();
        all.extend(["--config", file]);
        canary_in(self.folder(), &all, 60).await
    }

    /// Its database, for any question.
    #[must_use]
    pub fn sql(&self) -> &PgPool {
        &self.pool
    }

    /// All rows, oldest first. None while there is no table yet, or nobody answers.
    pub async fn rows(&self) -> Vec<Row> {
        let sql = "SELECT * FROM canary_test_results ORDER BY registered_at, path";
        // Planned anew each time: a plan from amid the migrations is refused once there are more columns.
        sqlx::query_as(sql).persistent(false).fetch_all(&self.pool).await.unwrap_or_default()
    }

    /// The rows, once they are as wanted, at most after `seconds`.
    ///
    /// # Panics
    /// When the time is up, with the rows that there are.
    pub async fn rows_when(&self, what: &str, seconds: u64, wanted: impl Fn(&[Row]) -> bool) -> Vec<Row> {
        let mut last = Vec::new();
        let found = within(seconds, async || {
            last = self.rows().await;
            wanted(&last).then_some(())
        });
        if found.await.is_none() {
            let told: Vec<String> = last.iter().map(Row::told).collect();
            panic!("{what}: not within {seconds} s; there are\n{}", told.join("\n"));
        }
        last
    }

    /// A connection to its Redis.
    ///
    /// # Panics
    /// If that doesn't answer.
    pub async fn board(&self) -> MultiplexedConnection {
        let client = redis::Client::open(self.redis.url()).unwrap();
        let patient = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE));
        client.get_multiplexed_async_connection_with_config(&patient).await.unwrap()
    }

    /// A key as it stands in Redis: `key("canary:open")`.
    #[must_use]
    pub fn key(&self, key: &str) -> String {
        format!("{}:{key}", self.name)
    }

    /// `HGETALL` of a key, without the prefix.
    ///
    /// # Panics
    /// If Redis doesn't answer.
    pub async fn hash(&self, key: &str) -> BTreeMap<String, String> {
        redis::cmd("HGETALL").arg(self.key(key)).query_async(&mut self.board().await).await.unwrap()
    }
}
