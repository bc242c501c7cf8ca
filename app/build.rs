//! Makes the words of all languages into code, from `locales/`, by `leptos_i18n`'s own parser and generator.
//!
//! `leptos_i18n_build` calls the same two, and brings 60 crates along that fetch and bake ICU data. The macro `load_locales!` reads
//! JSON only, and its texts with something in between are views.

use icu_locale::Locale;
use icu_plurals::{PluralCategory, PluralRules};
use leptos_i18n_parser::parse_locales::options::{Config, FileFormat, ParseOptions};
use leptos_i18n_parser::parse_locales::parse_locales;
use std::path::Path;
use std::{env, error::Error, fs};

/// All languages. The first is for readers of none of them, and has the keys that the others must have.
const LANGUAGES: [&str; 2] = ["en", "ru"];
/// A smaller number than this decides by itself which form of a noun it takes, and a greater one by its last two digits.
const ALONE: u64 = 100;
/// Up to here that is checked.
const CHECKED: u64 = 10_000;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let options = ParseOptions::new().file_format(FileFormat::Toml).interpolate_display(true);
    let config = Config::new(LANGUAGES[0])?.add_locales(&LANGUAGES[1..])?.parse_options(options);
    let parsed = parse_locales(None, config)?;
    for file in parsed.tracked_files.iter().flatten() {
        println!("cargo::rerun-if-changed={file}");
    }
    // What a language lacks ends the build: a page that is half in another language helps nobody.
    let (errors, warnings) = parsed.diag.borrow();
    for wrong in errors.iter().map(ToString::to_string).chain(warnings.iter().map(ToString::to_string)) {
        println!("cargo::error={wrong}");
    }
    let library = syn::parse_str("crate::words::library")?;
    let words = leptos_i18n_codegen::gen_code(&parsed, Some(&library), false, None, false)?;
    let forms = LANGUAGES.into_iter().map(forms).collect::<Result<Vec<_>, _>>()?;
    for (language, forms) in LANGUAGES.iter().zip(&forms) {
        for lacking in lacking(&fs::read_to_string(format!("locales/{language}.toml"))?, forms) {
            println!("cargo::error=Missing form \"{lacking}\" in locale \"{language}\"");
        }
    }
    let made = Path::new(&env::var("OUT_DIR")?).to_owned();
    fs::write(made.join("words.rs"), words.to_string())?;
    fs::write(made.join("forms.rs"), format!("{forms:?}"))?;
    Ok(())
}

/// The form that a noun takes after each number below [`ALONE`], and then after each two last digits, by the rules of the CLDR: a
/// letter each. The program has them in 200 bytes a language, in place of ICU's data and what reads them.
fn forms(language: &str) -> Result<String, Box<dyn Error>> {
    let rules = PluralRules::try_new_cardinal(language.parse::<Locale>()?.into())?;
    let form = |number: u64| match rules.category_for(number) {
        PluralCategory::Zero => 'z',
        PluralCategory::One => '1',
        PluralCategory::Two => '2',
        PluralCategory::Few => 'f',
        PluralCategory::Many => 'm',
        PluralCategory::Other => 'o',
    };
    if let Some(odd) = (2 * ALONE..CHECKED).find(|number| form(*number) != form(ALONE + number % ALONE)) {
        return Err(format!("The plurals of {language} are not a matter of the last two digits: see {odd}.").into());
    }
    Ok((0..2 * ALONE).map(form).collect())
}

/// The forms that nouns of a file lack. `leptos_i18n` would take the form for fractions in their place.
fn lacking(file: &str, forms: &str) -> Vec<String> {
    let names = [('z', "zero"), ('1', "one"), ('2', "two"), ('f', "few"), ('m', "many")];
    let needed: Vec<&str> = names.iter().filter(|(form, _)| forms.contains(*form)).map(|(_, name)| *name).collect();
    let nouns = file.lines().filter_map(|line| line.split_once("_other = ")).map(|(noun, _)| noun);
    let all = nouns.flat_map(|noun| needed.iter().map(move |form| format!("{noun}_{form}")));
    all.filter(|key| !file.contains(&format!("\n{key} = "))).collect()
}
