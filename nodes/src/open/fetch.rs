//! `fetch`: the bytes behind a URL, which the lock file pins. It knows no picture, only what bytes claim to be.
//!
//! Inputs that take a URL make such a node by themselves.
//!
//! ```yaml
//! nodes:
//!   photo: { uses: fetch, with: { url: "https://example.org/moon.jpg", as: image } }
//! ```

mod address;
mod download;

use reel_engine::artifact::{Port, PortType};
use reel_engine::claim::Claim;
use reel_engine::diagnostic::code;
use reel_engine::operation::{
    Call, Failure, FailureCode, Info, Kind, Outcome, Reproducible, Resolve, Site, Take,
};
use reel_engine::quantity::Bytes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::host::Network;

/// `with:` of `fetch`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// Where it is: `https://…` or `http://…`.
    pub url: String,
    /// What it must be, by its bytes.
    #[serde(default, rename = "as")]
    pub content: Content,
    /// Most bytes that are taken.
    #[serde(default = "default_limit")]
    pub limit: Bytes,
}

/// What fetched bytes must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Content {
    /// Sound.
    Audio,
    /// A picture.
    Image,
    /// Moving pictures.
    Video,
    /// Anything.
    #[default]
    File,
}

impl Content {
    const fn port(self) -> PortType {
        match self {
            Self::Audio => PortType::Audio,
            Self::Image => PortType::Image,
            Self::Video => PortType::Video,
            Self::File => PortType::File,
        }
    }
}

const fn default_limit() -> Bytes {
    Bytes(512 << 20)
}

/// The kind.
#[derive(Debug, Clone, Copy, Default)]
pub struct Fetch {
    /// What may be fetched.
    pub network: Network,
}

impl Kind for Fetch {
    type Params = Params;

    fn info(&self) -> Info {
        Info {
            name: "fetch",
            version: 1,
            summary: "takes a file from the web, once, and pins it",
            example: "photo: { uses: fetch, with: { url: \"https://example.org/moon.jpg\", as: image } }",
            site: Site::Inline,
            reproducible: Reproducible::Exact,
            expands: false,
        }
    }

    fn ports(&self, params: &Params) -> Vec<Port> {
        vec![Port::one("file", params.content.port())]
    }

    fn claim(&self, _: &Params) -> Claim {
        Claim { network: 1, ..Claim::tiny() }
    }

    fn take(&self, params: &Params) -> Option<Take> {
        Some(Take::Fetched { url: params.url.clone() })
    }

    fn check(&self, params: &mut Params, cx: &mut Resolve<'_>) {
        let wrong = match Url::parse(&params.url) {
            Err(error) => Some(format!("`{}` is not a URL: {error}", params.url)),
            Ok(url) if !matches!(url.scheme(), "http" | "https") => {
                Some(format!("`{}` is neither http nor https", params.url))
            }
            Ok(url) if !url.username().is_empty() || url.password().is_some() => {
                Some("a URL with a password in it would be written to the lock file".into())
            }
            Ok(_) => None,
        };
        if let Some(message) = wrong {
            cx.problem("/url", code::BAD_VALUE, message, None);
        }
    }

    fn run(&self, params: Params, call: &Call<'_>) -> Result<Outcome, Failure> {
        if self.network.offline {
            let message = format!("`{}` would have to be fetched, and the network is forbidden", params.url);
            return Err(Failure::of(FailureCode::Take, message).help("build once without `--offline`"));
        }
        let url = Url::parse(&params.url).map_err(|error| Failure::new(error.to_string()))?;
        // What follows the host may hold a secret.
        let _span = tracing::debug_span!("fetch", host = url.host_str().unwrap_or_default()).entered();
        let path = call.scratch.join("fetched");
        let limits = download::Limits { bytes: params.limit.0, ..download::Limits::default() };
        let got = download::download(url, &path, limits, self.network.allow_private, call)?;
        let port = params.content.port();
        if !crate::media::sniff::fits(got.media, port) {
            let what = got.media.unwrap_or("something unknown");
            return Err(Failure::new(format!("`{}` is not {}: it is {what}", params.url, named(port)))
                .help("open it in a browser: it may be a page about what you want"));
        }
        let media = got.media.unwrap_or("application/octet-stream");
        Ok(Outcome { log: got.log, ..Outcome::default() }.with_file("file", media, path))
    }
}

const fn named(port: PortType) -> &'static str {
    match port {
        PortType::Audio => "sound",
        PortType::Image => "a picture",
        PortType::Video => "a video",
        _ => "a file",
    }
}

#[cfg(test)]
mod tests;
