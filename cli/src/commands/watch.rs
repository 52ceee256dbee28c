//! `reel watch`: builds whenever something of the project is another. It decides when; how, `build` knows.
//!
//! One thread waits for bells: folders in which something happened, keys, signals, and the end of a build, which has a
//! thread of its own. After a bell from a folder it waits until nothing happens for a moment, and looks at every file
//! that the project is known to depend on. If one is another, the project is read; a build that is going on gives
//! way, and leaves what it runs to the next one.

mod folders;
mod keys;
mod phrase;
mod seen;
mod told;

use std::fs;
use std::path::PathBuf;
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{self, Scope};
use std::time::{Duration, Instant};

use reel_engine::cache::LiveBuild;
use reel_engine::executor::Executor;
use reel_engine::file_state::FileState;
use reel_engine::schedule::line::Line;
use reel_engine::session::{Interrupter, LOCK_FILE, STATE_FOLDER, channel, make_state_folder};

use super::build::attempt::{Attempt, Done, Ready, Telling};
use super::served;
use crate::args::{self, Making, Reading, Watch};
use crate::error::{CommandError, Exit};
use crate::open::{Invocation, Workshop};
use crate::page::Hub;
use crate::processes;
use crate::report::live::Aside;
use crate::signals;
use folders::{Folders, Moved, all_folders};
use keys::Keys;
use seen::Seen;

/// How long nothing must happen before files are looked at.
const QUIET: Duration = Duration::from_millis(40);
/// The same where so much happens that a checkout of another branch goes on: it has pauses of its own, and half of it
/// is no project.
const QUIET_OF_MANY: Duration = Duration::from_millis(80);
/// So many bells are much.
const MANY: u32 = 64;
/// How long it may go on happening before files are looked at all the same.
const BUSY: Duration = Duration::from_secs(10);
/// How long a file may be gone that is just being replaced.
const PATIENCE: Duration = Duration::from_millis(200);
/// How often files are looked at when nobody tells; longer where looking takes long.
const POLL: Duration = Duration::from_millis(500);
/// Looking takes at most one part in so many of the time.
const POLL_SHARE: u32 = 50;
/// After how long without work workers end.
const REST: Duration = Duration::from_secs(15);
/// The file, in the folder of states, whose time is when a build began.
const MARKER: &str = "watch.marker";
/// How long workers may take to end.
const FAREWELL: Duration = Duration::from_millis(500);

/// What wakes the command.
enum Bell {
    Moved(Moved),
    Key(u8),
    /// The first signal.
    Stop,
    Over(Box<Over>),
    /// The thread of a build came to grief.
    Broken,
    /// The process was stopped, and goes on.
    Resumed,
}

/// The end of a build.
struct Over {
    line: Line,
    result: Result<Done, CommandError>,
}

/// Where the workshop is for whoever must clear up in a hurry.
type Shop = Arc<Mutex<Arc<OnceLock<Workshop>>>>;

pub(super) fn run(call: &Invocation, args: &Watch) -> Result<Exit, CommandError> {
    let held = signals::hold();
    let pauses = signals::hold_pauses();
    let root = call.root()?;
    // Where it cannot be made, builds say so.
    let _ = make_state_folder(&root);
    let (ring, bells) = mpsc::channel();
    let shop: Shop = Arc::default();
    let (stop, hurry) = (ring.clone(), Arc::clone(&shop));
    held.watch(move |count| {
        if count == 1 {
            drop(stop.send(Bell::Stop));
            return;
        }
        keys::restore();
        if let Some(shop) = hurry.lock().unwrap_or_else(PoisonError::into_inner).get() {
            processes::end_all(shop.scratch());
            // What cannot be removed, the next build removes.
            let _ = fs::remove_dir_all(shop.scratch());
        }
        process::exit(i32::from(Exit::Interrupted.number()));
    });
    let hub = args.page.is_wanted().then(Hub::default);
    let page =
        hub.as_ref().map(|hub| served::open(call, &args.making, hub.clone(), args.page.ui_at)).transpose()?;
    let heard = ring.clone();
    let keys = Keys::listen(move |key| drop(heard.send(Bell::Key(key))));
    let resumed = ring.clone();
    pauses.watch(keys::restore, move || drop(resumed.send(Bell::Resumed)));
    let (interrupter, line) = channel();
    let seen = Seen::new(&root.join(STATE_FOLDER));
    let mut desk = Desk {
        call,
        args,
        root,
        ring,
        seen,
        folders: None,
        shop,
        interrupter,
        line: Some(line),
        building: None,
        live: None,
        alarm: None,
        polled: Instant::now(),
        poll: POLL,
        trouble: None,
        began: None,
        disturbed: false,
        failed: false,
        keys,
        draft: args.making.reading.draft,
        asked: None,
        hub,
        page,
        stopping: None,
        rests: false,
        idle_since: Instant::now(),
    };
    thread::scope(|scope| desk.work(scope, &bells))
}

/// A build that is going on.
struct Building {
    aside: Aside,
    stopping: Arc<AtomicBool>,
}

/// Something happened in a folder.
#[derive(Clone, Copy)]
struct Alarm {
    first: Instant,
    last: Instant,
    /// How often.
    bells: u32,
    /// Set once a file was missed: since when.
    missed: Option<Instant>,
}

impl Alarm {
    fn due(&self) -> Instant {
        let quiet = if self.bells < MANY { QUIET } else { QUIET_OF_MANY };
        let quiet = (self.last + quiet).min(self.first + BUSY);
        self.missed.map_or(quiet, |missed| quiet.max(missed + PATIENCE))
    }
}

/// Everything that is known between bells.
struct Desk<'a> {
    call: &'a Invocation,
    args: &'a Watch,
    root: PathBuf,
    ring: Sender<Bell>,
    seen: Seen,
    /// `None` when files are looked at again and again.
    folders: Option<Folders>,
    shop: Shop,
    interrupter: Interrupter,
    /// `None` while a build is on it.
    line: Option<Line>,
    building: Option<Building>,
    live: Option<LiveBuild>,
    alarm: Option<Alarm>,
    polled: Instant,
    poll: Duration,
    /// What is wrong with the project, as it was told.
    trouble: Option<String>,
    /// When the last build began, by the clock of the file system.
    began: Option<FileState>,
    /// Whether something happened since then. A build may have read a file that was just being written, or have failed
    /// for a folder that was away for a moment, and both may be by the next look as they were before it.
    disturbed: bool,
    /// Whether the last build failed.
    failed: bool,
    keys: Option<Keys>,
    /// Whether drafts are made.
    draft: bool,
    /// The question that is to be answered when the build is over.
    asked: Option<u8>,
    /// Where what happens is told to the page, if there is one.
    hub: Option<Hub>,
    /// Whether the page shows drafts.
    page: Option<Arc<AtomicBool>>,
    stopping: Option<Exit>,
    /// Whether workers have ended.
    rests: bool,
    idle_since: Instant,
}

impl<'a> Desk<'a> {
    fn work<'scope>(
        &mut self,
        scope: &'scope Scope<'scope, '_>,
        bells: &Receiver<Bell>,
    ) -> Result<Exit, CommandError>
    where
        'a: 'scope,
    {
        if !self.args.poll {
            self.be_told();
        }
        self.next(scope, bells)?;
        loop {
            if let (Some(exit), None) = (self.stopping, &self.building) {
                self.end_workers();
                return Ok(exit);
            }
            match bells.recv_timeout(self.patience()) {
                Ok(bell) => self.hear(scope, bells, bell)?,
                Err(RecvTimeoutError::Timeout) => self.look_if_due(scope, bells)?,
                // There is always one ring of our own.
                Err(RecvTimeoutError::Disconnected) => return Ok(Exit::Failed),
            }
        }
    }

    /// How long nothing is to be done unless a bell rings.
    fn patience(&self) -> Duration {
        let now = Instant::now();
        let mut due = now + Duration::from_secs(3600);
        if let Some(alarm) = &self.alarm {
            due = due.min(alarm.due());
        }
        if self.folders.is_none() {
            due = due.min(self.polled + self.poll);
        }
        if self.building.is_none() && !self.rests {
            due = due.min(self.idle_since + REST);
        }
        due.saturating_duration_since(now)
    }

    fn hear<'scope>(
        &mut self,
        scope: &'scope Scope<'scope, '_>,
        bells: &Receiver<Bell>,
        bell: Bell,
    ) -> Result<(), CommandError>
    where
        'a: 'scope,
    {
        match bell {
            Bell::Over(over) => self.over(*over),
            Bell::Key(b'r' | b'R') if self.stopping.is_none() => self.next(scope, bells),
            Bell::Key(b'd' | b'D') if self.stopping.is_none() => {
                self.draft = !self.draft;
                self.page.iter().for_each(|page| page.store(self.draft, Ordering::Relaxed));
                self.say(phrase::goes_over(self.draft));
                self.next(scope, bells)
            }
            Bell::Key(key @ (b'w' | b'W' | b'g' | b'G')) if self.building.is_some() => {
                self.asked = Some(key);
                self.say("after this build\n");
                Ok(())
            }
            Bell::Key(key @ (b'w' | b'W' | b'g' | b'G')) => {
                self.tell(key);
                Ok(())
            }
            other => self.note(other),
        }
    }

    /// Takes in what can wait a moment.
    fn note(&mut self, bell: Bell) -> Result<(), CommandError> {
        match bell {
            Bell::Moved(moved) => {
                if self.concerns(&moved) {
                    self.disturbed = true;
                    self.ring_alarm();
                }
            }
            Bell::Stop => self.stop(Exit::Interrupted),
            Bell::Key(b'q' | b'Q' | 4) => self.stop(Exit::Done),
            Bell::Broken => return Err(CommandError::failed("a build ended in an unforeseen way")),
            Bell::Resumed => self.resume(),
            Bell::Key(_) | Bell::Over(_) => {}
        }
        Ok(())
    }

    fn stop(&mut self, exit: Exit) {
        self.stopping.get_or_insert(exit);
        if let Some(building) = &self.building {
            building.stopping.store(true, Ordering::Relaxed);
            self.interrupter.interrupt();
        }
    }

    /// Keys are listened to again, or for the first time where this began in the background.
    fn resume(&mut self) {
        if self.keys.is_some() {
            return keys::go_on();
        }
        let heard = self.ring.clone();
        self.keys = Keys::listen(move |key| drop(heard.send(Bell::Key(key))));
    }

    fn ring_alarm(&mut self) {
        let now = Instant::now();
        match &mut self.alarm {
            Some(alarm) => {
                alarm.last = now;
                alarm.bells += 1;
            }
            None => self.alarm = Some(Alarm { first: now, last: now, bells: 1, missed: None }),
        }
    }

    /// Whether it is worth looking.
    fn concerns(&self, moved: &Moved) -> bool {
        let Moved::At(paths) = moved else { return true };
        let own = self.root.join(STATE_FOLDER);
        // Of a project that is wrong it is not known which file would mend it.
        let any = |path: &PathBuf| self.trouble.is_some() && path.starts_with(&self.root);
        paths.iter().any(|path| !path.starts_with(&own) && (any(path) || self.seen.concerns(path)))
    }

    fn look_if_due<'scope>(
        &mut self,
        scope: &'scope Scope<'scope, '_>,
        bells: &Receiver<Bell>,
    ) -> Result<(), CommandError>
    where
        'a: 'scope,
    {
        let now = Instant::now();
        if self.building.is_none() && !self.rests && now >= self.idle_since + REST {
            self.end_workers();
            self.rests = true;
        }
        let told = self.alarm.filter(|alarm| now >= alarm.due());
        let polled = self.folders.is_none() && now >= self.polled + self.poll;
        if self.stopping.is_some() || told.is_none() && !polled {
            return Ok(());
        }
        let changes = self.seen.look();
        let took = now.elapsed();
        self.polled = Instant::now();
        self.poll = POLL.max(took * POLL_SHARE);
        let missed = self.alarm.and_then(|alarm| alarm.missed);
        if changes.gone() && missed.is_none_or(|since| now < since + PATIENCE) {
            self.ring_alarm();
            if let Some(alarm) = &mut self.alarm {
                alarm.missed.get_or_insert(now);
            }
            return Ok(());
        }
        self.alarm = None;
        // A file may have come that a project is wrong without, or that a build did not find.
        let again = told.is_some() && self.disturbed && (self.trouble.is_some() || self.failed);
        if changes.is_empty() && !again {
            // A folder may be another one, and a link may lead elsewhere.
            self.seen.relate();
            self.cover();
            return Ok(());
        }
        let paths = changes.paths();
        self.seen.take(changes);
        let quiet = told.map_or(Duration::ZERO, |alarm| now.saturating_duration_since(alarm.last));
        self.say_changed(&paths, quiet, took);
        self.next(scope, bells)
    }

    /// Reads the project and builds it, unless it is wrong.
    fn next<'scope>(
        &mut self,
        scope: &'scope Scope<'scope, '_>,
        bells: &Receiver<Bell>,
    ) -> Result<(), CommandError>
    where
        'a: 'scope,
    {
        if self.building.is_none() && self.workshop_is_gone() {
            self.end_workers();
        }
        // Where it cannot be written, what happens during a build is found only if it stays.
        self.began = FileState::mark(&self.root.join(STATE_FOLDER).join(MARKER)).ok();
        self.disturbed = false;
        let shop = Arc::clone(&self.shop.lock().unwrap_or_else(PoisonError::into_inner));
        let telling = Telling { page: self.hub.clone(), ..Telling::default() };
        let making = Making { reading: self.reading(), ..self.args.making.clone() };
        let attempt = Attempt::new(self.call, making, &self.root, telling, shop);
        let ready = match attempt.prepare() {
            Ok(ready) => ready,
            Err(error) => {
                self.tell_trouble(&error);
                self.follow_trouble(error);
                if self.building.is_none() {
                    self.say_watching();
                }
                return Ok(());
            }
        };
        self.trouble = None;
        if self.building.is_some() {
            self.interrupter.give_way();
            self.wait_for_end(bells)?;
        }
        if self.stopping.is_some() {
            return Ok(());
        }
        self.seen.follow(ready.dependencies());
        self.start(scope, attempt, ready);
        // What changed since the project was read is found by the look that the alarm asks for, and what changes from
        // now on is told of.
        self.seen.relate();
        self.cover();
        if self.folders.is_some() {
            self.ring_alarm();
        }
        Ok(())
    }

    fn start<'scope>(&mut self, scope: &'scope Scope<'scope, '_>, attempt: Attempt<'a>, ready: Ready)
    where
        'a: 'scope,
    {
        let Some(mut line) = self.line.take() else { return };
        (self.rests, self.failed) = (false, false);
        let (aside, stopping) = (attempt.aside.clone(), Arc::clone(&attempt.stopping));
        self.building = Some(Building { aside, stopping });
        let ring = self.ring.clone();
        scope.spawn(move || {
            let alert = Alert(ring);
            let result = attempt.perform(ready, &mut line, false);
            drop(alert.0.send(Bell::Over(Box::new(Over { line, result }))));
        });
    }

    /// Waits until a build that was asked to has given way.
    fn wait_for_end(&mut self, bells: &Receiver<Bell>) -> Result<(), CommandError> {
        while self.building.is_some() {
            match bells.recv() {
                Ok(Bell::Over(over)) => self.over(*over)?,
                Ok(bell) => self.note(bell)?,
                Err(_) => return Ok(()),
            }
        }
        Ok(())
    }

    fn over(&mut self, over: Over) -> Result<(), CommandError> {
        let Over { line, result } = over;
        self.line = Some(line);
        self.building = None;
        self.idle_since = Instant::now();
        self.failed = match &result {
            Ok(done) => !done.summary.superseded && !done.summary.is_success(),
            Err(_) => true,
        };
        let disturbed = self.disturbed || self.folders.is_none();
        let doubtful = disturbed && self.began.is_some_and(|began| self.seen.doubt(&began));
        if doubtful || self.failed && self.disturbed {
            self.ring_alarm();
        }
        match result {
            Ok(done) => {
                self.live = done.live;
                self.seen.add(done.summary.files);
                self.seen.accept(&self.root.join(LOCK_FILE));
                self.cover();
                if !done.summary.superseded && self.stopping.is_none() {
                    match self.asked.take() {
                        Some(key) => self.tell(key),
                        None => self.say_watching(),
                    }
                }
            }
            Err(error @ CommandError::Faulty(_)) => {
                self.tell_trouble(&error);
                self.say_watching();
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// What a wrong project is made of is looked at as well as what the right one was.
    fn follow_trouble(&mut self, error: CommandError) {
        if let CommandError::Faulty(faulty) = error {
            self.seen.add(faulty.spec_files);
        }
        self.seen.add([self.root.join(reel_engine::session::PROJECT_FILE)]);
        self.cover();
    }

    /// From now on folders tell when something happens, unless that cannot be.
    fn be_told(&mut self) {
        let ring = self.ring.clone();
        match Folders::new(move |moved| drop(ring.send(Bell::Moved(moved)))) {
            Ok(folders) => self.folders = Some(folders),
            Err(why) => self.say_polling(&why),
        }
    }

    fn cover(&mut self) {
        let Some(folders) = &mut self.folders else { return };
        let mut wanted = self.seen.folders(&self.root);
        if self.trouble.is_some() {
            all_folders(&self.root, &mut wanted);
        }
        match folders.cover(&wanted) {
            // What happened in these until now, nobody told.
            Ok(true) => self.ring_alarm(),
            Ok(false) => {}
            Err(why) => {
                self.folders = None;
                self.say_polling(&why);
            }
        }
    }

    /// Whether somebody removed the folder that builds work in, as whoever removes the whole cache does.
    fn workshop_is_gone(&self) -> bool {
        let shop = self.shop.lock().unwrap_or_else(PoisonError::into_inner);
        shop.get().is_some_and(|shop| !shop.scratch().is_dir())
    }

    /// Ends workers, and everything else that a build needs and a wait does not.
    fn end_workers(&mut self) {
        let shop = std::mem::take(&mut *self.shop.lock().unwrap_or_else(PoisonError::into_inner));
        if let Some(shop) = shop.get() {
            shop.executor.shutdown(FAREWELL);
        }
        self.live = None;
    }

    /// How the project is read now.
    fn reading(&self) -> Reading {
        Reading { draft: self.draft, ..self.args.making.reading.clone() }
    }
}

/// Rings when the thread of a build came to grief.
struct Alert(Sender<Bell>);

impl Drop for Alert {
    fn drop(&mut self) {
        if thread::panicking() {
            drop(self.0.send(Bell::Broken));
        }
    }
}
