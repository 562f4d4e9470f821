//! A web server of the test's own: it hears what Alertmanager sends, and serves what the platform's exporters would.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// Dropping it stops it.
pub(crate) struct Web {
    address: SocketAddr,
    heard: Heard,
    _server: JoinSet<()>,
}

/// To which receiver what was sent, in order.
type Heard = Arc<Mutex<Vec<(String, Value)>>>;

impl Web {
    /// Hears `POST /hooks/<receiver>`, and answers `GET /metrics` with this text.
    pub(crate) async fn start(metrics: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Heard::default();
        let app = Router::new()
            .route("/hooks/{receiver}", post(hear))
            .route("/metrics", get(async move || metrics.clone()))
            .with_state(Arc::clone(&heard));
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { address, heard, _server: server }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The alerts that a receiver was sent so far, in order, each as often as it was.
    pub(crate) fn alerts(&self, receiver: &str) -> Vec<Value> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let of_it = heard.iter().filter(|(to, _)| to == receiver);
        of_it.flat_map(|(_, body)| body["alerts"].as_array().unwrap().clone()).collect()
    }
}

async fn hear(State(heard): State<Heard>, Path(receiver): Path<String>, Json(body): Json<Value>) {
    heard.lock().unwrap_or_else(PoisonError::into_inner).push((receiver, body));
}
