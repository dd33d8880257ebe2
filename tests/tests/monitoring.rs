//! What is shipped for those who scrape `/metrics`: a Grafana dashboard and Prometheus' alert rules.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, iter};

use promql_parser::parser::{self, AggregateExpr, Expr, VectorSelector};
use promql_parser::util::{ExprVisitor, walk_expr};
use serde_json::Value;
use tagout::management::{Kind, families};

/// What Prometheus itself adds to every sample.
const OF_EVERY_SAMPLE: [&str; 2] = ["job", "instance"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace")
}

fn content(name: &str) -> PathBuf {
    root().join("sensor/daemon/package/siem").join(name)
}

/// The labels of every sample that `/metrics` has, by its name.
fn samples() -> HashMap<String, Vec<&'static str>> {
    let of = |family: tagout::management::Family| {
        let suffixes: &[&str] = if family.kind == Kind::Histogram { &["_bucket", "_sum", "_count"] } else { &[""] };
        let name = family.name;
        let le = if family.kind == Kind::Histogram { Some("le") } else { None };
        let labels: Vec<&str> = family.labels.iter().copied().chain(OF_EVERY_SAMPLE).chain(le).collect();
        suffixes.iter().map(move |suffix| (format!("{name}{suffix}"), labels.clone())).collect::<Vec<_>>()
    };
    families().flat_map(of).chain(iter::once(("up".to_owned(), OF_EVERY_SAMPLE.to_vec()))).collect()
}

/// Gathers what is wrong with an expression, and the metrics that it names.
struct Read<'a> {
    samples: &'a HashMap<String, Vec<&'static str>>,
    /// Names of samples in the part of the expression that is read.
    named: Vec<String>,
    wrong: Vec<String>,
}

impl ExprVisitor for Read<'_> {
    type Error = Infallible;

    fn pre_visit(&mut self, expression: &Expr) -> Result<bool, Infallible> {
        match expression {
            Expr::VectorSelector(selector) => self.selector(selector),
            Expr::MatrixSelector(matrix) => self.selector(&matrix.vs),
            Expr::Aggregate(aggregate) => self.aggregate(aggregate),
            _ => {}
        }
        Ok(true)
    }
}

impl Read<'_> {
    fn selector(&mut self, selector: &VectorSelector) {
        let name = selector.name.clone().unwrap_or_default();
        match self.samples.get(&name) {
            None => self.wrong.push(format!("there is no metric {name}")),
            Some(labels) => {
                let unknown =
                    selector.matchers.matchers.iter().filter(|matcher| !labels.contains(&matcher.name.as_str()));
                self.wrong.extend(unknown.map(|matcher| format!("{name} has no label {}", matcher.name)));
            }
        }
        self.named.push(name);
    }

    /// What is grouped by has to be a label of everything in it.
    fn aggregate(&mut self, aggregate: &AggregateExpr) {
        let mut inner = Read { samples: self.samples, named: Vec::new(), wrong: Vec::new() };
        let Ok(_) = walk_expr(&mut inner, &aggregate.expr);
        let labels = aggregate.modifier.iter().flat_map(|modifier| modifier.labels().labels.iter());
        for label in labels {
            let lacks = |name: &&String| self.samples.get(*name).is_some_and(|known| !known.contains(&label.as_str()));
            self.wrong.extend(
                inner.named.iter().find(lacks).map(|name| format!("{name} is grouped by {label}, which it lacks")),
            );
        }
    }
}

/// Reads an expression as Prometheus does, and holds it to the metrics that there are; the names of their families.
fn check(expression: &str, place: &str) -> Vec<String> {
    let samples = samples();
    let whole = expression.replace("$__rate_interval", "5m").replace("$__interval", "5m");
    let parsed = parser::parse(&whole).unwrap_or_else(|error| panic!("{place}: {error}: {expression}"));
    let mut read = Read { samples: &samples, named: Vec::new(), wrong: Vec::new() };
    let Ok(_) = walk_expr(&mut read, &parsed);
    assert!(read.wrong.is_empty(), "{place}: {}: {expression}", read.wrong.join("; "));
    assert!(!read.named.is_empty(), "{place}: an expression without a metric: {expression}");
    read.named
}

fn dashboard() -> Value {
    let text = fs::read_to_string(content("grafana/tagout.json")).expect("a dashboard");
    serde_json::from_str(&text).expect("JSON")
}

/// The panels that show something.
fn panels(dashboard: &Value) -> impl Iterator<Item = &Value> {
    dashboard["panels"].as_array().expect("panels").iter().filter(|panel| panel["type"] != "row")
}

#[test]
fn every_panel_shows_metrics_that_there_are() {
    let dashboard = dashboard();
    let mut shown = HashSet::new();
    for panel in panels(&dashboard) {
        let title = panel["title"].as_str().expect("a title");
        let targets = panel["targets"].as_array().expect("targets");
        assert!(!targets.is_empty(), "{title} shows nothing");
        for target in targets {
            shown.extend(check(target["expr"].as_str().expect("an expression"), title));
        }
    }
    for must in [
        "tagout_interface_frames_total",
        "tagout_interface_dropped_frames_total",
        "tagout_alerts_total",
        "tagout_destination_up",
        "tagout_alert_acknowledged_seconds_bucket",
        "tagout_spool_bytes",
        "tagout_table_entries",
        "process_resident_memory_bytes",
    ] {
        assert!(shown.contains(must), "no panel shows {must}");
    }
}

#[test]
fn a_dashboard_can_be_imported_anywhere() {
    let dashboard = dashboard();
    let variables = dashboard["templating"]["list"].as_array().expect("variables");
    assert_eq!((&variables[0]["name"], &variables[0]["type"]), (&"datasource".into(), &"datasource".into()));
    let (mut ids, mut places) = (HashSet::new(), HashSet::new());
    for panel in dashboard["panels"].as_array().expect("panels") {
        assert!(ids.insert(panel["id"].as_u64().expect("an id")), "{} has the id of another", panel["title"]);
        let place = &panel["gridPos"];
        assert!(places.insert((place["x"].as_u64(), place["y"].as_u64())), "{} lies on another", panel["title"]);
        assert!(place["x"].as_u64() < Some(24), "{place}");
    }
    for panel in panels(&dashboard) {
        let sources = panel["targets"].as_array().into_iter().flatten().chain([panel]);
        sources.for_each(|of| assert_eq!(of["datasource"]["uid"], "${datasource}", "{}", panel["title"]));
    }
    for of in dashboard["annotations"]["list"].as_array().expect("annotations") {
        assert_eq!(of["datasource"]["uid"], "${datasource}");
        check(of["expr"].as_str().expect("an expression"), "an annotation");
    }
    let definition = variables[1]["definition"].as_str().expect("a definition");
    let named = definition.strip_prefix("label_values(").and_then(|rest| rest.split(',').next());
    assert!(named.is_some_and(|named| samples().contains_key(named)), "{definition}");
}

/// The rules as JSON; `None` where nothing reads YAML.
fn rules() -> Option<Value> {
    let python = root().join(".venv/bin/python");
    if !python.exists() {
        println!("skipped: no .venv (tests/setup.sh peers)");
        return None;
    }
    let script = "import json, sys, yaml; json.dump(yaml.safe_load(open(sys.argv[1])), sys.stdout)";
    let output = Command::new(python).args(["-c", script]).arg(content("prometheus/tagout.rules.yml")).output();
    let output = output.expect("Python can be run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).expect("JSON"))
}

#[test]
fn every_rule_asks_for_metrics_that_there_are_and_says_what_to_do() {
    let Some(rules) = rules() else { return };
    let groups = rules["groups"].as_array().expect("groups");
    let rules: Vec<&Value> = groups.iter().flat_map(|group| group["rules"].as_array().expect("rules")).collect();
    assert!(rules.len() > 10, "{} rules", rules.len());
    let mut names = HashSet::new();
    for rule in rules {
        let name = rule["alert"].as_str().expect("a name");
        assert!(names.insert(name) && name.starts_with("Tagout"), "{name}");
        let named = check(rule["expr"].as_str().expect("an expression"), name);
        assert!(matches!(rule["labels"]["severity"].as_str(), Some("page" | "ticket")), "{name}");
        let summary = rule["annotations"]["summary"].as_str().expect("a summary");
        assert!(summary.contains("{{ $labels.instance }}"), "{name} does not say which sensor");
        for label in summary.split("$labels.").skip(1).filter_map(|rest| rest.split(' ').next()) {
            let known = samples();
            assert!(named.iter().all(|metric| known[metric].contains(&label)), "{name} tells {label}, which it lacks");
        }
        assert!(rule["annotations"]["description"].is_string(), "{name} does not say what to do");
    }
}

/// Prometheus' own word on the rules, where it is installed.
#[test]
fn prometheus_takes_the_rules() {
    let checked =
        Command::new("promtool").args(["check", "rules"]).arg(content("prometheus/tagout.rules.yml")).output();
    let Ok(output) = checked else { return println!("skipped: no promtool (Debian's package prometheus)") };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
