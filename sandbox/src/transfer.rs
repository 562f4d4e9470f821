//! One transfer, and the words of each event it may bring about (contract, section 5).

use rust_decimal::Decimal;
use uuid::Uuid;

use crate::{
    clock,
    event::{Event, EventData},
    words::{Backend, EventType},
};

/// A transfer whose tokens have left the sender, or are about to.
#[derive(Clone, Debug)]
pub(crate) struct Transfer {
    pub id: String,
    pub backend: Backend,
    pub from_frame: String,
    pub to_frame: String,
    pub sender: String,
    pub receiver: String,
    pub amount: Decimal,
    pub fee: Decimal,
    pub message: String,
}

impl Transfer {
    /// The memo that events carry: the cross-registry backends wrap the message.
    pub fn memo(&self) -> String {
        match self.backend {
            Backend::Intra => self.message.clone(),
            Backend::Async | Backend::TwoPhase => format!("cross_registry:{}", self.message),
        }
    }

    pub fn crosses_frames(&self) -> bool {
        self.from_frame != self.to_frame
    }

    pub fn tokens_transferred(&self) -> Event {
        let data = EventData { memo: Some(self.memo()), ..self.parties() };
        self.event(EventType::TokensTransferred, &self.from_frame, data)
    }

    pub fn fee_collected(&self) -> Event {
        let data = EventData {
            transfer_id: self.id.clone(),
            payer_agent_id: Some(self.sender.clone()),
            fee_amount: Some(self.fee),
            ..EventData::default()
        };
        self.event(EventType::TransactionFeeCollected, &self.from_frame, data)
    }

    pub fn initiated(&self) -> Event {
        self.event(EventType::CrossFrameTransferInitiated, &self.from_frame, self.across())
    }

    pub fn settled(&self) -> Event {
        self.event(EventType::CrossFrameTransferSettled, &self.to_frame, self.across())
    }

    pub fn refunded(&self, reason: &str) -> Event {
        let data = EventData { reason: Some(reason.to_owned()), ..self.across() };
        self.event(EventType::CrossFrameTransferRefunded, &self.from_frame, data)
    }

    pub fn completed(&self) -> Event {
        self.event(EventType::CrossRegistryTransferCompleted, &self.from_frame, self.across())
    }

    fn parties(&self) -> EventData {
        EventData {
            transfer_id: self.id.clone(),
            from_agent_id: Some(self.sender.clone()),
            to_agent_id: Some(self.receiver.clone()),
            amount: Some(self.amount),
            ..EventData::default()
        }
    }

    fn across(&self) -> EventData {
        EventData {
            from_frame: Some(self.from_frame.clone()),
            to_frame: Some(self.to_frame.clone()),
            memo: Some(self.memo()),
            ..self.parties()
        }
    }

    fn event(&self, event_type: EventType, happens_in: &str, data: EventData) -> Event {
        Event {
            id: Uuid::new_v4(),
            event_type,
            occurred_at: clock::now(),
            source_frame: happens_in.to_owned(),
            backend: Some(self.backend),
            data,
        }
    }
}
