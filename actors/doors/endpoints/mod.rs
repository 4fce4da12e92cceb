//! The table of endpoints: a path and a method are routed by the same line that describes them, so what
//! `/v1/openapi.json` and the pages under `docs/api/` say is what is served.
//!
//! | file | what it is |
//! |---|---|
//! | `parameter.rs` | what a query may say |
//! | `openapi.rs` | the table as an OpenAPI description |
//! | `page.rs` | the table as pages for people |

mod openapi;
mod page;
mod parameter;

use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{MethodFilter, on};
use axum::{Extension, Router};

pub use openapi::describe;
pub use page::pages;
pub use parameter::{Declared, Kind, Parameter, Parameters, common};

/// One method of one path.
#[derive(Clone, Debug)]
pub struct Endpoint {
    pub method: Method,
    /// As it is described: `/v1/kv/{key}`.
    pub path: String,
    /// What it does, in a sentence or more.
    pub about: &'static str,
    pub parameters: &'static [Parameters],
    /// What the request's body is.
    pub body: Option<&'static str>,
}

impl Endpoint {
    pub fn query(&self) -> impl Iterator<Item = &'static Parameter> + use<> {
        self.parameters.iter().copied().flatten()
    }

    /// The names in braces.
    pub fn path_parameters(&self) -> impl Iterator<Item = &str> {
        self.path.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name)
    }
}

/// A path that is answered only to say what to use instead.
#[derive(Clone, Debug)]
pub struct Instead {
    pub path: String,
    pub why: &'static str,
}

/// Endpoints that belong together.
#[derive(Clone, Debug)]
pub struct Family {
    /// Its name in metrics.
    pub name: &'static str,
    /// The page it stands on.
    pub page: &'static str,
    pub about: &'static str,
    pub endpoints: Vec<Endpoint>,
    pub instead: Vec<Instead>,
}

/// A family with its routes.
pub struct Endpoints<S> {
    family: Family,
    router: Router<S>,
}

impl<S: Clone + Send + Sync + 'static> Endpoints<S> {
    pub fn new(name: &'static str, page: &'static str, about: &'static str) -> Self {
        let family = Family { name, page, about, endpoints: Vec::new(), instead: Vec::new() };
        Self { family, router: Router::new() }
    }

    /// Answers `HEAD` too.
    #[must_use]
    pub fn get<H: Handler<T, S>, T: 'static>(
        self,
        path: &'static str,
        handler: H,
        about: &'static str,
        parameters: &'static [Parameters],
    ) -> Self {
        self.on(Method::GET, MethodFilter::GET, path, handler, about, parameters)
    }

    #[must_use]
    pub fn put<H: Handler<T, S>, T: 'static>(
        self,
        path: &'static str,
        handler: H,
        about: &'static str,
        parameters: &'static [Parameters],
    ) -> Self {
        self.on(Method::PUT, MethodFilter::PUT, path, handler, about, parameters)
    }

    #[must_use]
    pub fn post<H: Handler<T, S>, T: 'static>(
        self,
        path: &'static str,
        handler: H,
        about: &'static str,
        parameters: &'static [Parameters],
    ) -> Self {
        self.on(Method::POST, MethodFilter::POST, path, handler, about, parameters)
    }

    #[must_use]
    pub fn delete<H: Handler<T, S>, T: 'static>(
        self,
        path: &'static str,
        handler: H,
        about: &'static str,
        parameters: &'static [Parameters],
    ) -> Self {
        self.on(Method::DELETE, MethodFilter::DELETE, path, handler, about, parameters)
    }

    /// What the body of the last one is.
    #[must_use]
    pub fn takes(mut self, body: &'static str) -> Self {
        if let Some(last) = self.family.endpoints.last_mut() {
            last.body = Some(body);
        }
        self
    }

    /// A path that ends before the name that belongs there: for the same methods as the path with the name.
    #[must_use]
    pub fn unnamed<H: Handler<T, S>, T: 'static>(
        mut self,
        path: &'static str,
        method: MethodFilter,
        handler: H,
    ) -> Self {
        self.router = self.router.route(path, on(method, handler).route_layer(Extension(Declared(&[]))));
        self
    }

    /// A path that is not served, with every method.
    #[must_use]
    pub fn instead<H: Handler<T, S>, T: 'static>(mut self, path: &'static str, handler: H, why: &'static str) -> Self {
        self.router = self.router.route(path, axum::routing::any(handler));
        self.family.instead.push(Instead { path: shown(path), why });
        self
    }

    fn on<H: Handler<T, S>, T: 'static>(
        mut self,
        method: Method,
        filter: MethodFilter,
        path: &'static str,
        handler: H,
        about: &'static str,
        parameters: &'static [Parameters],
    ) -> Self {
        self.router = self.router.route(path, on(filter, handler).route_layer(Extension(Declared(parameters))));
        self.family.endpoints.push(Endpoint { method, path: shown(path), about, parameters, body: None });
        self
    }

    pub fn into_parts(self) -> (Family, Router<S>) {
        (self.family, self.router)
    }
}

/// The router says whether a name may hold slashes; a reader need not know.
fn shown(path: &str) -> String {
    path.replace("{*", "{")
}
