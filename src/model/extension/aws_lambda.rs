//! A function that stands for a service: its callers' proxies sign requests and send them to AWS.

use serde::{Deserialize, Serialize};

use crate::model::words::words;

/// Where most Linux distributions, and Envoy's own images, keep the authorities that the system trusts.
pub const SYSTEM_AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// The arguments of `builtin/aws/lambda`.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct AwsLambda {
    pub arn: Arn,
    /// The body of a request is the function's input as it is; else the whole request is, told as JSON.
    pub payload_passthrough: bool,
    pub invocation: Invocation,
    /// The file, on the machines of the callers, with the authorities by which AWS is known.
    pub trusted_ca: String,
}

words! {
    /// Whether callers wait for the function's result.
    Invocation { Synchronous = "synchronous", Asynchronous = "asynchronous" }
}

/// The name of a function: `arn:<partition>:lambda:<region>:<account>:function:<name>`, perhaps with a version behind it.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Arn(String);

impl Arn {
    /// `None`: it is not the name of a function.
    pub fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split(':').collect();
        let (["arn", partition, "lambda", region, account, "function"], names) = parts.split_at_checked(6)? else {
            return None;
        };
        let word = |part: &&str| {
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        };
        // the region becomes a part of a host's name
        let region_is_label =
            region.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        let version = |part: &&str| word(part) || *part == "$LATEST";
        let named = match names {
            [name] => word(name),
            [name, qualifier] => word(name) && version(qualifier),
            _ => false,
        };
        let good = named && region_is_label && [partition, region, account].into_iter().all(word);
        good.then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where its region takes calls.
    pub fn host(&self) -> String {
        let mut parts = self.0.split(':').skip(1);
        let domain = if parts.next() == Some("aws-cn") { "amazonaws.com.cn" } else { "amazonaws.com" };
        format!("lambda.{}.{domain}", parts.nth(1).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_function_says_where_it_is_called() {
        let host = |arn| Arn::parse(arn).map(|arn| arn.host());
        let there = |host: &str| Some(host.to_owned());
        assert_eq!(host("arn:aws:lambda:us-west-2:111111111111:function:f"), there("lambda.us-west-2.amazonaws.com"));
        assert_eq!(host("arn:aws-cn:lambda:cn-north-1:1:function:f"), there("lambda.cn-north-1.amazonaws.com.cn"));
        assert_eq!(
            host("arn:aws-us-gov:lambda:us-gov-west-1:1:function:f:2"),
            there("lambda.us-gov-west-1.amazonaws.com")
        );
        assert_eq!(host("arn:aws:lambda:eu-west-1:1:function:f:$LATEST"), there("lambda.eu-west-1.amazonaws.com"));
    }

    #[test]
    fn what_is_no_name_of_a_function_is_none() {
        for wrong in [
            "",
            "f",
            "arn:aws:s3:us-west-2:1:function:f",
            "arn:aws:lambda:us-west-2:1:layer:f",
            "arn:aws:lambda:us-west-2:1:function:",
            "arn:aws:lambda:us-west-2:1:function:f:1:2",
            "arn:aws:lambda::1:function:f",
            "arn:aws:lambda:evil.example/:1:function:f",
            "arn:aws:lambda:US_WEST:1:function:f",
            "arn:aws:lambda:us-west-2:1:function:f g",
        ] {
            assert_eq!(Arn::parse(wrong), None, "{wrong:?}");
        }
    }
}
