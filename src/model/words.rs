//! Choices among a few words.

/// A choice that has one word for each of its values.
pub trait Word: Copy + 'static {
    const WORDS: &'static [(Self, &'static str)];
}

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $value:ident = $word:literal),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize)]
        pub enum $name { $($(#[$of])* $value),* }

        impl $crate::model::Word for $name {
            const WORDS: &'static [(Self, &'static str)] = &[$((Self::$value, $word)),*];
        }

        impl $name {
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$value => $word),* }
            }

            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$value),)* _ => None }
            }
        }
    )*};
}

pub(crate) use words;
