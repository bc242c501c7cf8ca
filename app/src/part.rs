//! Where a component ends: a view whose type nobody needs to know any more.
//!
//! On the server that is Leptos' own `AnyView`. In the browser `AnyView` would keep, for each type, the code of everything that
//! a view can ever be asked for: to be built without HTML from the server, to be rebuilt in place, to be hydrated in steps. That
//! was a third of the program that readers download. A [`Part`] is taken over from the server's HTML, once, and nothing else.
//!
//! To take over a whole page at once keeps a phone from anything else for as long as that lasts. So most parts come [`later`], each by
//! itself: the HTML is there and reads as it will, and the browser can paint and scroll in between.

#[cfg(all(feature = "hydrate", not(feature = "ssr")))]
pub(crate) use browser::{Part, later};
#[cfg(not(all(feature = "hydrate", not(feature = "ssr"))))]
pub(crate) use leptos::prelude::AnyView as Part;

use leptos::tachys::reactive_graph::SharedReactiveFunction;
use std::sync::{Arc, Mutex};

/// The end of a component.
pub(crate) trait IntoPart {
    /// The same view, of no particular type.
    fn into_part(self) -> Part;
}

/// A text that follows what it is made of, in an element or an attribute. All such texts are of one type: each function's own would be
/// some hundred bytes of the program.
pub(crate) fn text(make: impl FnMut() -> String + Send + 'static) -> SharedReactiveFunction<String> {
    Arc::new(Mutex::new(make))
}

/// The same of what is so or not.
pub(crate) fn flag(make: impl FnMut() -> bool + Send + 'static) -> SharedReactiveFunction<bool> {
    Arc::new(Mutex::new(make))
}

/// A part that the browser takes over in a task of its own, after those that can't wait, in the order in which they are called for. On
/// the server there is no later.
#[cfg(not(all(feature = "hydrate", not(feature = "ssr"))))]
pub(crate) fn later<T: leptos::tachys::view::RenderHtml>(view: impl FnOnce() -> T + Send + 'static) -> Part {
    view().into_part()
}

#[cfg(not(all(feature = "hydrate", not(feature = "ssr"))))]
impl<T: leptos::tachys::view::RenderHtml> IntoPart for T {
    fn into_part(self) -> Part {
        leptos::prelude::IntoAny::into_any(self)
    }
}

#[cfg(all(feature = "hydrate", not(feature = "ssr")))]
mod browser {
    use super::IntoPart;
    use leptos::prelude::{Owner, StoredValue, set_timeout, window};
    use leptos::tachys::html::attribute::Attribute;
    use leptos::tachys::html::attribute::any_attribute::AnyAttribute;
    use leptos::tachys::hydration::Cursor;
    use leptos::tachys::renderer::types::{Element, Node};
    use leptos::tachys::view::add_attr::AddAnyAttr;
    use leptos::tachys::view::{Mountable, Position, PositionState, Render, RenderHtml};
    use leptos::wasm_bindgen::JsCast;
    use std::time::Duration;

    /// Goes over what the server has rendered, from a place of the document on.
    type TakeOver = dyn FnOnce(&Cursor, &PositionState) -> Hydrated + Send;

    /// A view that takes over what the server has rendered.
    pub(crate) struct Part(Box<TakeOver>);

    /// What was taken over; nothing, where the server had not rendered it.
    pub(crate) struct Hydrated(Option<Box<dyn Mountable>>);

    impl<T: RenderHtml> IntoPart for T {
        fn into_part(self) -> Part {
            const { assert!(T::EXISTS, "a part begins with an element") };
            let view = self.into_owned();
            Part(Box::new(move |cursor, position| Hydrated(Some(Box::new(view.hydrate::<true>(cursor, position))))))
        }
    }

    pub(crate) fn later<T: RenderHtml>(view: impl FnOnce() -> T + Send + 'static) -> Part {
        taken_over_later(Box::new(move || view().into_part()))
    }

    fn taken_over_later(part: Box<dyn FnOnce() -> Part + Send>) -> Part {
        let owner = Owner::current().unwrap_or_default();
        Part(Box::new(move |cursor, position| {
            match position.get() {
                Position::FirstChild => cursor.child(),
                Position::Current => {}
                _ => cursor.sibling(),
            }
            position.set(Position::NextChild);
            let here = cursor.current();
            // Tasks of no delay run one after the other, and what has come meanwhile between them.
            let take_over = move || {
                owner.with(|| {
                    let cursor = Cursor::new(here.unchecked_into());
                    let Part(take_over) = part();
                    // It lives as long as whoever has called for it.
                    StoredValue::new_local(take_over(&cursor, &PositionState::new(Position::Current)));
                });
            };
            set_timeout(take_over, Duration::ZERO);
            Hydrated(None)
        }))
    }

    impl Render for Part {
        type State = Hydrated;

        /// The browser has come to a page of another kind, which the server renders.
        fn build(self) -> Hydrated {
            // Fails nowhere that a page can be reloaded by its reader.
            let _ = window().location().reload();
            Hydrated(None)
        }

        fn rebuild(self, state: &mut Hydrated) {
            *state = self.build();
        }
    }

    impl AddAnyAttr for Part {
        type Output<SomeNewAttr: Attribute> = Part;

        fn add_any_attr<NewAttr: Attribute>(self, _: NewAttr) -> Part {
            self
        }
    }

    impl RenderHtml for Part {
        type AsyncOutput = Part;
        type Owned = Part;

        const MIN_LENGTH: usize = 0;

        fn dry_resolve(&mut self) {}

        async fn resolve(self) -> Part {
            self
        }

        /// The server has parts of the other kind.
        fn to_html_with_buf(self, _: &mut String, _: &mut Position, _: bool, _: bool, _: Vec<AnyAttribute>) {}

        fn hydrate<const FROM_SERVER: bool>(self, cursor: &Cursor, position: &PositionState) -> Hydrated {
            (self.0)(cursor, position)
        }

        fn into_owned(self) -> Part {
            self
        }
    }

    impl Mountable for Hydrated {
        fn unmount(&mut self) {
            if let Some(state) = &mut self.0 {
                state.unmount();
            }
        }

        fn mount(&mut self, parent: &Element, marker: Option<&Node>) {
            if let Some(state) = &mut self.0 {
                state.mount(parent, marker);
            }
        }

        fn insert_before_this(&self, child: &mut dyn Mountable) -> bool {
            self.0.as_ref().is_some_and(|state| state.insert_before_this(child))
        }

        fn elements(&self) -> Vec<Element> {
            self.0.as_ref().map(|state| state.elements()).unwrap_or_default()
        }
    }
}
