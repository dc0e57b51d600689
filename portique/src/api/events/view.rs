use portique_bus::Delivered;
use portique_clock::Timestamp;
use portique_event::Event;
use serde::Serialize;

/// An event with its place.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct EventView {
    /// Its place: rising, not without gaps.
    sequence: u64,
    /// When the hub accepted it.
    #[schema(value_type = String, format = DateTime)]
    accepted: Timestamp,
    /// The event in CloudEvents' JSON format.
    #[schema(value_type = serde_json::Value)]
    event: Event,
}

impl From<Delivered> for EventView {
    fn from(delivered: Delivered) -> Self {
        Self {
            sequence: delivered.sequence.0,
            accepted: delivered.accepted,
            event: delivered.event,
        }
    }
}
