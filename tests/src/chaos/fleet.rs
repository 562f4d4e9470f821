//! The instances of a run, each started again and again, and what each of its lives said.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::Client;

use super::{Invariant, Target, Told, Violation};
use crate::{Detour, Instance, Signal, within};

/// Seconds that a process has to end in once it was told to.
const ENDS_WITHIN: u64 = 10;
/// Seconds that a replacement waits for its successor to be ready: faults may keep it from that.
const READY_WITHIN: u64 = 15;

/// Where the consoles of those that run answer; shared with those who ask them.
pub(super) type Consoles = Arc<Mutex<Vec<SocketAddr>>>;

struct Member {
    detour: Detour,
    instance: Instance,
    life: usize,
}

/// All instances.
pub(super) struct Fleet {
    members: Vec<Member>,
    consoles: Consoles,
    told: Vec<Told>,
    noticed: Vec<Violation>,
}

impl Fleet {
    /// Starts one of each, and waits until they are ready.
    pub(super) async fn start(detours: Vec<Detour>) -> Self {
        let start = |detour: Detour| Member { instance: detour.launch(), detour, life: 0 };
        let mut members: Vec<Member> = detours.into_iter().map(start).collect();
        for member in &mut members {
            member.instance.ready().await;
        }
        let consoles = members.iter().map(|member| member.instance.console()).collect();
        Self { members, consoles: Arc::new(Mutex::new(consoles)), told: Vec::new(), noticed: Vec::new() }
    }

    pub(super) fn consoles(&self) -> Consoles {
        Arc::clone(&self.consoles)
    }

    pub(super) fn instances(&self) -> impl Iterator<Item = &Instance> {
        self.members.iter().map(|member| &member.instance)
    }

    /// The number of the one that is meant now.
    pub(super) async fn number(&self, target: Target) -> usize {
        match target {
            Target::Number(number) => number,
            Target::Leader | Target::All => leader(&self.consoles).await.unwrap_or_default(),
        }
    }

    pub(super) async fn kill(&mut self, number: usize) {
        self.look();
        self.members[number].instance.kill().await;
    }

    pub(super) fn signal(&mut self, number: usize, signal: Signal) {
        self.look();
        self.members[number].instance.signal(signal);
    }

    /// Starts one that has ended again.
    pub(super) fn launch(&mut self, number: usize) {
        self.keep_log(number);
        let member = &mut self.members[number];
        member.instance = member.detour.launch();
        member.life += 1;
        self.consoles.lock().unwrap()[number] = member.instance.console();
    }

    /// Replaces one after the other.
    pub(super) async fn roll(&mut self) {
        for number in 0..self.members.len() {
            self.look();
            self.terminate(number).await;
            self.launch(number);
            let instance = &self.members[number].instance;
            within(READY_WITHIN, async || instance.is_ready().await.then_some(())).await;
        }
    }

    /// Ends all; answers what they said, and what was noticed.
    pub(super) async fn end(mut self) -> (Vec<Told>, Vec<Violation>) {
        self.look();
        for number in 0..self.members.len() {
            self.terminate(number).await;
            self.keep_log(number);
        }
        (std::mem::take(&mut self.told), std::mem::take(&mut self.noticed))
    }

    async fn terminate(&mut self, number: usize) {
        let instance = &mut self.members[number].instance;
        if instance.has_ended().is_some() {
            return;
        }
        instance.signal(Signal::Terminate);
        let ended = within(ENDS_WITHIN, async || instance.has_ended()).await;
        if ended.and_then(|status| status.code()) != Some(0) {
            self.complain(number, &format!("was told to end, and within {ENDS_WITHIN} s came to {ended:?}"));
            self.members[number].instance.kill().await;
        }
    }

    /// Notices those that have ended by themselves, and starts them again.
    fn look(&mut self) {
        for number in 0..self.members.len() {
            if let Some(status) = self.members[number].instance.has_ended() {
                self.complain(number, &format!("ended by itself: {status}"));
                self.launch(number);
            }
        }
    }

    fn complain(&mut self, number: usize, what: &str) {
        let log = self.members[number].instance.log();
        let lines: Vec<&str> = log.lines().collect();
        let last = lines[lines.len().saturating_sub(5)..].iter().map(ToString::to_string).collect();
        self.noticed.push(Violation::of(Invariant::Recovery, format!("instance {number} {what}"), last));
    }

    fn keep_log(&mut self, number: usize) {
        let Member { instance, life, .. } = &self.members[number];
        self.told.push(Told { by: format!("instance-{number}-{life}.log"), text: instance.log() });
    }
}

/// The number of the instance that leads the runners, as its metrics say.
pub(super) async fn leader(consoles: &Consoles) -> Option<usize> {
    let addresses = consoles.lock().unwrap().clone();
    let client = Client::builder().no_proxy().timeout(Duration::from_secs(1)).build().unwrap();
    for (number, address) in addresses.into_iter().enumerate() {
        let Ok(answer) = client.get(format!("http://{address}/metrics")).send().await else { continue };
        let text = answer.text().await.unwrap_or_default();
        let leads = |line: &str| line.starts_with("canary_leader{") && line.contains("role=\"runner\"");
        if text.lines().any(|line| leads(line) && line.ends_with(" 1")) {
            return Some(number);
        }
    }
    None
}
