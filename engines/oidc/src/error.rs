use std::time::Duration;

use portique_access::Error as AccessError;

/// Why somebody is not signed in. Each says it in the hub's own words: what a provider says is not repeated.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The provider cannot be reached, or answers what is no answer.
    #[error("the provider cannot be asked now: {problem}")]
    Unavailable {
        /// What happened, in the hub's words.
        problem: String,
    },
    /// The provider took too long.
    #[error("the provider did not answer within {} s", .limit.as_secs())]
    Slow {
        /// How long it may take.
        limit: Duration,
    },
    /// As many visits to the provider are under way as there may be.
    #[error("too many people sign in at once: try again")]
    Busy,
    /// The configuration and what the provider says of itself do not go together.
    #[error("the provider's own description cannot be used: {problem}")]
    Description {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The browser came back without having been sent, too late, or for the second time.
    #[error(
        "this browser did not begin this sign-in, or more than ten minutes ago, or it is used already: begin again"
    )]
    NotBegun,
    /// What the browser came back with is not what it was sent with.
    #[error("the answer does not belong to the sign-in that this browser began: begin again")]
    State,
    /// The provider, or the person there, said no.
    #[error("the provider refused: {code}")]
    Declined {
        /// The error's code, of `a-z _` only.
        code: String,
    },
    /// The code was not exchanged.
    #[error("the provider did not exchange the code: {code}")]
    Exchange {
        /// The error's code, of `a-z _` only.
        code: String,
    },
    /// The ID token is not believed.
    #[error("the provider's ID token is refused: {reason}")]
    Token {
        /// Which check it failed.
        reason: &'static str,
    },
    /// The ID token lacks something, or has it in another form.
    #[error("the provider's ID token is of no use here: {reason}")]
    Claims {
        /// What is missing or wrong.
        reason: String,
    },
    /// The machine gives no random numbers.
    #[error(transparent)]
    Access(#[from] AccessError),
}

/// The code of an OAuth error, if it is one: nothing else of it is shown.
pub(crate) fn plain_code(code: &str) -> String {
    /// The longest that a standard has is `registration_not_supported`.
    const CODE_BYTES_MAX: usize = 64;
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    match !code.is_empty() && code.len() <= CODE_BYTES_MAX && code.bytes().all(is_plain) {
        true => code.to_owned(),
        false => "an error without a name".to_owned(),
    }
}
