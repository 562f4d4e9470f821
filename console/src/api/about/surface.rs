//! The blocks about this program: what it serves, and where its code is.

use prometheus::Registry;
use utoipa::openapi::path::Operation;
use utoipa::openapi::{OpenApi, PathItem};

use super::Block;
use crate::plan::Source;

/// What is served beside the API's operations.
const PAGES: [(&str, &str); 2] =
    [("GET /ui", "This page."), ("GET /api/openapi.json", "The API's document.")];

pub(super) fn observability_surface(operations: Option<&OpenApi>, registry: &Registry) -> Block {
    let pages = PAGES.map(|(name, what)| vec!["page".to_owned(), name.to_owned(), what.to_owned()]);
    let operations = operations.into_iter().flat_map(|document| &document.paths.paths);
    let operations =
        operations.flat_map(|(path, item)| methods(item).map(move |found| operation(path, found)));
    let metrics = registry.gather().into_iter().map(|family| {
        let kind = format!("{:?}", family.get_field_type()).to_lowercase();
        vec![kind, family.name().to_owned(), family.help().to_owned()]
    });
    Block {
        id: "observability_surface",
        title: "Observability surface",
        intro: "Everything on this page comes from the API; what is to be alarmed about comes from the metrics, of which \
                these are the ones that this instance serves.",
        columns: &["kind", "name", "what it says"],
        rows: pages.into_iter().chain(operations).chain(metrics).collect(),
    }
}

fn methods(item: &PathItem) -> impl Iterator<Item = (&'static str, &Operation)> {
    let PathItem { get, post, delete, .. } = item;
    let all = [("GET", get), ("POST", post), ("DELETE", delete)];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_ref()?)))
}

fn operation(path: &str, (method, operation): (&str, &Operation)) -> Vec<String> {
    let what = operation.summary.clone().unwrap_or_default();
    vec!["operation".to_owned(), format!("{method} {path}"), what]
}

pub(super) fn source_files(sources: &[Source]) -> Block {
    let rows = sources.iter().map(|source| vec![source.folder.to_owned(), source.what.clone()]);
    Block {
        id: "source_files",
        title: "Source files",
        intro: "Where the code lives: each folder is one part of a test's way.",
        columns: &["folder", "what is in it"],
        rows: rows.collect(),
    }
}
