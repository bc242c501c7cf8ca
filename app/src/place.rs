//! Where the reader is: the address, and what leads from one address of a page to another without loading it anew.
//!
//! There are two pages, and each lives at one path: what changes is the query. So no router is needed, and none is downloaded.

use crate::browser::{self, Listener, hold};
use crate::choice::Choice;
use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use web_sys::{Element, Event, HtmlAnchorElement, MouseEvent};

/// Where the map is.
pub(crate) const MAP: &str = "/federated/map";
/// Where the small map is.
pub(crate) const EMBED: &str = "/federated/embed";

/// What was asked for: the server says it as Leptos context, the browser knows it by itself.
#[derive(Clone, Debug)]
pub struct Address {
    /// The path.
    pub path: String,
    /// The query, without its question mark.
    pub query: String,
}

/// A handle to the query of the address.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    query: RwSignal<String>,
}

impl Place {
    /// The path that was asked for, and a handle to its query, which follows the reader from hydration on.
    pub(crate) fn arrive() -> (String, Self) {
        let Address { path, query } = use_context().unwrap_or_else(browser::address);
        let place = Self { query: RwSignal::new(query) };
        Effect::new(move |_| {
            hold(Listener::new(document(), "click", move |event| place.follow_link(&event)));
            hold(Listener::new(window(), "popstate", move |_| place.query.set(browser::address().query)));
        });
        provide_context(place);
        (path, place)
    }

    /// What the query says of a name, as it changes.
    pub(crate) fn asked(self, name: &str) -> Option<String> {
        self.query.with(|query| asked(query, name))
    }

    /// Leads to what another address asks for, of the page that the reader is on: the map, or the small one in a frame.
    pub(crate) fn go(self, address: &str) {
        self.change(address, true);
    }

    /// Changes what the reader has chosen, and the browser's back button does not lead back: for what changes with each letter that is
    /// written.
    pub(crate) fn keep(self, choice: Memo<Choice>, change: impl FnOnce(&mut Choice)) {
        self.change(&choice.get_untracked().with(change), false);
    }

    fn change(self, address: &str, leads_back: bool) {
        let asked = address.split_once('?').map_or("", |(_, asked)| asked);
        let mark = if asked.is_empty() { "" } else { "?" };
        browser::note_address(&format!("{}{mark}{asked}", browser::address().path), leads_back);
        self.query.set(asked.to_owned());
    }

    /// A link to another address of the same page is followed here, and any other by the browser.
    fn follow_link(self, event: &Event) {
        let Some(click) = event.dyn_ref::<MouseEvent>() else { return };
        let elsewhere = click.ctrl_key() || click.meta_key() || click.shift_key() || click.alt_key();
        let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        let link = target.and_then(|target| target.closest("a[href]").ok().flatten());
        let link = link.and_then(|link| link.dyn_into::<HtmlAnchorElement>().ok());
        let Some(link) = link.filter(|_| click.button() == 0 && !elsewhere) else { return };
        let ours = link.target().is_empty() && link.rel().is_empty() && !link.has_attribute("download");
        if ours && browser::is_here(&link) {
            event.prevent_default();
            self.go(&format!("{}{}", link.pathname(), link.search()));
        }
    }
}

/// The place that the page is at.
pub(crate) fn use_place() -> Place {
    use_context().unwrap_or_else(|| Place { query: RwSignal::new(String::new()) })
}

/// Gives the document a title, as it changes.
pub(crate) fn keep_title(title: impl Fn() -> String + Send + Sync + 'static) {
    // What is rendered of a title is not escaped, and a name may hold the tag that ends it.
    let title = move || title().replace('<', "‹");
    #[cfg(feature = "ssr")]
    let _ = leptos_meta::Title(leptos_meta::TitleProps::builder().text(title).build());
    #[cfg(not(feature = "ssr"))]
    Effect::new(move |_| document().set_title(&title()));
}

/// The value of a name in a query; none where it is not there, or is no text.
pub(crate) fn asked(query: &str, name: &str) -> Option<String> {
    let value = query.split('&').find_map(|part| part.strip_prefix(name)?.strip_prefix('='))?;
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let [byte, after @ ..] = rest {
        rest = after;
        bytes.push(match (byte, after) {
            (b'%', [high, low, after @ ..]) => {
                rest = after;
                digit(*high)? * 16 + digit(*low)?
            }
            (b'+', _) => b' ',
            (byte, _) => *byte,
        });
    }
    String::from_utf8(bytes).ok()
}

/// A hexadecimal digit.
fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}

#[cfg(test)]
mod tests {
    use super::asked;

    #[test]
    fn a_query_is_read_by_its_names() {
        let query = "res=1m&node=a%26t%3D1%23%C3%BC&x=a+b&bare";
        assert_eq!(asked(query, "res").as_deref(), Some("1m"));
        assert_eq!(asked(query, "node").as_deref(), Some("a&t=1#ü"));
        assert_eq!(asked(query, "x").as_deref(), Some("a b"));
        assert_eq!([asked(query, "bare"), asked(query, "re"), asked("", "res")], [None, None, None]);
    }

    #[test]
    fn what_is_no_text_is_not_there() {
        assert_eq!([asked("a=%ff", "a"), asked("a=%zz", "a"), asked("a=%+1", "a")], [None, None, None]);
        assert_eq!(asked("a=100%", "a").as_deref(), Some("100%"));
    }
}
