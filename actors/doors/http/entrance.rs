//! Where somebody arrives who follows a link to the agent, or to the pages that Consul has: the live page is at `/admin/`.

use axum::response::Redirect;

use super::HttpDoor;
use crate::doors::endpoints::Endpoints;

const PAGE: &str = "/admin/";

pub(super) fn endpoints() -> Endpoints<HttpDoor> {
    Endpoints::new("entrance", "admin", "Ways to the live page.")
        .get("/", to_the_page, "Leads to `/admin/`.", &[])
        .get("/ui", to_the_page, "Leads to `/admin/`.", &[])
        .get("/ui/{*rest}", to_the_page, "Leads to `/admin/`.", &[])
}

async fn to_the_page() -> Redirect {
    Redirect::temporary(PAGE)
}
