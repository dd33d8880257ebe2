use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _, Write};
use std::path::Path;

use serde_json::json;

use super::args::{IntentArgs, IntentCommand, SignArgs, SpansArgs, VerifyArgs};
use super::ui::Ui;
use crate::Failure;
use crate::gateway::secret;
use crate::intent::jws::{self, Form, MOST_BYTES};
use crate::intent::spans::{self, Call, Servers, Spans};
use crate::intent::{Claims, Keys, Refusal, Verified, claims, lines};
use crate::policy::{Sources, load};
use crate::record::Stamp;

/// Signs intents, checks them, or tells what they say.
pub(super) fn intent(args: &IntentArgs, ui: Ui) -> Result<(), Failure> {
    match &args.command {
        IntentCommand::Sign(args) => sign(args),
        IntentCommand::Verify(args) => verify(args, ui),
        IntentCommand::Spans(args) => spans(args),
        IntentCommand::Schema => write(&claims::schema()),
    }
}

fn sign(args: &SignArgs) -> Result<(), Failure> {
    let mut json = Vec::new();
    let most = MOST_BYTES as u64;
    let read = open(&args.claims)?.take(most).read_to_end(&mut json);
    read.map_err(|error| Failure::input(&args.claims, &error))?;
    let wrong = |what: String| Failure::Usage(format!("{}: {what}", args.claims.display()));
    if args.key_id.is_empty() {
        return Err(Failure::Usage("--key-id: name the key as the policy does".to_owned()));
    }
    let claims = Claims::read(&json).map_err(wrong)?;
    let form = if args.json { Form::Flattened } else { Form::Compact };
    let signed = jws::sign(&claims, &secret(&args.key)?, &args.key_id, form);
    if signed.len() > MOST_BYTES {
        return Err(wrong(Refusal::TooLong(signed.len()).to_string()));
    }
    write(&(signed + "\n"))
}

fn verify(args: &VerifyArgs, ui: Ui) -> Result<(), Failure> {
    let sources = Sources::read(&args.policy, false)?;
    let compiled = sources.compile(ui.stderr_colour())?;
    let keys = Keys::of(&load(&compiled.image)?)?;
    let at = args.at.map_or_else(|| Stamp::now().0, |at| at.0);
    let mut intents = open(&args.intents)?;
    let (mut number, mut refused) = (0, 0_u64);
    loop {
        let line = lines::next(&mut intents, &mut number).map_err(|error| Failure::input(&args.intents, &error))?;
        let Some(line) = line else { break };
        match line.and_then(|line| keys.verify(&line, at)) {
            Ok(verified) => write(&shown(&verified))?,
            Err(refusal) => {
                refused += 1;
                let _ = writeln!(io::stderr(), "{}:{number}: {refusal}", args.intents.display());
            }
        }
    }
    if refused > 0 { Err(Failure::Findings) } else { Ok(()) }
}

fn spans(args: &SpansArgs) -> Result<(), Failure> {
    let mut spans = Spans::new(Servers::read(&args.servers)?);
    let mut input = open(&args.spans)?;
    let first = input.fill_buf().map_err(|error| Failure::input(&args.spans, &error))?.first().copied();
    let mut number = 0_u64;
    loop {
        let request = request(&mut *input, first == Some(b'{')).map_err(|error| Failure::input(&args.spans, &error))?;
        if request.is_empty() {
            return Ok(());
        }
        number += 1;
        let wrong = |what: String| Failure::Usage(format!("{}:{number}: {what}", args.spans.display()));
        let calls = if first == Some(b'{') { spans::from_json(&request) } else { spans::from_protobuf(&request) };
        calls
            .map_err(wrong)?
            .iter()
            .try_for_each(|call| tell(&mut spans, call).map_err(wrong).and_then(|line| write(&line)))?;
    }
}

/// A line of JSON, or all that there is.
fn request(input: &mut dyn BufRead, is_line: bool) -> io::Result<Vec<u8>> {
    let mut request = Vec::new();
    let mut input = input.take(spans::MOST_BYTES as u64 + 1);
    let taken = if is_line { input.read_until(b'\n', &mut request) } else { input.read_to_end(&mut request) };
    match taken? {
        taken if taken > spans::MOST_BYTES => Err(io::Error::other("a request of more than 4 MiB")),
        _ => Ok(request),
    }
}

/// What a call declares, as a line; nothing if it commands nothing.
fn tell(spans: &mut Spans, call: &Call) -> Result<String, String> {
    Ok(spans.take(call)?.map_or_else(String::new, |told| told.to_json() + "\n"))
}

fn shown(Verified { key, approver, claims }: &Verified) -> String {
    let mut shown = json!({"key": key, "claims": claims});
    if let Some(approver) = approver {
        shown["approver"] = json!(approver);
    }
    format!("{shown}\n")
}

fn open(path: &Path) -> Result<Box<dyn BufRead>, Failure> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdin().lock()));
    }
    let file = File::open(path).map_err(|error| Failure::input(path, &error))?;
    Ok(Box::new(BufReader::new(file)))
}

fn write(text: &str) -> Result<(), Failure> {
    io::stdout().write_all(text.as_bytes()).map_err(|error| Failure::output("standard output", &error))
}
