//! What the user's surroundings say: the only file that reads the environment and knows a home directory.

pub(crate) mod user;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use user::UserConfig;

/// The user's surroundings, read once.
#[derive(Debug, Clone, Default)]
pub(crate) struct Config {
    env: BTreeMap<String, OsString>,
    /// This program's own file, links resolved.
    program: Option<PathBuf>,
    /// The current folder.
    pub(crate) here: PathBuf,
}

/// A program that reel starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Companion {
    /// Runs kinds that decode or call C.
    Worker,
    /// Speaks.
    Speak,
}

impl Companion {
    /// Its file name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Worker => "reel-worker",
            Self::Speak => "reel-speak",
        }
    }

    /// The variable that names another one.
    pub(crate) const fn variable(self) -> &'static str {
        match self {
            Self::Worker => "REEL_WORKER",
            Self::Speak => "REEL_SPEAK",
        }
    }
}

impl Config {
    /// Reads the environment of this process.
    pub(crate) fn read() -> Self {
        let env =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value))).collect();
        let program = std::env::current_exe().and_then(|path| path.canonicalize()).ok();
        let here = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
        Self { env, program, here }
    }

    /// This program's own file.
    pub(crate) fn program(&self) -> Option<&Path> {
        self.program.as_deref()
    }

    /// The value of a variable; empty counts as not set.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.env
            .get(name)
            .filter(|value| !value.is_empty())
            .and_then(|value| value.to_str())
            .map(str::to_owned)
    }

    /// The file in which the host of a job collects what is to be shown of it, where there is one.
    pub(crate) fn job_summary(&self) -> Option<PathBuf> {
        self.text("GITHUB_STEP_SUMMARY").map(PathBuf::from)
    }

    fn folder(&self, name: &str) -> Option<PathBuf> {
        let path = PathBuf::from(self.env.get(name)?);
        path.is_absolute().then_some(path)
    }

    /// All variables whose values are text.
    pub(crate) fn variables(&self) -> BTreeMap<String, String> {
        self.env.iter().filter_map(|(name, value)| Some((name.clone(), value.to_str()?.to_owned()))).collect()
    }

    /// Whether the user wants no colours from any program.
    pub(crate) fn no_color(&self) -> bool {
        self.text("NO_COLOR").is_some()
    }

    /// Whether the terminal cannot move its cursor.
    pub(crate) fn dumb_terminal(&self) -> bool {
        self.text("TERM").is_some_and(|term| term == "dumb")
    }

    /// The folder of the cache: what was asked for, else `REEL_CACHE_DIR`, else in the user's cache folder.
    pub(crate) fn cache_dir(&self, asked: Option<&Path>) -> PathBuf {
        if let Some(asked) = asked {
            return self.here.join(asked);
        }
        if let Some(named) = self.env.get("REEL_CACHE_DIR").filter(|value| !value.is_empty()) {
            return self.here.join(named);
        }
        let caches = self.folder("XDG_CACHE_HOME").or_else(|| Some(self.folder("HOME")?.join(".cache")));
        caches.unwrap_or_else(|| self.temporary()).join("reel")
    }

    /// The system's folder for what may go at any time.
    pub(crate) fn temporary(&self) -> PathBuf {
        self.folder("TMPDIR").unwrap_or_else(|| PathBuf::from("/tmp"))
    }

    /// Where a companion is: named by its variable, beside this program, or in `../libexec/reel` of it.
    pub(crate) fn companion(&self, which: Companion) -> Option<PathBuf> {
        if let Some(named) = self.env.get(which.variable()).filter(|value| !value.is_empty()) {
            return Some(self.here.join(named)).filter(|path| path.is_file());
        }
        let beside = self.program.as_ref()?.parent()?;
        let places = [beside.join(which.name()), beside.join("../libexec/reel").join(which.name())];
        places.into_iter().find(|path| path.is_file())
    }

    /// The environment that companions get; nothing else of ours reaches them.
    pub(crate) fn companion_env(&self) -> Vec<(OsString, OsString)> {
        let mut env: Vec<(OsString, OsString)> =
            ["PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "ESPEAK_DATA_PATH"]
                .into_iter()
                .filter_map(|name| Some((name.into(), self.env.get(name)?.clone())))
                .collect();
        env.push(("LANG".into(), "C.UTF-8".into()));
        env.push(("TZ".into(), "UTC".into()));
        // SVT-AV1 tells of every encoder that it opens, on standard error, which is the log of the action.
        env.push(("SVT_LOG".into(), "1".into()));
        // Devices are counted by their places on the bus, as their driver lists them, and not by their speed.
        env.push(("CUDA_DEVICE_ORDER".into(), "PCI_BUS_ID".into()));
        // A worker lives long and decodes large pictures: what it frees goes back to the system (mallopt(3)).
        // glibc would otherwise raise these thresholds by itself and keep the largest it ever had.
        env.push(("MALLOC_MMAP_THRESHOLD_".into(), "262144".into()));
        env.push(("MALLOC_TRIM_THRESHOLD_".into(), "262144".into()));
        env
    }

    /// The arguments of the worker: which speaker to use.
    pub(crate) fn worker_args(&self) -> Vec<OsString> {
        let speak = self.companion(Companion::Speak);
        speak.map(|path| vec!["--speak".into(), path.into()]).unwrap_or_default()
    }

    /// Folders of commands.
    pub(crate) fn path(&self) -> Vec<PathBuf> {
        let path = self.env.get("PATH").map(std::env::split_paths);
        path.into_iter().flatten().filter(|folder| folder.is_absolute()).collect()
    }

    /// Folders of fonts.
    pub(crate) fn font_dirs(&self) -> Vec<PathBuf> {
        let mut dirs = vec![PathBuf::from("/usr/share/fonts"), PathBuf::from("/usr/local/share/fonts")];
        if let Some(home) = self.folder("HOME") {
            dirs.extend([home.join(".local/share/fonts"), home.join(".fonts")]);
        }
        dirs
    }

    /// The folder of what a user decides for all projects.
    fn config_dir(&self) -> Option<PathBuf> {
        let configs =
            self.folder("XDG_CONFIG_HOME").or_else(|| Some(self.folder("HOME")?.join(".config")))?;
        Some(configs.join("reel"))
    }

    /// What the user's config file says.
    ///
    /// # Errors
    /// What is wrong with it, in one line.
    pub(crate) fn user(&self) -> Result<UserConfig, String> {
        self.user_file().map_or_else(|| Ok(UserConfig::default()), |file| user::read(&file))
    }

    /// The user's config file.
    pub(crate) fn user_file(&self) -> Option<PathBuf> {
        Some(self.config_dir()?.join("config.yaml"))
    }

    /// The file that lists trusted projects.
    fn trust_file(&self) -> Option<PathBuf> {
        Some(self.config_dir()?.join("trust"))
    }

    /// Trusted projects, in the order of their paths.
    pub(crate) fn trusted(&self) -> Vec<PathBuf> {
        let text = self.trust_file().and_then(|file| std::fs::read_to_string(file).ok()).unwrap_or_default();
        let mut projects: Vec<PathBuf> =
            text.lines().filter(|line| !line.is_empty()).map(PathBuf::from).collect();
        projects.sort_unstable();
        projects.dedup();
        projects
    }

    /// Whether a project's commands may run.
    pub(crate) fn is_trusted(&self, root: &Path) -> bool {
        let projects = self.trusted();
        !projects.is_empty() && root.canonicalize().is_ok_and(|root| projects.contains(&root))
    }

    /// Trusts a project, or no longer; returns whether that changed anything, and the file that says so.
    ///
    /// # Errors
    /// When the file cannot be written, or the project has a name that it cannot hold.
    pub(crate) fn set_trust(&self, root: &Path, trust: bool) -> io::Result<(bool, PathBuf)> {
        let file =
            self.trust_file().ok_or_else(|| io::Error::other("neither XDG_CONFIG_HOME nor HOME is set"))?;
        let root = root.canonicalize()?;
        if root.to_str().is_none_or(|text| text.contains('\n')) {
            return Err(io::Error::other("its path is not plain text"));
        }
        let mut projects = self.trusted();
        let before = projects.len();
        projects.retain(|project| *project != root);
        let was = projects.len() < before;
        if trust {
            projects.push(root);
            projects.sort_unstable();
        }
        if was == trust {
            return Ok((false, file));
        }
        let folder = file.parent().unwrap_or_else(|| Path::new("/"));
        std::fs::create_dir_all(folder)?;
        let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
        for project in projects {
            writeln!(temporary, "{}", project.display())?;
        }
        temporary.persist(&file).map_err(|error| error.error)?;
        Ok((true, file))
    }
}

/// The day at Greenwich, `YYYY-MM-DD`.
pub(crate) fn today() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    date(since.as_secs() / 86_400)
}

/// The date of a day counted from 1 January 1970, in the Gregorian calendar.
fn date(day: u64) -> String {
    // Years begin in March here, so that a leap day is the last of its year.
    let day = day + 719_468;
    let (era, day) = (day / 146_097, day % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    format!("{:04}-{month:02}-{day:02}", era * 400 + year + next)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(vars: &[(&str, &str)]) -> Config {
        let env = vars.iter().map(|(name, value)| ((*name).to_owned(), OsString::from(value))).collect();
        Config { env, program: None, here: "/here".into() }
    }

    #[test]
    fn the_nearest_wish_decides_where_the_cache_is() {
        let vars = [("REEL_CACHE_DIR", "named"), ("XDG_CACHE_HOME", "/xdg"), ("HOME", "/home/a")];
        assert_eq!(config(&vars).cache_dir(Some(Path::new("asked"))), Path::new("/here/asked"));
        assert_eq!(config(&vars).cache_dir(None), Path::new("/here/named"));
        assert_eq!(config(&vars[1..]).cache_dir(None), Path::new("/xdg/reel"));
        assert_eq!(config(&vars[2..]).cache_dir(None), Path::new("/home/a/.cache/reel"));
        let relative = [("XDG_CACHE_HOME", "xdg"), ("HOME", "/home/a")];
        assert_eq!(
            config(&relative).cache_dir(None),
            Path::new("/home/a/.cache/reel"),
            "XDG paths are absolute"
        );
    }

    #[test]
    fn days_have_dates() {
        let cases = [
            (0, "1970-01-01"),
            (59, "1970-03-01"),
            (11_016, "2000-02-29"),
            (11_017, "2000-03-01"),
            (20_777, "2026-11-20"),
        ];
        for (day, text) in cases {
            assert_eq!(date(day), text);
        }
    }

    #[test]
    fn companions_are_found_beside_and_in_libexec() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("bin")).unwrap();
        std::fs::create_dir_all(dir.path().join("libexec/reel")).unwrap();
        let config = Config { program: Some(dir.path().join("bin/reel")), ..config(&[]) };
        assert_eq!(config.companion(Companion::Worker), None);
        std::fs::write(dir.path().join("libexec/reel/reel-worker"), "").unwrap();
        assert!(config.companion(Companion::Worker).unwrap().ends_with("libexec/reel/reel-worker"));
        std::fs::write(dir.path().join("bin/reel-worker"), "").unwrap();
        assert!(config.companion(Companion::Worker).unwrap().ends_with("bin/reel-worker"));
    }

    #[test]
    fn trust_is_kept_and_taken_back() {
        let dir = tempfile::tempdir().unwrap();
        let project = dir.path().join("film");
        std::fs::create_dir(&project).unwrap();
        let config = config(&[("XDG_CONFIG_HOME", dir.path().to_str().unwrap())]);
        assert!(!config.is_trusted(&project));
        assert!(config.set_trust(&project, true).unwrap().0);
        assert!(!config.set_trust(&project, true).unwrap().0, "nothing new");
        assert!(config.is_trusted(&project) && !config.is_trusted(dir.path()));
        assert!(config.set_trust(&project, false).unwrap().0);
        assert!(!config.is_trusted(&project));
    }
}
