//! `builtin/aws/lambda`.

use crate::model::extension::AwsLambda;
use crate::wire::fields::{Fields, Result};

pub(super) fn decode(fields: &mut Fields<'_>) -> Result<AwsLambda> {
    let arn = fields.text("ARN")?;
    let region = region(&arn).ok_or_else(|| {
        let form = "arn:aws:lambda:REGION:ACCOUNT:function:NAME";
        fields.error("ARN", format!("{arn:?} does not name a function of AWS Lambda: expected {form}"))
    })?;
    let asynchronous = match fields.text("InvocationMode")?.as_str() {
        "" | "synchronous" => false,
        "asynchronous" => true,
        other => {
            let message = format!("{other:?} is no mode; expected one of synchronous, asynchronous");
            return Err(fields.error("InvocationMode", message));
        }
    };
    let payload_passthrough = fields.flag("PayloadPassthrough")?;
    Ok(AwsLambda { region: region.to_owned(), arn, payload_passthrough, asynchronous })
}

fn region(arn: &str) -> Option<&str> {
    let parts: Vec<&str> = arn.split(':').collect();
    let is_lambda = parts.len() >= 7 && parts[0] == "arn" && parts[2] == "lambda" && parts[5] == "function";
    let is_name =
        |text: &str| !text.is_empty() && text.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-');
    (is_lambda && is_name(parts[3])).then(|| parts[3])
}
