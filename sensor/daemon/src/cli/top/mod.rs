//! `tagout top`: what happens now, out of the store.

mod picture;
mod view;

use std::io::{self, IsTerminal as _};
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use ratatui::DefaultTerminal;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::layout::Rect;
use ratatui::widgets::Widget as _;

use self::picture::Picture;
use self::view::View;
use super::args::TopArgs;
use super::run::stop_flag;
use super::spool::print;
use super::ui::Ui;
use crate::Failure;

/// The store is looked into so often.
const REFRESH: Duration = Duration::from_secs(2);
/// Whether it is to end is looked at so often.
const HEARTBEAT: Duration = Duration::from_millis(200);
/// From one drawing to the next at least.
const FRAME: Duration = Duration::from_millis(50);
/// What is printed where no terminal tells its size.
const PRINTED: Rect = Rect { x: 0, y: 0, width: 120, height: 40 };

/// Shows what happens now, until it is told to end.
pub(super) fn top(args: &TopArgs, ui: Ui) -> Result<(), Failure> {
    let mut view = View::new(ui.stdout());
    view.show(Picture::take(&args.place.open()?, &args.place)?);
    if args.once {
        return print(&printed(&view));
    }
    if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        return Err(Failure::Usage("this is no terminal: --once prints what there is to show now".to_owned()));
    }
    let stop = stop_flag()?;
    let failed = |error: io::Error| Failure::output("the terminal", &error);
    // A panic restores the terminal too.
    let mut terminal = ratatui::try_init().map_err(failed)?;
    let mut watch = Watch { args, view, looked: Instant::now() };
    let shown = watch.run(&mut terminal, || stop.load(Ordering::Relaxed)).map_err(failed);
    ratatui::restore();
    shown
}

/// One frame as text.
fn printed(view: &View) -> String {
    let mut buffer = Buffer::empty(PRINTED);
    view.render(PRINTED, &mut buffer);
    let rows = buffer.content.chunks(PRINTED.width.into());
    let lines = rows.map(|row| row.iter().map(ratatui::buffer::Cell::symbol).collect::<String>());
    let text = lines.map(|line| line.trim_end().to_owned() + "\n").collect::<String>();
    text.trim_end().to_owned() + "\n"
}

struct Watch<'a> {
    args: &'a TopArgs,
    view: View,
    /// When the store was looked into.
    looked: Instant,
}

impl Watch<'_> {
    fn run(&mut self, terminal: &mut DefaultTerminal, is_over: impl Fn() -> bool) -> io::Result<()> {
        loop {
            terminal.draw(|frame| frame.render_widget(&self.view, frame.area()))?;
            let drawn = Instant::now();
            while !event::poll(HEARTBEAT)? {
                if is_over() {
                    return Ok(());
                }
                if self.refresh() {
                    break;
                }
            }
            // However many keys come, there are no more drawings than the eye can tell apart.
            thread::sleep(FRAME.saturating_sub(drawn.elapsed()));
            while event::poll(Duration::ZERO)? {
                if let Event::Key(key) = event::read()?
                    && key.kind == KeyEventKind::Press
                    && !self.take(key)
                {
                    return Ok(());
                }
            }
            self.refresh();
            if is_over() {
                return Ok(());
            }
        }
    }

    /// Looks into the store if it is time; tells whether there may be something new to draw.
    fn refresh(&mut self) -> bool {
        if self.view.paused || self.looked.elapsed() < REFRESH {
            return false;
        }
        self.looked = Instant::now();
        match self.args.place.open().and_then(|reader| Picture::take(&reader, &self.args.place)) {
            Ok(picture) => self.view.show(picture),
            // What was seen last stays, with what is wrong beside it.
            Err(failure) => self.view.trouble = failure.message().map(str::to_owned),
        }
        true
    }

    /// Does what a key asks; false if that is to end.
    fn take(&mut self, key: KeyEvent) -> bool {
        let view = &mut self.view;
        match key.code {
            KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => return false,
            KeyCode::Enter | KeyCode::Esc if view.typing => {
                view.typing = false;
                if key.code == KeyCode::Esc {
                    view.filter.clear();
                }
            }
            KeyCode::Backspace if view.typing => drop(view.filter.pop()),
            KeyCode::Char(letter) if view.typing => view.filter.push(letter),
            KeyCode::Char('q') => return false,
            KeyCode::Char('p') => view.paused = !view.paused,
            KeyCode::Char('s') => view.sort = view.sort.next(),
            KeyCode::Char('/') => view.typing = true,
            KeyCode::Up | KeyCode::Char('k') => view.step(-1),
            KeyCode::Down | KeyCode::Char('j') => view.step(1),
            KeyCode::PageUp => view.step(-10),
            KeyCode::PageDown => view.step(10),
            KeyCode::Enter => view.detail = !view.detail,
            KeyCode::Esc if view.detail => view.detail = false,
            KeyCode::Esc => view.filter.clear(),
            _ => {}
        }
        view.keep_in_view();
        true
    }
}
