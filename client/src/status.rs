//! Errors on the wire: one table of codes, and what a status carries beside its message.
//!
//! `grpc-status-details-bin` holds a `google.rpc.Status`, as the richer error model of gRPC has it,
//! with a `Refusal` of the port and, when trying again can help, a `google.rpc.RetryInfo`. Programs
//! that read neither find the time in the metadata `retry-after-ms`.

use std::time::Duration;

use bytes::Bytes;
use portique_fault::{Code, Report, Retry};
use prost::{Message, Name};
use tonic::{Code as GrpcCode, Status};

/// The metadata that says after how many milliseconds trying again may help.
pub const RETRY_AFTER_MS: &str = "retry-after-ms";
/// What the names of messages begin with in a `google.protobuf.Any`.
const TYPE_URL: &str = "type.googleapis.com/";
/// The message that says when to try again.
const RETRY_INFO: &str = "type.googleapis.com/google.rpc.RetryInfo";
/// Longest message of a status: a header of HTTP/2 has 8 KiB with many peers, and needs three bytes
/// for a character that is no ASCII.
const MESSAGE_BYTES_MAX: usize = 2 * 1024;

/// `google.rpc.Status`.
#[derive(Clone, PartialEq, Message)]
struct RichStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<Any>,
}

/// `google.protobuf.Any`.
#[derive(Clone, PartialEq, Message)]
struct Any {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "bytes", tag = "2")]
    value: Bytes,
}

/// `google.rpc.RetryInfo`.
#[derive(Clone, PartialEq, Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    retry_delay: Option<Delay>,
}

/// `google.protobuf.Duration`.
#[derive(Clone, PartialEq, Message)]
struct Delay {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

/// What gRPC calls what a caller can do.
pub fn grpc_code(code: Code) -> GrpcCode {
    match code {
        Code::InvalidArgument => GrpcCode::InvalidArgument,
        Code::NotFound => GrpcCode::NotFound,
        Code::Conflict => GrpcCode::AlreadyExists,
        Code::FailedPrecondition => GrpcCode::FailedPrecondition,
        Code::Unauthenticated => GrpcCode::Unauthenticated,
        Code::PermissionDenied => GrpcCode::PermissionDenied,
        Code::ResourceExhausted => GrpcCode::ResourceExhausted,
        Code::DeadlineExceeded => GrpcCode::DeadlineExceeded,
        Code::Unavailable => GrpcCode::Unavailable,
        Code::DataLoss => GrpcCode::DataLoss,
        Code::Internal => GrpcCode::Internal,
    }
}

/// What a caller can do about what gRPC says; internal for what no hub says.
pub fn code_of(code: GrpcCode) -> Code {
    match code {
        GrpcCode::InvalidArgument | GrpcCode::OutOfRange => Code::InvalidArgument,
        GrpcCode::NotFound => Code::NotFound,
        GrpcCode::AlreadyExists => Code::Conflict,
        GrpcCode::FailedPrecondition | GrpcCode::Unimplemented => Code::FailedPrecondition,
        GrpcCode::Unauthenticated => Code::Unauthenticated,
        GrpcCode::PermissionDenied => Code::PermissionDenied,
        GrpcCode::ResourceExhausted => Code::ResourceExhausted,
        GrpcCode::DeadlineExceeded => Code::DeadlineExceeded,
        GrpcCode::Unavailable => Code::Unavailable,
        GrpcCode::DataLoss => Code::DataLoss,
        _ => Code::Internal,
    }
}

/// A status that says all of a report, without a refusal for programs.
pub fn status(report: &Report) -> Status {
    with_details(report, Vec::new())
}

/// A status that says all of a report, and carries `refusal` for programs.
pub fn status_with<R: Message + Name>(report: &Report, refusal: &R) -> Status {
    let refusal = Any {
        type_url: format!("{TYPE_URL}{}", R::full_name()),
        value: refusal.encode_to_vec().into(),
    };
    with_details(report, vec![refusal])
}

fn with_details(report: &Report, mut details: Vec<Any>) -> Status {
    let code = grpc_code(report.code);
    let end = report.message.floor_char_boundary(MESSAGE_BYTES_MAX);
    let message = &report.message[..end];
    let retry = retry_after_ms(report.retry);
    if let Some(millis) = retry {
        details.push(retry_info(Duration::from_millis(millis)));
    }
    let rich = RichStatus {
        code: code.into(),
        message: message.into(),
        details,
    };
    let mut status = Status::with_details(code, message, rich.encode_to_vec().into());
    if let Some(millis) = retry {
        let value = millis.to_string().parse();
        let value = value.expect("digits are characters of a header");
        status.metadata_mut().insert(RETRY_AFTER_MS, value);
    }
    status
}

fn retry_info(delay: Duration) -> Any {
    let info = RetryInfo {
        retry_delay: Some(Delay {
            seconds: i64::try_from(delay.as_secs()).unwrap_or(i64::MAX),
            nanos: i32::try_from(delay.subsec_nanos()).unwrap_or_default(),
        }),
    };
    Any {
        type_url: RETRY_INFO.into(),
        value: info.encode_to_vec().into(),
    }
}

/// A retry hint in milliseconds, rounded up; none when trying again cannot help.
pub fn retry_after_ms(retry: Retry) -> Option<u64> {
    match retry {
        Retry::No => None,
        Retry::After(delay) => Some(u64::try_from(delay.as_millis()).unwrap_or(u64::MAX).max(1)),
    }
}

/// The refusal that a status carries, when it carries one of this kind.
pub fn refusal_of<R: Message + Name + Default>(status: &Status) -> Option<R> {
    let rich = RichStatus::decode(status.details()).ok()?;
    let wanted = format!("{TYPE_URL}{}", R::full_name());
    let found = rich
        .details
        .into_iter()
        .find(|any| any.type_url == wanted)?;
    R::decode(found.value).ok()
}

/// How long a status asks to wait before trying again.
pub fn retry_after(status: &Status) -> Option<Duration> {
    let millis = status.metadata().get(RETRY_AFTER_MS)?.to_str().ok()?;
    millis.parse().ok().map(Duration::from_millis)
}
