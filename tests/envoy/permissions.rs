//! Rules over requests, and how people try to get round them.

use chancery_tests::mesh::Mesh;
use chancery_tests::raw::Reply;
use chancery_tests::setup;
use serde_json::{Value, json};

/// Spellings that some application takes for something below `/admin`.
const ROUNDABOUT: [&str; 20] = [
    "/admin",
    "/admin/",
    "/admin/users",
    "/admin?x=/public",
    "//admin",
    "///admin//users",
    "/./admin",
    "/public/../admin",
    "/public/./../admin/users",
    "/%2e/admin",
    "/public/%2e%2e/admin",
    "/public/%2E%2E/admin",
    "/%61dmin",
    "/%41dmin/../admin",
    "/%2fadmin",
    "/%2Fadmin",
    "/public/..%2fadmin",
    "/public%2f..%2fadmin",
    "/public\\..\\admin",
    "/public%5c..%5cadmin",
];

async fn write(mesh: &Mesh, entry: Value) {
    mesh.agent.put("/v1/config", entry).await;
}

/// As an application that decodes a path once sees it.
fn decoded(path: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = path.split('?').next().unwrap_or_default().as_bytes();
    while let [first, after @ ..] = rest {
        let escape = (*first == b'%' && after.len() >= 2)
            .then(|| u8::from_str_radix(&String::from_utf8_lossy(&after[..2]), 16).ok())
            .flatten();
        bytes.push(escape.unwrap_or(*first));
        rest = if escape.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).replace('\\', "/")
}

/// Where a path leads an application that decodes it, takes several slashes for one, and follows dots.
fn leads_to(path: &str) -> String {
    let mut steps: Vec<String> = Vec::new();
    for step in decoded(path).split('/').filter(|step| !step.is_empty() && *step != ".") {
        if step == ".." {
            steps.pop();
        } else {
            steps.push(step.to_owned());
        }
    }
    format!("/{}", steps.join("/"))
}

/// Where the application was led, if it was asked at all.
fn arrived(reply: &Reply) -> Option<String> {
    reply.told()["path"].as_str().map(leads_to)
}

async fn until_status(mesh: &Mesh, path: &str, status: u16) {
    mesh.until(&format!("{path} to be answered with {status}"), async |mesh| {
        mesh.request("GET", path, &[]).await.is_ok_and(|reply| reply.status == status)
    })
    .await;
}

fn hardened() -> Value {
    json!({
        "Kind": "mesh",
        "HTTP": { "Incoming": { "RequestNormalization": {
            "MergeSlashes": true,
            "PathWithEscapedSlashesAction": "UNESCAPE_AND_FORWARD",
            "HeadersWithUnderscoresAction": "REJECT_REQUEST",
        } } },
    })
}

fn intentions(permissions: &Value) -> Value {
    json!({
        "Kind": "service-intentions",
        "Name": "backend",
        "Sources": [{ "Name": "frontend", "Permissions": permissions }],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forbidden_path_is_not_reached_by_another_spelling() {
    if !setup::has_envoy("permissions") {
        return;
    }
    let mesh = Mesh::http().await;
    write(&mesh, hardened()).await;
    write(&mesh, intentions(&json!([{ "Action": "deny", "HTTP": { "PathPrefix": "/admin" } }]))).await;
    until_status(&mesh, "/admin", 403).await;
    until_status(&mesh, "//admin", 403).await;
    let mut reached = Vec::new();
    for path in ROUNDABOUT {
        let reply = mesh.request("GET", path, &[]).await.expect("an answer");
        if arrived(&reply).is_some_and(|path| path.starts_with("/admin")) {
            reached.push((path, reply.told()["path"].clone()));
        }
    }
    assert!(reached.is_empty(), "{reached:?}");
    let reply = mesh.request("GET", "/public/x", &[]).await.expect("an answer");
    assert_eq!((reply.status, reply.told()["path"].as_str()), (200, Some("/public/x")));
    // another case is another path: an application that thinks otherwise needs a rule that says so
    assert_eq!(mesh.request("GET", "/Admin", &[]).await.expect("an answer").status, 200);
    mesh.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_allowed_path_leads_nowhere_else() {
    if !setup::has_envoy("permissions") {
        return;
    }
    let mesh = Mesh::http().await;
    // with nothing but the defaults
    write(
        &mesh,
        json!({
            "Kind": "service-intentions",
            "Name": "backend",
            "Sources": [
                { "Name": "frontend", "Permissions": [
                    { "Action": "allow", "HTTP": { "PathPrefix": "/public/", "Methods": ["GET"] } },
                    { "Action": "deny", "HTTP": { "PathPrefix": "/" } },
                ] },
            ],
        }),
    )
    .await;
    until_status(&mesh, "/admin", 403).await;
    until_status(&mesh, "/public/x", 200).await;
    for (method, path) in [
        ("GET", "/public/../admin"),
        ("GET", "/public/%2e%2e/admin"),
        ("GET", "/public/x/../../admin"),
        ("GET", "/PUBLIC/x"),
        ("GET", "/publicity"),
        ("GET", "/"),
        ("POST", "/public/x"),
        ("HEAD", "/public/x"),
        ("get", "/public/x"),
        ("OPTIONS", "*"),
    ] {
        let reply = mesh.request(method, path, &[]).await.expect("an answer");
        assert!(matches!(reply.status, 400 | 403 | 404), "{method} {path}: {reply:?}");
        assert_eq!(arrived(&reply), None, "{method} {path}");
    }
    mesh.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_are_tested_whatever_their_spelling() {
    if !setup::has_envoy("permissions") {
        return;
    }
    let mesh = Mesh::http().await;
    write(&mesh, hardened()).await;
    let header = |test: Value| json!({ "Action": "deny", "HTTP": { "Header": [test] } });
    write(
        &mesh,
        intentions(&json!([
            { "Action": "allow", "HTTP": { "PathExact": "/health-of-all" } },
            header(json!({ "Name": "X-Debug", "Present": true })),
            header(json!({ "Name": "X-Role", "Contains": "admin", "IgnoreCase": true })),
            header(json!({ "Name": "X-Agent", "Regex": ".*bot.*" })),
            header(json!({ "Name": "X-Team", "Prefix": "shop-", "Invert": true })),
        ])),
    )
    .await;
    let team = ("x-team", "shop-1");
    mesh.until("the rules to hold", async |mesh| {
        mesh.request("GET", "/", &[]).await.is_ok_and(|reply| reply.status == 403)
            && mesh.request("GET", "/", &[team]).await.is_ok_and(|reply| reply.status == 200)
    })
    .await;
    let cases: [(&[(&str, &str)], u16); 10] = [
        (&[team, ("X-DEBUG", "")], 403),
        (&[team, ("x_debug", "1")], 400),
        (&[team, ("x-role", "SuperADMIN")], 403),
        (&[team, ("x-role", "user"), ("X-Role", "Admin")], 403),
        (&[team, ("x-role", "user")], 200),
        (&[team, ("x-agent", "a robot, perhaps")], 403),
        (&[team, ("x-agent", "A ROBOT")], 200),
        (&[("x-team", "ops-1")], 403),
        // a header that comes twice is tested with each of its values
        (&[("x-team", "ops-1"), ("x-team", "shop-1")], 200),
        (&[("x_team", "shop-1")], 400),
    ];
    for (headers, status) in cases {
        let reply = mesh.request("GET", "/", headers).await.expect("an answer");
        assert_eq!(reply.status, status, "{headers:?}: {reply:?}");
    }
    assert_eq!(mesh.request("GET", "/health-of-all", &[]).await.expect("an answer").status, 200);
    mesh.finish().await;
}
