//! The real Redis and PostgreSQL of a deployment: shared with the other tests of the binary, or its own.

use std::ops::Deref;

use canary_test_servers::{Postgres, Redis, shared_postgres, shared_redis};
use tokio::task::spawn_blocking;

use crate::Plan;

/// A server.
#[derive(Debug)]
pub(crate) enum Server<T: 'static> {
    Shared(&'static T),
    Own(Box<T>),
}

impl<T> Deref for Server<T> {
    type Target = T;

    fn deref(&self) -> &T {
        match self {
            Self::Shared(server) => server,
            Self::Own(server) => server,
        }
    }
}

impl<T> Server<T> {
    pub(crate) fn own(&mut self) -> &mut T {
        match self {
            Self::Own(server) => server,
            Self::Shared(_) => panic!("other tests share this server: ask for an own one in the plan"),
        }
    }
}

/// Both, and the URL of a new database.
pub(crate) async fn start(plan: &Plan) -> (Server<Redis>, Server<Postgres>, String) {
    let (own_redis, own_postgres) = (plan.own_redis, plan.own_postgres);
    let arguments = plan.redis_arguments.clone();
    let redis = spawn_blocking(move || {
        if own_redis {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            Server::Own(Box::new(Redis::start_with(&arguments).unwrap()))
        } else {
            Server::Shared(shared_redis())
        }
    });
    let postgres = spawn_blocking(move || {
        let server = if own_postgres {
            Server::Own(Box::new(Postgres::start().unwrap()))
        } else {
            Server::Shared(shared_postgres())
        };
        let url = server.create_database().unwrap();
        (server, url)
    });
    let (redis, postgres) = tokio::join!(redis, postgres);
    let (postgres, url) = postgres.unwrap();
    (redis.unwrap(), postgres, url)
}
