//! `leptos_i18n` as the code that it generates sees it, with the rules for plurals that `build.rs` took from the CLDR.
//!
//! Its own feature `plurals` reads them by ICU at run time, and takes 20 kB of the program (docs/page.md).

pub use leptos_i18n::*;

pub mod reexports {
    pub use leptos_i18n::reexports::*;

    pub mod icu {
        pub use leptos_i18n::reexports::icu::locid;

        /// In place of ICU's crate of that name.
        pub mod plurals {
            /// A form that a noun takes after a number.
            #[derive(Clone, Copy, Debug, PartialEq, Eq)]
            pub enum PluralCategory {
                Zero,
                One,
                Two,
                Few,
                Many,
                Other,
            }

            /// What numbers are for: only counting, here.
            pub enum PluralRuleType {
                Cardinal,
            }

            /// A number that decides on a form.
            pub type PluralOperands = u64;
        }
    }
}

pub mod __private {
    use super::reexports::icu::plurals::{PluralCategory, PluralRuleType};
    use crate::words::Language;
    pub use leptos_i18n::__private::*;

    /// By number, and from 100 on by 100 and its last two digits, the form in each language.
    static FORMS: &[&str] = &include!(concat!(env!("OUT_DIR"), "/forms.rs"));

    /// Whatever tells a number when asked: what a text with a plural takes in a view.
    pub trait InterpolatePluralCount: Fn() -> u64 + Clone + Send + Sync + 'static {}

    impl<F: Fn() -> u64 + Clone + Send + Sync + 'static> InterpolatePluralCount for F {}

    /// The rules of a language.
    #[derive(Clone, Copy)]
    pub struct Rules(&'static str);

    pub fn get_plural_rules(language: Language, _: PluralRuleType) -> Rules {
        Rules(FORMS.get(language as usize).copied().unwrap_or_default())
    }

    impl Rules {
        /// The form after a number.
        pub fn category_for(&self, number: impl Into<u64>) -> PluralCategory {
            let number = number.into();
            let place = if number < 100 { number } else { 100 + number % 100 };
            match self.0.as_bytes().get(place as usize) {
                Some(b'z') => PluralCategory::Zero,
                Some(b'1') => PluralCategory::One,
                Some(b'2') => PluralCategory::Two,
                Some(b'f') => PluralCategory::Few,
                Some(b'm') => PluralCategory::Many,
                _ => PluralCategory::Other,
            }
        }
    }
}
