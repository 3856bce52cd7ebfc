//! The page's files, and the headers that keep it from doing more than it needs.

use std::path::{Path, PathBuf};

use axum::Router;
use axum::extract::Request;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};
use tower_http::services::ServeDir;

/// Serves the folder at `/`. A file beside which lies the same with `.br` goes out compressed to those who accept it.
pub(crate) fn service(dir: &Path) -> Router {
    let index = dir.join("index.html");
    Router::new().fallback_service(ServeDir::new(dir).precompressed_br()).layer(from_fn(
        move |request: Request, next: Next| {
            let index = index.clone();
            async move { with_headers(next.run(request).await, index).await }
        },
    ))
}

async fn with_headers(mut response: Response, index: PathBuf) -> Response {
    let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let is_page = content_type.is_some_and(|value| value.starts_with("text/html"));
    // The headers of a 304 replace those that the browser kept, so that it needs the page's policy as well.
    let has_policy = is_page || response.status() == StatusCode::NOT_MODIFIED;
    let page =
        if has_policy { tokio::fs::read_to_string(index).await.unwrap_or_default() } else { String::new() };
    let headers = response.headers_mut();
    // The page and the worker's script have no hash in their names, and must never be of another build: always ask.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(policy) = HeaderValue::from_str(&content_security_policy(&page)) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // The page's first address holds the token.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    let opener = HeaderName::from_static("cross-origin-opener-policy");
    headers.insert(opener, HeaderValue::from_static("same-origin"));
    response
}

/// Own files only; wasm; the page's inline scripts by their hashes; workers and downloads made from blobs.
/// `connect-src 'self'` covers the WebSocket of the same origin (CSP level 3).
fn content_security_policy(page: &str) -> String {
    let hashes: String = inline_scripts(page)
        .map(|script| format!(" 'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(script.as_bytes()))))
        .collect();
    format!(
        "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'{hashes}; worker-src 'self' blob:; \
         connect-src 'self' blob:; img-src 'self' blob: data:; style-src 'self' 'unsafe-inline'; \
         object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

/// Contents of the script elements that have no `src`, as the build tool writes them: plain tags, no comments.
fn inline_scripts(page: &str) -> impl Iterator<Item = &str> {
    page.split("<script").skip(1).filter_map(|rest| {
        let (attributes, rest) = rest.split_once('>')?;
        let (content, _) = rest.split_once("</script>")?;
        let has_source = attributes.split_whitespace().any(|word| word.starts_with("src="));
        (!has_source && !content.is_empty()).then_some(content)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inline_scripts_are_allowed_by_hash_and_others_by_origin() {
        let page = r#"<script src="a.js"></script><script type="module">alert(1)</script><script nonce>
x</script>"#;
        assert_eq!(inline_scripts(page).collect::<Vec<_>>(), ["alert(1)", "\nx"]);
        let policy = content_security_policy("<script>alert(1)</script>");
        assert!(policy.contains("'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='"), "{policy}");
        assert!(!content_security_policy("").contains("sha256"));
    }
}
