//! What a sweep costs: it asks for what changed, not for what there is (design §12).

use canary_domain::{Backend, Stage};

use crate::on_both_stores;
use crate::stand::{Stand, leading};

on_both_stores! {
    a_sweep_touches_only_tests_that_are_due_or_have_news
    a_sweep_goes_through_all_pages_and_ends
}

async fn a_sweep_touches_only_tests_that_are_due_or_have_news(stand: Stand) -> anyhow::Result<()> {
    let mut tests = Vec::new();
    for _ in 0..20 {
        tests.push(stand.fire(Backend::Async).await?);
    }
    let (judge, lead) = (stand.watched_judge(500), leading(1));
    assert_eq!(judge.sweep(&lead).await?.looked, 20);
    stand.spy.take_calls();

    assert_eq!(judge.sweep(&lead).await?.looked, 0);
    assert_eq!(
        stand.spy.take_calls(),
        [("reactors", 0), ("due", 500)],
        "nothing is due and nothing has news"
    );

    stand.see(&tests[7], Stage::CfInitiated, 30).await?;
    assert_eq!(judge.sweep(&lead).await?.looked, 1);
    assert_eq!(stand.spy.take_calls(), [("reactors", 0), ("due", 500), ("record", 1), ("reschedule", 1)]);
    Ok(())
}

async fn a_sweep_goes_through_all_pages_and_ends(stand: Stand) -> anyhow::Result<()> {
    for _ in 0..25 {
        let fired = stand.fire(Backend::Intra).await?;
        stand.see(&fired, Stage::TokensXfer, 80).await?;
    }
    let report = stand.watched_judge(5).sweep(&leading(1)).await?;
    assert_eq!((report.looked, report.changed), (25, 25));
    let pages = stand.spy.take_calls().iter().filter(|(call, _)| *call == "due").count();
    assert_eq!(pages, 6, "five pages, and a look whether there is more");
    Ok(())
}
