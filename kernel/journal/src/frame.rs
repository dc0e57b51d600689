/// Bytes of a frame's header.
pub(crate) const FRAME_HEADER_BYTES: usize = 72;
/// Bytes in front of each record's body.
pub(crate) const RECORD_HEADER_BYTES: usize = 12;
