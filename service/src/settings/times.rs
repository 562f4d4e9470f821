//! Periods and deadlines, and how they fit each other.

use std::time::Duration;

use canary_domain::{Backend, Cadence};

use super::file::{CadenceSection, File};
use super::{Complaint, Complaints, Times};

pub(super) fn cadence(file: &File) -> Result<Cadence, Complaint> {
    let section = &file.cadence;
    // The default spread has to fit a short period, too.
    let spread = section.spread.0.min(section.fire_every.0 / 2);
    let spread = if section.spread == CadenceSection::default().spread { spread } else { section.spread.0 };
    Cadence::new(section.fire_every.0, spread)
        .map_err(|error| Complaint::about("cadence", &error.to_string()))
}

pub(super) fn times(file: &File, complaints: &mut Complaints) -> Times {
    let section = &file.cadence;
    let named = [
        ("sweep_every", section.sweep_every),
        ("watch", section.watch),
        ("call_timeout", section.call_timeout),
        ("blind_after", section.blind_after),
        ("silence_after", section.silence_after),
        ("backstop_every", section.backstop_every),
    ];
    for (name, span) in named {
        let setting = format!("cadence.{name}");
        complaints.check(
            span.0 >= Duration::from_millis(100),
            &setting,
            &format!("{:?} is too short", span.0),
        );
    }
    for backend in
        Backend::ALL.iter().filter(|backend| file.paths.iter().any(|path| path.backend == **backend))
    {
        check_deadline(file, *backend, complaints);
    }
    Times {
        sweep_every: section.sweep_every.0,
        watch: section.watch.0,
        call_timeout: section.call_timeout.0,
        blind_after: section.blind_after.0,
        silence_after: section.silence_after.0,
        backstop_every: section.backstop_every.0,
    }
}

fn check_deadline(file: &File, backend: Backend, complaints: &mut Complaints) {
    let section = &file.cadence;
    let (deadline, watch) = (file.deadlines.of(backend), section.watch.0);
    let setting = format!("deadlines.{backend}");
    let what = format!("{deadline:?} is too short; give it at least 1s");
    complaints.check(deadline >= Duration::from_secs(1), &setting, &what);
    let what =
        format!("{deadline:?} and blind_after do not fit into watch ({watch:?}): lengthen cadence.watch");
    complaints.check(deadline <= watch.saturating_sub(section.blind_after.0), &setting, &what);
    // A call that ends after the deadline would be judged before it is known what it came to.
    let call = section.call_timeout.0;
    let what = format!("{deadline:?} is not longer than cadence.call_timeout ({call:?}): shorten that");
    complaints.check(deadline > call, &setting, &what);
}
