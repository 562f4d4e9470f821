//! Tests that an operator orders: fired now, beside whatever is led where (design §13).
//!
//! The way of an order: is the ledger there? → registration on the board → row in the ledger → its id is answered →
//! order still good? → call → note. All of it is done by [`OrderDesk`] and none by who asked, so that a browser that hangs
//! up cuts nothing in two. The board comes first: a process that dies anywhere on the way leaves a test there
//! that the judge finds, and no row that waits for ever.
//!
//! The race it lives with: whoever hears nothing gives the order once more, and two transfers would move. So an order is
//! good for less time than its answer is waited for, each step has a part of that time, and a test whose id nobody took is
//! not sent.

use std::sync::Arc;
use std::time::Duration;

use canary_domain::{Facts, Origin, Reason, Test, TestId};
use canary_store::{Ledger, StoreError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::fire::Firer;
use crate::points;
use crate::right::Right;
use crate::settings::{Route, Settings};
use crate::under_way::UnderWay;

/// Ordered tests under way at once: more than a person gives by hand.
const AT_ONCE: usize = 8;

/// How long a store may take over each of the three steps before the answer: together less than an order is good for.
const STEP: Duration = Duration::from_secs(2);

/// Why an ordered test was not fired. None of the words names an address or holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// No path has this name.
    #[error("there is no such path")]
    UnknownPath,
    /// As many are under way as may be at once.
    #[error("{AT_ONCE} ordered tests are under way already; order again when one of them has ended")]
    Busy,
    /// A store is not there, or does not work: nothing was sent.
    #[error("{0} is away, and nothing was sent")]
    Away(&'static str),
    /// It lay for so long that nobody expects it any more: nothing was sent.
    #[error("the order could not be begun in time, and nothing was sent; order again")]
    NotBegun,
    /// This instance does not take orders any more.
    #[error("this instance is stopping, and nothing was sent")]
    Stopping,
}

/// One order, on its way to the desk.
struct Order {
    route: Arc<Route>,
    right: Right,
    answer: oneshot::Sender<Result<TestId, OrderError>>,
    /// Held until the test has ended.
    _place: OwnedSemaphorePermit,
}

/// Takes orders. Its clones share one [`OrderDesk`].
#[derive(Clone)]
pub struct Orders {
    routes: Vec<Arc<Route>>,
    places: Arc<Semaphore>,
    desk: mpsc::Sender<Order>,
}

/// Carries orders out; whoever owns it runs it.
pub struct OrderDesk {
    shared: Arc<Shared>,
    orders: mpsc::Receiver<Order>,
}

/// What all orders need.
struct Shared {
    settings: Settings,
    firer: Firer,
    ledger: Arc<dyn Ledger>,
}

impl Orders {
    /// Orders for the paths of these settings, whose slot key is not used. They wait until the desk runs.
    #[must_use]
    pub fn new(settings: Settings, firer: Firer, ledger: Arc<dyn Ledger>) -> (Self, OrderDesk) {
        let routes = settings.routes.clone();
        let (desk, orders) = mpsc::channel(AT_ONCE);
        let shared = Arc::new(Shared { settings, firer, ledger });
        (Self { routes, places: Arc::new(Semaphore::new(AT_ONCE)), desk }, OrderDesk { shared, orders })
    }

    /// Orders one test of a path now; answers its id once it is registered, and before it is sent. What comes of it is
    /// the test's. It is not sent if nobody waits for this answer any more, nor later than 8 seconds from now.
    ///
    /// # Errors
    /// When nothing was sent, and why.
    pub async fn fire(&self, path: &str) -> Result<TestId, OrderError> {
        let route = self.routes.iter().find(|route| route.name == path);
        let route = Arc::clone(route.ok_or(OrderError::UnknownPath)?);
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| OrderError::Busy)?;
        let (answer, answered) = oneshot::channel();
        let order = Order { route, right: Right::ordered(), answer, _place: place };
        self.desk.send(order).await.map_err(|_| OrderError::Stopping)?;
        answered.await.unwrap_or(Err(OrderError::Stopping))
    }
}

impl OrderDesk {
    /// Carries orders out until told to stop. Those it has begun may end within 6 seconds; the others are refused.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut under_way = UnderWay::default();
        loop {
            let order = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                order = self.orders.recv() => order,
            };
            let Some(order) = order else { break };
            under_way.reap();
            let shared = Arc::clone(&self.shared);
            under_way.begin(async move { shared.carry_out(order).await });
        }
        drop(self);
        under_way.see_through().await;
    }
}

/// Why a test was not begun, and whether the board may know it.
struct Refusal {
    error: OrderError,
    registered: bool,
}

impl Shared {
    async fn carry_out(&self, order: Order) {
        let Order { route, right, answer, _place } = order;
        if answer.is_closed() {
            return info!(path = route.name, "whoever ordered a test does not wait for it any more");
        }
        let test = self.settings.free_test(&route, Origin::Fire, self.firer.clock.now());
        let (test_id, path) = (test.test_id, &route.name);
        points::ORDER_TAKEN.reached();
        let begun = self.begin(&right, &test).await;
        let registered = begun.as_ref().map_or_else(|not| not.registered, |()| true);
        let awaited = answer.send(begun.as_ref().map(|()| test_id).map_err(|not| not.error.clone())).is_ok();
        let facts = Facts::registered(test);
        if begun.is_ok() && awaited {
            points::ORDER_ANSWERED.reached();
            let fired = self.firer.fire(&right, &route, facts).await;
            let status = fired.facts.fire_status().map(tracing::field::display);
            info!(path, %test_id, status, "fired by order");
        } else if registered {
            info!(path, %test_id, awaited, "an ordered test is not sent");
            self.firer.withhold(facts, Reason::Overrun).await;
        }
    }

    /// Puts the test on the board and into the ledger. What went wrong is logged here, with the store's name.
    async fn begin(&self, right: &Right, test: &Test) -> Result<(), Refusal> {
        let refused = |error, registered| Refusal { error, registered };
        let away = |store, cause: String, registered| {
            warn!(path = test.path, cause, "an ordered test is not fired");
            refused(OrderError::Away(store), registered)
        };
        right.check().map_err(|_| refused(OrderError::NotBegun, false))?;
        in_time(self.ledger.ping()).await.map_err(|cause| away("the ledger", cause, false))?;
        match in_time(self.firer.board.register_free(test)).await {
            Ok(true) => {}
            Ok(false) => return Err(refused(OrderError::NotBegun, false)),
            Err(cause) => return Err(away("the board", cause, false)),
        }
        // Taken: the judge has met the test on the board and written its row.
        points::ORDER_REGISTERED.reached();
        in_time(self.ledger.claim(test)).await.map_err(|cause| away("the ledger", cause, true))?;
        points::ORDER_CLAIMED.reached();
        Ok(())
    }
}

/// What a store says within its part of the order's time, or why it did not.
async fn in_time<T>(step: impl Future<Output = Result<T, StoreError>>) -> Result<T, String> {
    match timeout(STEP, step).await {
        Ok(said) => said.map_err(|error| error.to_string()),
        Err(_) => Err(format!("it did not answer within {STEP:?}")),
    }
}
