use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tagout_core::engine::Policy;

use super::Call;
use super::tool::Tool;
use crate::Failure;
use crate::config::read_toml;
use crate::intent::resolve;

/// Mappings that tagout brings along: of the public servers with their tools' real names and arguments.
const SHIPPED: [(&str, &str); 4] = [
    ("industriagents-dnp3-mcp", include_str!("mappings/industriagents-dnp3-mcp.toml")),
    ("industriagents-modbus-mcp", include_str!("mappings/industriagents-modbus-mcp.toml")),
    ("labmcp-modbus", include_str!("mappings/labmcp-modbus.toml")),
    ("modbus-mcp", include_str!("mappings/modbus-mcp.toml")),
];

/// The servers whose tools command, in the order in which they are asked.
#[derive(Debug, Default)]
pub struct Servers {
    all: Vec<Server>,
    /// Mappings of a site's own.
    files: Vec<PathBuf>,
}

/// A server of tools.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) about: About,
    tools: Vec<Tool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    servers: Vec<About>,
}

/// What a site says of a server.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub(super) struct About {
    /// The shipped mapping of its tools, or a file of a site's own, beside the one that names it.
    mapping: String,
    /// Whose spans tell of its calls: `service.name` of the agents, or of the server; all if left out.
    #[serde(default)]
    services: Vec<String>,
    /// The agents whose calls these are, by `gen_ai.agent.name`; all if left out. A call that tells no agent is of none of them.
    #[serde(default)]
    agents: Vec<String>,
    /// The actor in the policy from whose address it commands.
    pub(super) actor: String,
    /// The device where a call tells none.
    pub(super) device: Option<String>,
    /// Devices in the policy by what calls say of them.
    #[serde(default)]
    pub(super) devices: BTreeMap<String, String>,
    /// Points in the policy by what calls call them.
    #[serde(default)]
    pub(super) points: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mapping {
    tools: Vec<Tool>,
}

impl Servers {
    /// Reads a file that names servers, and their mappings.
    ///
    /// # Errors
    /// What is wrong with one of them, and where.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let file: File = toml(path)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut servers = Self::default();
        for about in file.servers {
            servers.add(about, folder)?;
        }
        Ok(servers)
    }

    fn add(&mut self, about: About, folder: &Path) -> Result<(), Failure> {
        let shipped = SHIPPED.iter().find(|(name, _)| *name == about.mapping);
        let mapping: Mapping = if let Some((name, text)) = shipped {
            read_toml(name, text).map_err(Failure::Usage)?
        } else {
            let file = folder.join(&about.mapping);
            let mapping = toml(&file)?;
            self.files.push(file);
            mapping
        };
        self.all.push(Server { about, tools: mapping.tools });
        Ok(())
    }

    /// The mappings of a site's own that were read.
    pub(in crate::intent) fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// What they name that a policy does not know, in words.
    pub(in crate::intent) fn strangers(&self, policy: &Policy<'_>) -> impl Iterator<Item = String> {
        self.all.iter().flat_map(|server| server.about.strangers(policy))
    }

    /// The names of the shipped mappings.
    pub fn shipped() -> impl Iterator<Item = &'static str> {
        SHIPPED.iter().map(|(name, _)| *name)
    }

    /// The server that a call is of, and its tool.
    pub(super) fn of(&self, call: &Call) -> Option<(&Server, &Tool)> {
        self.all.iter().find_map(|server| Some((server, server.tool(call)?)))
    }
}

impl About {
    fn strangers(&self, policy: &Policy<'_>) -> Vec<String> {
        let actor = resolve::actor(policy, &self.actor).err();
        let named = self.device.iter().chain(self.devices.values());
        let devices: Vec<_> = named.map(|name| resolve::device(policy, name)).collect();
        let is_of_one = |name: &&String| devices.iter().flatten().any(|id| policy.point_named(*id, name).is_some());
        let points = self.points.values().filter(|name| !is_of_one(name));
        let points: Vec<_> = points.map(|name| format!("none of these devices has a point `{name}`")).collect();
        actor.into_iter().chain(devices.into_iter().filter_map(Result::err)).chain(points).collect()
    }
}

impl Server {
    fn tool(&self, call: &Call) -> Option<&Tool> {
        let About { services, agents, .. } = &self.about;
        let is_of_service = services.is_empty() || services.contains(&call.service);
        let is_of_agent = agents.is_empty() || call.agent.as_ref().is_some_and(|agent| agents.contains(agent));
        self.tools.iter().find(|tool| is_of_service && is_of_agent && tool.is_of(call))
    }
}

fn toml<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, Failure> {
    let text = fs::read_to_string(path).map_err(|error| Failure::input(path, &error))?;
    read_toml(&path.display().to_string(), &text).map_err(Failure::Usage)
}
