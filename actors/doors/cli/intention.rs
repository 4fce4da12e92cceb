//! `chancery intention`: who may call whom, one pair at a time.

use std::io::Write;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::api::{AgentApi, percent_encoded};
use super::columns::columns;
use super::definition::{self, text_field};
use super::error::CliError;
use super::flags::HttpFlags;
use super::format::{Format, items, json, text};
use super::given::expression;
use super::paint;
use super::services::key_value;

const EXACT: &str = "/v1/connect/intentions/exact";

#[derive(Subcommand)]
pub(super) enum Intention {
    /// Allow or deny calls from one service to another
    #[command(after_help = "Examples:\n\n    $ chancery intention create web db\n    \
        $ chancery intention create -deny -replace '*' db\n    \
        $ chancery intention create -file web-db.json shop-db.json")]
    Create(Create),
    /// Tell whether a call is allowed: exit code 0 if it is, 1 if it is denied, 2 if that cannot be told
    #[command(after_help = "Example:\n\n    $ chancery intention check web db")]
    Check(Pair),
    /// List the intentions that a service is named in, in the order in which they are tried
    #[command(name = "match", after_help = "Example:\n\n    $ chancery intention match -source web")]
    Matching(Matching),
    /// List all intentions
    #[command(after_help = "Example:\n\n    $ chancery intention list")]
    List(List),
    /// Show one intention
    #[command(after_help = "Examples:\n\n    $ chancery intention get web db\n    \
        $ chancery intention get 9a7b4339-9e91-8eb0-9fb1-31020c456c1c")]
    Get(Named),
    /// Delete an intention
    #[command(after_help = "Examples:\n\n    $ chancery intention delete web db\n    \
        $ chancery intention delete 9a7b4339-9e91-8eb0-9fb1-31020c456c1c")]
    Delete(Named),
}

#[derive(Args)]
pub(super) struct Pair {
    /// The service that calls; `*` is every service
    #[arg(value_name = "SRC")]
    source: String,
    /// The service that is called; `*` is every service
    #[arg(value_name = "DST")]
    destination: String,
    #[command(flatten)]
    http: HttpFlags,
}

/// One that is there, by its services or by its ID.
#[derive(Args)]
pub(super) struct Named {
    /// The service that calls, `*` for every service; alone: the ID of the intention
    #[arg(value_name = "SRC|ID")]
    source_or_id: String,
    /// The service that is called; `*` is every service
    #[arg(value_name = "DST")]
    destination: Option<String>,
    #[command(flatten)]
    http: HttpFlags,
}

#[derive(Args)]
pub(super) struct Create {
    /// SRC and DST: the service that calls and the one that is called, `*` for every service; with -file, files
    #[arg(value_name = "SRC DST", required = true)]
    names: Vec<String>,
    /// Read intentions from files, HCL or JSON: SourceName, DestinationName, Action or Permissions, Description, Meta
    #[arg(long, conflicts_with_all = ["allow", "deny", "description", "meta"])]
    file: bool,
    /// Allow the calls; so too if neither is given
    #[arg(long)]
    allow: bool,
    /// Deny the calls
    #[arg(long)]
    deny: bool,
    /// Replace the intention if there is one
    #[arg(long)]
    replace: bool,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Metadata; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    meta: Vec<(String, String)>,
    #[command(flatten)]
    http: HttpFlags,
}

#[derive(Args)]
pub(super) struct Matching {
    /// The service
    #[arg(value_name = "SERVICE")]
    name: String,
    /// The service is the one that is called; so too if neither is given
    #[arg(long)]
    destination: bool,
    /// The service is the one that calls
    #[arg(long)]
    source: bool,
    #[command(flatten)]
    http: HttpFlags,
}

#[derive(Args)]
pub(super) struct List {
    /// Only what this expression is true for
    #[arg(long, value_name = "EXPRESSION", value_parser = expression)]
    filter: Option<String>,
    /// How to print them
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    http: HttpFlags,
}

impl Intention {
    pub fn run(self, out: &mut dyn Write) -> Result<ExitCode, CliError> {
        match self {
            Self::Create(create) => create.run(out)?,
            Self::Check(pair) => return pair.check(out),
            Self::List(list) => {
                let query: Vec<_> = list.filter.iter().map(|filter| ("filter", filter.as_str())).collect();
                let intentions = list.http.connect()?.get("/v1/connect/intentions", &query)?;
                match list.format {
                    Format::Json => json(out, &intentions)?,
                    Format::Pretty => out.write_all(list_lines(&intentions).as_bytes())?,
                }
            }
            Self::Matching(matching) => matching.run(out)?,
            Self::Get(named) => {
                let found = named.find(&named.http.connect()?)?;
                out.write_all(get_lines(&found).as_bytes())?;
            }
            Self::Delete(named) => {
                let api = named.http.connect()?;
                // a mistyped name must not look like a success
                named.find(&api)?;
                let (path, query) = named.place();
                api.delete(&path, &query)?;
                writeln!(out, "Intention deleted.")?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Named {
    fn place(&self) -> (String, Vec<(&str, &str)>) {
        match &self.destination {
            Some(destination) => (EXACT.to_owned(), vec![("source", &self.source_or_id), ("destination", destination)]),
            None => (format!("/v1/connect/intentions/{}", percent_encoded(&self.source_or_id)), Vec::new()),
        }
    }

    fn find(&self, api: &AgentApi) -> Result<Value, CliError> {
        let (path, query) = self.place();
        let (first, second) = (&self.source_or_id, &self.destination);
        api.find(&path, &query)?.ok_or_else(|| {
            CliError::usage(match second {
                Some(second) => format!("there is no intention from {first:?} to {second:?}"),
                None => format!("there is no intention with the ID {first:?}"),
            })
        })
    }
}

impl Pair {
    fn query(&self) -> [(&str, &str); 2] {
        [("source", &self.source), ("destination", &self.destination)]
    }

    fn check(&self, out: &mut dyn Write) -> Result<ExitCode, CliError> {
        let answer = self.http.connect()?.get("/v1/connect/intentions/check", &self.query())?;
        let allowed = answer["Allowed"].as_bool().ok_or_else(|| CliError::Misread {
            request: "GET /v1/connect/intentions/check".to_owned(),
            reason: format!("`Allowed` is missing in {answer}"),
        })?;
        writeln!(out, "{}", if allowed { "Allowed" } else { "Denied" })?;
        Ok(if allowed { ExitCode::SUCCESS } else { ExitCode::from(1) })
    }
}

impl Matching {
    fn run(&self, out: &mut dyn Write) -> Result<(), CliError> {
        if self.source && self.destination {
            return Err(CliError::usage("-source and -destination exclude each other"));
        }
        let by = if self.source { "source" } else { "destination" };
        let query = [("by", by), ("name", self.name.as_str())];
        let matches = self.http.connect()?.get("/v1/connect/intentions/match", &query)?;
        for intention in items(&matches[&self.name]) {
            let [source, destination, action] =
                ["SourceName", "DestinationName", "Action"].map(|field| text(intention, field));
            let action = if action.is_empty() { "rules on requests".to_owned() } else { action };
            writeln!(out, "{source} => {destination} ({})", paint::state(&action))?;
        }
        Ok(())
    }
}

impl Create {
    fn run(&self, out: &mut dyn Write) -> Result<(), CliError> {
        // a file that is wrong must not be found after others were written
        let wanted = if self.file { self.in_files()? } else { vec![self.named()?] };
        let api = self.http.connect()?;
        for (source, destination, intention) in &wanted {
            let query = [("source", source.as_str()), ("destination", destination.as_str())];
            if !self.replace && api.find(EXACT, &query)?.is_some() {
                return Err(CliError::usage(format!(
                    "there is an intention from {source:?} to {destination:?} already: replace it with -replace"
                )));
            }
            api.put(EXACT, &query, Some(intention))?;
            let action = text_field(intention, "Action").unwrap_or("rules on requests");
            writeln!(out, "Created: {source} => {destination} ({action})")?;
        }
        Ok(())
    }

    fn named(&self) -> Result<(String, String, Value), CliError> {
        if self.allow && self.deny {
            return Err(CliError::usage("-allow and -deny exclude each other"));
        }
        let [source, destination] = &self.names[..] else {
            return Err(CliError::usage("name two services, the one that calls and the one that is called"));
        };
        let mut intention = json!({ "Action": if self.deny { "deny" } else { "allow" } });
        if let Some(description) = &self.description {
            intention["Description"] = json!(description);
        }
        if !self.meta.is_empty() {
            intention["Meta"] = self.meta.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
        }
        Ok((source.clone(), destination.clone(), intention))
    }

    /// What else a file says the agent judges.
    fn in_files(&self) -> Result<Vec<(String, String, Value)>, CliError> {
        let read = |file: &String| {
            let mut intention = Value::Object(definition::read(file)?);
            let mut name = |field| {
                let name = text_field(&intention, field).map(str::to_owned);
                definition::remove(&mut intention, field);
                name.ok_or_else(|| CliError::file(file, &format!("an intention needs a {field}")))
            };
            let (source, destination) = (name("SourceName")?, name("DestinationName")?);
            Ok((source, destination, intention))
        };
        self.names.iter().map(read).collect()
    }
}

fn list_lines(intentions: &Value) -> String {
    let fields = ["ID", "SourceName", "Action", "DestinationName", "Precedence"];
    let rows: Vec<Vec<String>> =
        items(intentions).map(|intention| fields.iter().map(|field| text(intention, field)).collect()).collect();
    if rows.is_empty() {
        return "There are no intentions.\n".to_owned();
    }
    let head = ["ID", "Source", "Action", "Destination", "Precedence"].map(str::to_owned).to_vec();
    columns(&std::iter::once(head).chain(rows).collect::<Vec<_>>())
}

fn get_lines(intention: &Value) -> String {
    let shown = [
        ("Source:", "SourceName"),
        ("Destination:", "DestinationName"),
        ("Action:", "Action"),
        ("ID:", "ID"),
        ("Description:", "Description"),
        ("Created At:", "CreatedAt"),
    ];
    let rows: Vec<[&str; 2]> = shown
        .into_iter()
        .filter_map(|(label, field)| Some([label, intention[field].as_str().filter(|text| !text.is_empty())?]))
        .collect();
    columns(&rows)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{get_lines, list_lines};

    #[test]
    fn intentions_stand_under_a_head() {
        let intentions = json!([
            { "SourceName": "web", "Action": "allow", "DestinationName": "db", "Precedence": 9 },
            { "SourceName": "*", "Action": "deny", "DestinationName": "db", "Precedence": 8 },
        ]);
        assert_eq!(
            list_lines(&intentions),
            "ID  Source  Action  Destination  Precedence\n    web     allow   db           9\n    *       deny    db           8\n"
        );
        assert_eq!(list_lines(&json!([])), "There are no intentions.\n");
    }

    #[test]
    fn one_intention_shows_what_is_known_of_it() {
        let intention = json!({ "SourceName": "web", "DestinationName": "db", "Action": "deny", "Description": "" });
        assert_eq!(get_lines(&intention), "Source:       web\nDestination:  db\nAction:       deny\n");
    }
}
