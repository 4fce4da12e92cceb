//! The live page: one HTML file with its script and style beside it, in the binary.

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse};

pub(super) async fn page() -> Html<&'static str> {
    Html(include_str!("page/index.html"))
}

pub(super) async fn file(Path(name): Path<String>) -> impl IntoResponse {
    let (kind, body) = match name.as_str() {
        "page.css" => ("text/css; charset=utf-8", include_str!("page/page.css")),
        "page.js" => ("text/javascript; charset=utf-8", include_str!("page/page.js")),
        _ => return (StatusCode::NOT_FOUND, "there is no such page; /admin/ is the first\n").into_response(),
    };
    ([(header::CONTENT_TYPE, kind)], body).into_response()
}
