//! What projects can begin with: the files of each template. It writes none.

use crate::args::Template;

/// A file of a template: where it goes, and what it holds. `NAME` stands for the name of the project.
pub(super) type File = (&'static str, &'static str);

/// The files of a template.
pub(super) const fn files(template: Template) -> &'static [File] {
    match template {
        Template::Short => &[("reel.yaml", include_str!("short/reel.yaml"))],
        Template::Slides => &[("reel.yaml", include_str!("slides/reel.yaml"))],
        Template::PodcastClips => &[("reel.yaml", include_str!("podcast-clips/reel.yaml"))],
        Template::ProductUpdate => &[
            ("reel.yaml", include_str!("product-update/reel.yaml")),
            ("assets/faster.svg", include_str!("product-update/assets/faster.svg")),
        ],
        Template::Catalog => &[
            ("reel.yaml", include_str!("catalog/reel.yaml")),
            ("brand.yaml", include_str!("catalog/brand.yaml")),
            ("products.csv", include_str!("catalog/products.csv")),
        ],
    }
}
