//! `chancery watch`: waits for changes by blocking queries, and runs a program for each.

mod handler;
mod plan;

use std::io::Write;
use std::time::Duration;

use clap::{ArgAction, Args};
use serde_json::Value;

use super::api::AgentApi;
use super::error::CliError;
use super::flags::HttpFlags;
use super::format::json;
use handler::Handler;
use plan::{Plan, Watched};

/// How long the agent holds an answer back; then it answers with what stands.
const WAIT: &str = "5m";
/// A little longer than that: the agent spreads its answers.
const PATIENCE: Duration = Duration::from_secs(6 * 60);
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

#[derive(Args)]
#[command(
    after_help = "The program gets the news as JSON on its standard input, and their index in CONSUL_INDEX. Without a \
    program the news are printed once.\n\nExamples:\n\n    $ chancery watch -type=service -service=web ./reload.sh\n    \
    $ chancery watch -type=key -key=app/limit -shell=false /usr/bin/notify limit\n    $ chancery watch -type=nodes"
)]
pub(super) struct Watch {
    /// key, keyprefix, services, nodes, service, checks, connect_roots, connect_leaf or agent_service
    #[arg(long = "type", value_name = "TYPE")]
    kind: String,
    #[command(flatten)]
    watched: Watched,
    /// Run the program with `sh -c`
    #[arg(long, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true",
        default_value_t = true, value_name = "BOOL")]
    shell: bool,
    /// The program and its arguments
    #[arg(value_name = "PROGRAM", num_args = 0.., trailing_var_arg = true)]
    program: Vec<String>,
    #[command(flatten)]
    http: HttpFlags,
}

/// One answer, and where the next question goes on.
struct News {
    value: Value,
    index: u64,
}

impl Watch {
    pub fn run(&self, out: &mut dyn Write) -> Result<(), CliError> {
        let mut plan = Plan::new(&self.kind, &self.watched).map_err(CliError::Usage)?;
        let api = self.http.connect()?;
        let handler = Handler::of(&self.program, self.shell);
        let mut last = Value::Null;
        let mut pause = FIRST_PAUSE;
        loop {
            let news = match ask(&api, &mut plan) {
                Ok(news) => news,
                // somebody looks on: better no answer than none for a long time
                Err(error) if handler.is_none() => return Err(error),
                Err(error) => {
                    eprintln!("{error}; asked again in {} s", pause.as_secs());
                    std::thread::sleep(pause);
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    continue;
                }
            };
            pause = FIRST_PAUSE;
            // what is not there is no news until it is
            if news.value == last {
                continue;
            }
            match &handler {
                None => return json(out, &news.value),
                Some(handler) => handler.run(&news.value, news.index)?,
            }
            last = news.value;
        }
    }
}

/// Waits until there is something newer than what the plan has seen.
fn ask(api: &AgentApi, plan: &mut Plan) -> Result<News, CliError> {
    let mut query = plan.query();
    query.push(("wait", WAIT.to_owned()));
    let query: Vec<(&str, &str)> = query.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let answer = api.wait(&plan.path, &query, PATIENCE)?;
    let header = |name| answer.headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
    let hash = header("x-consul-contenthash").map(str::to_owned);
    let index = header("x-consul-index").and_then(|index| index.parse().ok());
    let value = answer.json(&format!("GET {}", plan.path))?;
    let index = plan.seen(index, hash).ok_or_else(|| CliError::Misread {
        request: format!("GET {}", plan.path),
        reason: "there is neither an index nor a hash to wait with".to_owned(),
    })?;
    Ok(News { value: plan.news(value), index })
}
