//! Where the platform's fields and calls are, if not where the contract has them (contract §6).

use std::collections::BTreeMap;

use canary_domain::EventType;
use canary_runner::Calls;
use canary_validators::{Mapping, MappingError};

use super::Complaint;
use super::file::MappingSection;
use super::unknown::nearest;

pub(super) fn mapping(section: &MappingSection) -> Result<Mapping, Complaint> {
    let default = Mapping::default();
    let or = |given: &Option<String>, default: String| given.clone().unwrap_or(default);
    let mapping = Mapping {
        position: or(&section.position, default.position),
        event_type: or(&section.event_type, default.event_type),
        occurred_at: or(&section.occurred_at, default.occurred_at),
        source_frame: or(&section.source_frame, default.source_frame),
        transfer_id: or(&section.transfer_id, default.transfer_id),
        memo: or(&section.memo, default.memo),
        from_agent_id: or(&section.from_agent_id, default.from_agent_id),
        to_agent_id: or(&section.to_agent_id, default.to_agent_id),
        amount: or(&section.amount, default.amount),
        payer_agent_id: or(&section.payer_agent_id, default.payer_agent_id),
        events: events(section)?,
    };
    mapping
        .check()
        .map_err(|error: MappingError| Complaint::about("platform.mapping", &error.to_string()))?;
    let answer = section.answer.transfer_id.as_deref().unwrap_or("/");
    if answer.starts_with('/') {
        Ok(mapping)
    } else {
        let what = format!("`{answer}` is no JSON pointer; write it like \"/transaction_id\"");
        Err(Complaint::about("platform.mapping.answer.transfer_id", &what))
    }
}

fn events(section: &MappingSection) -> Result<BTreeMap<EventType, String>, Complaint> {
    let known = EventType::ALL.iter().map(|event| event.as_str());
    let read = |(word, name): (&String, &String)| match word.parse() {
        Ok(event) => Ok((event, name.clone())),
        Err(_) => {
            let hint = nearest(word, known.clone()).map(|known| format!("; did you mean `{known}`?"));
            let what = format!("there is no event `{word}`{}", hint.unwrap_or_default());
            Err(Complaint::about("platform.mapping.events", &what))
        }
    };
    section.events.iter().map(read).collect()
}

pub(super) fn calls(section: &MappingSection) -> Result<Calls, Complaint> {
    let default = Calls::default();
    let or = |given: &Option<String>, default: String| given.clone().unwrap_or(default);
    let calls = Calls {
        token: or(&section.calls.token, default.token),
        balance: or(&section.calls.balance, default.balance),
        transfer: or(&section.calls.transfer, default.transfer),
        cross_transfer: or(&section.calls.cross_transfer, default.cross_transfer),
        transfer_id: or(&section.answer.transfer_id, default.transfer_id),
    };
    let paths = [
        ("token", &calls.token),
        ("balance", &calls.balance),
        ("transfer", &calls.transfer),
        ("cross_transfer", &calls.cross_transfer),
    ];
    if let Some((name, path)) = paths.into_iter().find(|(_, path)| !path.starts_with('/')) {
        let what = format!("`{path}` does not begin with a slash; write it like \"/teg/transfer\"");
        return Err(Complaint::about(&format!("platform.mapping.calls.{name}"), &what));
    }
    if !calls.cross_transfer.contains("{backend}") {
        let what = format!(
            "`{}` does not say where the backend goes: put `{{backend}}` into it",
            calls.cross_transfer
        );
        return Err(Complaint::about("platform.mapping.calls.cross_transfer", &what));
    }
    Ok(calls)
}
