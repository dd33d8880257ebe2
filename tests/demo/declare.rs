//! What the agent declares before it does it: intents that it signs with a key of its own.

use std::error::Error;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use std::{fs, io};

use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::time::sleep;

/// Who may do what in the plant.
const POLICY: &str = include_str!("policy.toml");
/// From a declaration to its command: tagout looks at the file more often than that.
const BEFOREHAND: Duration = Duration::from_millis(250);
/// The key's name in the policy.
const KEY_ID: &str = "optimizer-demo";

/// Where the agent's declarations go.
pub(crate) enum Declarations {
    /// Nowhere: nobody asks for them.
    Nowhere,
    /// To files of a folder.
    Files(Files),
}

/// The files with which an agent declares, and the program that signs.
pub(crate) struct Files {
    tagout: PathBuf,
    /// The secret key.
    key: PathBuf,
    /// What was signed, a line each: what tagout reads as it grows.
    signed: PathBuf,
    /// The same with the time at which it was written: what a replay reads.
    told: PathBuf,
}

/// Who may do what in the plant, where the agent declares beforehand what it does, and signs with this key.
fn policy(public: &str) -> Result<String, String> {
    let agent = "kind = \"ai-agent\"\n";
    let (before, behind) = POLICY.split_once(agent).ok_or("the policy names no agent")?;
    Ok(format!(
        "{before}{agent}intents = \"required\"\n{behind}\n[intents]\nhold = \"1 s\"\n\n# Made for this run.\n\
         [[intents.keys]]\nid = \"{KEY_ID}\"\npublic = \"{public}\"\nactors = \"optimizer\"\n"
    ))
}

/// What is declared to be written.
pub(crate) enum Target {
    Point(&'static str),
    HoldingRegister(u16),
}

impl Declarations {
    /// Declares that values between these will be written so often.
    pub(crate) async fn declare(&self, target: Target, range: [f64; 2], count: u32) -> Result<(), Box<dyn Error>> {
        let Self::Files(files) = self else { return Ok(()) };
        let now = Timestamp::now();
        let mut claims = json!({
            "id": now.to_string(), "actor": "optimizer", "device": "tank", "operation": "write", "count": count,
            "not_before": now.to_string(), "expires": (now + 30.seconds()).to_string(),
        });
        match range {
            [least, most] if least == most => claims["value"] = json!(least),
            _ => claims["range"] = json!(range),
        }
        match target {
            Target::Point(point) => claims["points"] = json!([point]),
            Target::HoldingRegister(address) => {
                claims["raw"] = json!([{"space": "holding-register", "address": address}]);
            }
        }
        files.sign(&claims).await?;
        sleep(BEFOREHAND).await;
        Ok(())
    }
}

impl Files {
    /// Makes a key in this folder, and a policy that knows it.
    pub(crate) async fn new(tagout: &Path, folder: &Path) -> Result<Self, Box<dyn Error>> {
        let at = |name: &str| folder.join(name);
        let files = Self {
            tagout: tagout.to_owned(),
            key: at("agent.key"),
            signed: at("declared.jws"),
            told: at("declared.jsonl"),
        };
        for path in [&files.key, &at("agent.pub"), &files.signed, &files.told] {
            fs::remove_file(path)
                .or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })?;
        }
        fs::write(&files.signed, "")?;
        fs::write(&files.told, "")?;
        run(Command::new(tagout).args(["key", "new", "-o"]).arg(at("agent")), b"").await?;
        let public = run(Command::new(tagout).args(["key", "show"]).arg(at("agent.pub")), b"").await?;
        fs::write(at("policy.toml"), policy(public.trim())?)?;
        Ok(files)
    }

    async fn sign(&self, claims: &Value) -> Result<(), Box<dyn Error>> {
        let mut command = Command::new(&self.tagout);
        command.args(["intent", "sign", "-", "--key-id", KEY_ID, "--key"]).arg(&self.key);
        let signed = run(&mut command, claims.to_string().as_bytes()).await?;
        append(&self.signed, &signed)?;
        append(&self.told, &format!("{}\n", json!({"received": Timestamp::now().to_string(), "jws": signed.trim()})))?;
        Ok(())
    }
}

fn append(path: &Path, text: &str) -> io::Result<()> {
    fs::OpenOptions::new().append(true).open(path)?.write_all(text.as_bytes())
}

/// What a command prints when it is given this.
async fn run(command: &mut Command, input: &[u8]) -> Result<String, Box<dyn Error>> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input).await?;
    }
    let output = child.wait_with_output().await?;
    if !output.status.success() {
        return Err(format!("{command:?} ended with {}", output.status).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}
