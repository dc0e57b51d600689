//! Closed vocabularies: each word has one spelling, on the wire, in logs and in parsing.

/// A word that is not in the vocabulary.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no {what}; known: {known}")]
pub struct UnknownWord {
    /// What was looked for, such as `event kind`.
    pub what: &'static str,
    /// What was found.
    pub text: String,
    /// Every word of the vocabulary, separated by commas.
    pub known: String,
}

macro_rules! words {
    (
        $(#[$doc:meta])*
        $name:ident, $what:literal, { $($(#[$word_doc:meta])* $variant:ident => $word:literal,)+ }
    ) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash,
            serde::Serialize, serde::Deserialize,
        )]
        pub enum $name {
            $($(#[$word_doc])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// Every one, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word, as serialised.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = crate::UnknownWord;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::ALL.iter().copied().find(|word| word.as_str() == text).ok_or_else(|| {
                    let known: Vec<_> = Self::ALL.iter().map(|word| word.as_str()).collect();
                    crate::UnknownWord {
                        what: $what,
                        text: text.to_owned(),
                        known: known.join(", "),
                    }
                })
            }
        }
    };
}
pub(crate) use words;
