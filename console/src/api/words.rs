//! The domain's words in the OpenAPI document: each an enum made from the domain's own list, so that none can be
//! missing. A field of such a word says `#[schema(value_type = words::Outcome)]`.

use std::borrow::Cow;
use std::fmt::Display;

use strum::VariantArray;
use utoipa::openapi::schema::{ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

macro_rules! words {
    ($($word:ident = $of:ty: $what:literal;)*) => { $(
        #[doc = $what]
        pub(crate) struct $word;

        impl PartialSchema for $word {
            fn schema() -> RefOr<Schema> {
                one_of::<$of>($what)
            }
        }

        impl ToSchema for $word {
            fn name() -> Cow<'static, str> {
                stringify!($word).into()
            }
        }
    )* };
}

words! {
    Backend = canary_domain::Backend: "How a transfer is made.";
    EventType = canary_domain::EventType: "A type of the platform's events.";
    FireStatus = canary_domain::FireStatus: "What the transfer call came to.";
    HoldKind = canary_domain::HoldKind: "An operator's reason not to fire.";
    LatencyBasis = canary_domain::LatencyBasis: "Which moment of the deciding stamp the latency rests on.";
    Origin = canary_domain::Origin: "What a test was fired for.";
    Outcome = canary_domain::Outcome: "How a test or a slot ended.";
    PathState = canary_domain::PathState: "The state of a path, or of all of them.";
    Reason = canary_domain::Reason: "Why an outcome is what it is.";
    Role = canary_domain::Role: "What one instance leads at a time.";
    Stage = canary_domain::Stage: "Something that can be seen of a test.";
    Via = canary_domain::Via: "How a sighting reached the canary.";
}

fn one_of<T: VariantArray + Display>(what: &str) -> RefOr<Schema> {
    let words = T::VARIANTS.iter().map(ToString::to_string);
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).description(Some(what)).into()
}

/// The id of a test.
pub(crate) struct TestId;

impl PartialSchema for TestId {
    fn schema() -> RefOr<Schema> {
        let format = SchemaFormat::Custom("uuid".to_owned());
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(format))
            .description(Some("The id of a test."))
            .into()
    }
}

impl ToSchema for TestId {
    fn name() -> Cow<'static, str> {
        "TestId".into()
    }
}

/// An amount of AVT.
pub(crate) struct Amount;

impl PartialSchema for Amount {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some(r"^-?\d+(\.\d+)?$"))
            .description(Some("An exact amount of AVT, in decimals."))
            .into()
    }
}

impl ToSchema for Amount {
    fn name() -> Cow<'static, str> {
        "Amount".into()
    }
}
