//! JSON Web Tokens: who has one may call.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chancery_tests::app::App;
use chancery_tests::mesh::Mesh;
use chancery_tests::setup;
use ring::hmac;
use serde_json::{Value, json};

const SECRET: &[u8] = b"a secret that nobody else knows!";
/// 2100.
const LATER: u64 = 4_102_444_800;

fn key_set() -> String {
    json!({ "keys": [{ "kty": "oct", "alg": "HS256", "kid": "k", "k": URL_SAFE_NO_PAD.encode(SECRET) }] }).to_string()
}

fn token_of(secret: &[u8], claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&json!({ "alg": "HS256", "typ": "JWT", "kid": "k" })), part(claims));
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn token(role: &str) -> String {
    token_of(
        SECRET,
        &json!({ "iss": "https://okta", "aud": "backend", "exp": LATER, "role": role, "org": { "team": "a" } }),
    )
}

fn provider(keys: &Value) -> Value {
    json!({
        "Kind": "jwt-provider", "Name": "okta", "Issuer": "https://okta", "Audiences": ["backend"],
        "JSONWebKeySet": keys,
        "Forwarding": { "HeaderName": "x-claims" },
    })
}

async fn status(mesh: &Mesh, path: &str, token: Option<&str>) -> u16 {
    let bearer = token.map(|token| format!("Bearer {token}")).unwrap_or_default();
    let headers: &[(&str, &str)] = if token.is_some() { &[("authorization", &bearer)] } else { &[] };
    mesh.request("GET", path, headers).await.map_or(0, |reply| reply.status)
}

async fn demand(mesh: &Mesh) {
    mesh.agent
        .put(
            "/v1/config",
            json!({
                "Kind": "service-intentions", "Name": "backend",
                "JWT": { "Providers": [{ "Name": "okta" }] },
                "Sources": [{ "Name": "frontend", "Permissions": [
                    { "Action": "allow", "HTTP": { "PathPrefix": "/admin" }, "JWT": { "Providers": [
                        { "Name": "okta", "VerifyClaims": [
                            { "Path": ["role"], "Value": "admin" }, { "Path": ["org", "team"], "Value": "a" },
                        ] },
                    ] } },
                    { "Action": "deny", "HTTP": { "PathPrefix": "/admin" } },
                    { "Action": "allow", "HTTP": { "PathPrefix": "/" } },
                ] }],
            }),
        )
        .await;
}

async fn tokens_decide(mesh: &Mesh) {
    let (user, admin) = (token("user"), token("admin"));
    mesh.until("a token to be demanded, and taken", async |mesh| {
        status(mesh, "/", None).await == 403 && status(mesh, "/", Some(&user)).await == 200
    })
    .await;
    assert_eq!(status(mesh, "/admin", Some(&admin)).await, 200);
    assert_eq!(status(mesh, "/admin", Some(&user)).await, 403, "the claim is another");
    let claims = |issuer: &str, audience: &str, expires: u64| json!({ "iss": issuer, "aud": audience, "exp": expires });
    for (what, wrong) in [
        ("another signature", token_of(b"another secret, as long as that!", &claims("https://okta", "backend", LATER))),
        ("another issuer", token_of(SECRET, &claims("https://else", "backend", LATER))),
        ("another audience", token_of(SECRET, &claims("https://okta", "else", LATER))),
        ("expired", token_of(SECRET, &claims("https://okta", "backend", 1_000_000_000))),
        ("no token at all", "x.y.z".to_owned()),
        ("no signature", {
            let head = URL_SAFE_NO_PAD.encode(json!({ "alg": "none" }).to_string());
            format!("{head}.{}.", URL_SAFE_NO_PAD.encode(claims("https://okta", "backend", LATER).to_string()))
        }),
    ] {
        assert_eq!(status(mesh, "/", Some(&wrong)).await, 403, "{what}");
    }
    let bearer = format!("Bearer {user}");
    let forged = [("authorization", bearer.as_str()), ("x-claims", "forged")];
    let told = mesh.request("GET", "/", &forged).await.expect("an answer").told();
    let payload = URL_SAFE_NO_PAD.decode(told["headers"]["x-claims"].as_str().unwrap_or_default());
    let payload: Value = serde_json::from_slice(&payload.expect("the payload in base64")).expect("claims");
    assert_eq!(payload["role"], "user");
    assert_eq!(told["headers"]["authorization"], Value::Null, "the application does not get the token itself");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_a_token_may_call() {
    if !setup::has_envoy("tokens") {
        return;
    }
    let mesh = Mesh::http().await;
    mesh.agent.put("/v1/config", provider(&json!({ "Local": { "JWKS": STANDARD.encode(key_set()) } }))).await;
    demand(&mesh).await;
    tokens_decide(&mesh).await;

    let gone = mesh.agent.http.delete("/v1/config/jwt-provider/okta").await.expect("an answer");
    assert_eq!(gone.status.as_u16(), 400);
    assert!(gone.text().contains("refers to the jwt-provider \"okta\""), "{}", gone.text());
    mesh.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_fetched_from_where_they_are() {
    if !setup::has_envoy("tokens with remote keys") {
        return;
    }
    let mesh = Mesh::http().await;
    let keys = App::http_of("keys", key_set()).await;
    let uri = format!("http://localhost:{}/jwks.json", keys.port);
    mesh.agent.put("/v1/config", provider(&json!({ "Remote": { "URI": uri, "CacheDuration": "10m" } }))).await;
    demand(&mesh).await;
    tokens_decide(&mesh).await;
    assert!(keys.calls() > 0);
    mesh.finish().await;
}
