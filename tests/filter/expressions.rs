//! Random expressions: most fit what they ask, some do not, and some are broken.

use chancery_tests::chance::Chance;

use crate::values::{KEYS, TEXTS};

/// What a selector leads to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Text,
    Number,
    Flag,
    Texts,
    Map,
    /// A map of records, and a list of them.
    Keyed,
    Many,
    /// A record: nothing can be asked of it.
    One,
}

use Form::{Flag, Keyed, Many, Map, Number, One, Text, Texts};

/// Consul's selectors, as its API documents them.
const NODE: &[(&str, Form)] =
    &[("ID", Text), ("Node", Text), ("Address", Text), ("Datacenter", Text), ("TaggedAddresses", Map), ("Meta", Map)];
const SERVICE: &[(&str, Form)] = &[
    ("Kind", Text),
    ("ID", Text),
    ("Service", Text),
    ("Tags", Texts),
    ("Address", Text),
    ("TaggedAddresses", Keyed),
    ("Meta", Map),
    ("Port", Number),
    ("SocketPath", Text),
    ("Weights", One),
    ("Weights.Passing", Number),
    ("Weights.Warning", Number),
    ("EnableTagOverride", Flag),
    ("Connect.Native", Flag),
    ("Proxy", One),
    ("Proxy.DestinationServiceID", Text),
    ("Proxy.DestinationServiceName", Text),
    ("Proxy.LocalServiceAddress", Text),
    ("Proxy.LocalServicePort", Number),
    ("Proxy.Mode", Text),
    ("Proxy.TransparentProxy.OutboundListenerPort", Number),
    ("Proxy.MeshGateway.Mode", Text),
    ("Proxy.Upstreams", Many),
    ("Proxy.Upstreams.Datacenter", Text),
    ("Proxy.Upstreams.DestinationName", Text),
    ("Proxy.Upstreams.DestinationNamespace", Text),
    ("Proxy.Upstreams.DestinationType", Text),
    ("Proxy.Upstreams.LocalBindAddress", Text),
    ("Proxy.Upstreams.LocalBindPort", Number),
    ("Proxy.Upstreams.MeshGateway.Mode", Text),
];
const CHECK: &[(&str, Form)] = &[
    ("CheckID", Text),
    ("Name", Text),
    ("Node", Text),
    ("Notes", Text),
    ("Output", Text),
    ("ServiceID", Text),
    ("ServiceName", Text),
    ("ServiceTags", Texts),
    ("Status", Text),
    ("Type", Text),
];
const CATALOG_SERVICE: &[(&str, Form)] = &[
    ("Address", Text),
    ("Datacenter", Text),
    ("ID", Text),
    ("Node", Text),
    ("NodeMeta", Map),
    ("TaggedAddresses", Map),
    ("ServiceAddress", Text),
    ("ServiceConnect.Native", Flag),
    ("ServiceEnableTagOverride", Flag),
    ("ServiceID", Text),
    ("ServiceKind", Text),
    ("ServiceMeta", Map),
    ("ServiceName", Text),
    ("ServicePort", Number),
    ("ServiceProxy.DestinationServiceName", Text),
    ("ServiceProxy.Upstreams", Many),
    ("ServiceProxy.Upstreams.LocalBindPort", Number),
    ("ServiceTaggedAddresses", Keyed),
    ("ServiceTags", Texts),
    ("ServiceWeights.Passing", Number),
];
const INTENTION: &[(&str, Form)] = &[
    ("ID", Text),
    ("Action", Text),
    ("Description", Text),
    ("DestinationNS", Text),
    ("DestinationName", Text),
    ("Meta", Map),
    ("Precedence", Number),
    ("SourceNS", Text),
    ("SourceName", Text),
    ("SourceType", Text),
];
const PATTERNS: [&str; 24] = [
    "^web",
    "b$",
    "^$",
    ".*",
    "[0-9]+",
    r"\d",
    r"^\w+$",
    r"\s",
    r"\bweb\b",
    "(?i)WEB",
    "v[12]",
    "^(web|db)$",
    r"\.",
    "[^a-z]",
    "[[:digit:]]",
    r"\pL",
    r"[\d.]+$",
    "ü",
    r"^.{3}$",
    r"\Qx.y\E",
    "(",
    "a**",
    "[b-a]",
    r"\8",
];
const WRONG_PATHS: [&str; 8] =
    ["Nothing", "service.port", "Meta.a.b", "Tags.v1", "Port.x", "Checks", "Service.Checks", "not"];

type Selectors = Vec<(String, Form)>;

fn selectors(kind: &str) -> Selectors {
    let plain = |table: &[(&str, Form)]| table.iter().map(|(name, form)| ((*name).to_owned(), *form)).collect();
    let within = |prefix: &str, table: &[(&str, Form)]| {
        table.iter().map(|(name, form)| (format!("{prefix}.{name}"), *form)).collect::<Vec<_>>()
    };
    match kind {
        "Nodes" => plain(NODE),
        "Services" => plain(SERVICE),
        "Checks" => plain(CHECK),
        "CatalogServices" => plain(CATALOG_SERVICE),
        "Intentions" => plain(INTENTION),
        _ => {
            let checks = [vec![("Checks".to_owned(), Many)], within("Checks", CHECK)].concat();
            [within("Node", NODE), within("Service", SERVICE), checks].concat()
        }
    }
}

/// A kind, and an expression for it in the language that Consul has.
pub fn any(chance: &mut Chance) -> (&'static str, String) {
    let kind = *chance.pick(&[
        "Nodes",
        "Services",
        "Services",
        "Checks",
        "Instances",
        "Instances",
        "CatalogServices",
        "Intentions",
    ]);
    let mut text = Writer { chance, selectors: selectors(kind), strict: false }.expression(3);
    if chance.once_in(8) {
        text = broken(chance, &text);
    }
    (kind, text)
}

/// With `any` or `all`, where both languages know them.
pub fn looping(chance: &mut Chance) -> (&'static str, String) {
    let upstream = |name: &str| {
        let inside = name.to_owned();
        SERVICE.iter().filter_map(move |(path, form)| {
            let rest = path.strip_prefix("Proxy.Upstreams.")?;
            Some((format!("{inside}.{rest}"), *form))
        })
    };
    let mut selectors: Selectors = selectors("Instances");
    // through a list only by a loop: without one the later version does not lead there
    selectors.retain(|(path, _)| !path.starts_with("Checks.") && !path.starts_with("Service.Proxy.Upstreams."));
    let (head, locals): (&str, Selectors) = match chance.below(7) {
        0 => ("Checks as c", CHECK.iter().map(|(path, form)| (format!("c.{path}"), *form)).collect()),
        1 => ("Service.Tags as tag", vec![("tag".to_owned(), Text)]),
        2 => ("Service.Tags as i, tag", vec![("i".to_owned(), Number), ("tag".to_owned(), Text)]),
        3 => ("Service.Meta as key", vec![("key".to_owned(), Text)]),
        4 => ("Node.Meta as key, value", vec![("key".to_owned(), Text), ("value".to_owned(), Text)]),
        5 => (
            "Service.TaggedAddresses as _, tagged",
            vec![("tagged.Address".to_owned(), Text), ("tagged.Port".to_owned(), Number)],
        ),
        _ => ("Service.Proxy.Upstreams as u", upstream("u").collect()),
    };
    let word = *chance.pick(&["any", "all"]);
    let with_locals = [locals.clone(), locals.clone(), locals, selectors].concat();
    let inner = Writer { chance, selectors: with_locals, strict: true }.expression(2);
    ("Instances", format!("{word} {head} {{ {inner} }}"))
}

struct Writer<'c> {
    chance: &'c mut Chance,
    selectors: Selectors,
    /// Only what fits.
    strict: bool,
}

impl Writer<'_> {
    fn expression(&mut self, depth: u32) -> String {
        let space = *self.chance.pick(&[" ", " ", " ", "  ", "\t", "\n"]);
        match self.chance.below(if depth == 0 { 3 } else { 8 }) {
            0..4 => self.matching(),
            4 => format!("{}{space}and{space}{}", self.expression(depth - 1), self.expression(depth - 1)),
            5 => format!("{} or {}", self.expression(depth - 1), self.expression(depth - 1)),
            6 => format!("not{space}{}", self.expression(depth - 1)),
            _ => format!("({}{space})", self.expression(depth - 1)),
        }
    }

    fn matching(&mut self) -> String {
        if !self.strict && self.chance.once_in(30) {
            let path = *self.chance.pick(&WRONG_PATHS);
            return format!("{path} == {}", self.value(Text));
        }
        let selectors = self.selectors.clone();
        let (mut path, mut form) = self.chance.pick(&selectors).clone();
        if matches!(form, Map | Keyed) && self.chance.once_in(2) {
            let keyed = form == Keyed;
            path = format!("{path}{}", self.key());
            form = Text;
            // of a key that may be missing the later version cannot select a part
            if keyed && self.strict {
                return self.matching();
            }
            if keyed {
                let port = self.chance.once_in(2);
                path.push_str(if port { ".Port" } else { ".Address" });
                form = if port { Number } else { Text };
            }
        } else if !self.strict && self.chance.once_in(20) {
            // the same, with an index
            if let Some((before, name)) = path.clone().rsplit_once('.') {
                path = format!("{before}[ \"{name}\"]");
            }
        }
        if matches!(form, One | Many) && self.strict && form == One {
            return self.matching();
        }
        let asked = if !self.strict && self.chance.once_in(12) {
            *self.chance.pick(&[Text, Number, Flag, Texts, Map, Many])
        } else {
            form
        };
        self.operation(&path, asked)
    }

    fn operation(&mut self, path: &str, form: Form) -> String {
        let negated = self.chance.once_in(3);
        let not = if negated { "not " } else { "" };
        let value = self.value(form);
        match (form, self.chance.below(3)) {
            (Many | One, _) | (Texts | Map | Keyed, 0) => format!("{path} is {not}empty"),
            (Texts | Map | Keyed, 1) | (Text, 1) if self.chance.once_in(2) => format!("{path} {not}contains {value}"),
            (Texts | Map | Keyed, _) | (Text, 1) => format!("{value} {not}in {path}"),
            // of a key that is not there the two versions think differently
            (Text, 2)
                if !(self.strict && (path.contains('[') || path.contains("Meta.") || path.contains("Addresses."))) =>
            {
                let pattern = *self.chance.pick(if self.strict { &PATTERNS[..20] } else { &PATTERNS[..] });
                format!("{path} {not}matches `{pattern}`")
            }
            _ => {
                let operator = if negated { "!=" } else { "==" };
                let space = *self.chance.pick(&["", " ", " ", "\n"]);
                let after = if value.starts_with(|first: char| first.is_ascii_digit()) { " " } else { space };
                format!("{path}{space}{operator}{after}{value}")
            }
        }
    }

    fn key(&mut self) -> String {
        let key = *self.chance.pick(&KEYS);
        let bare = !key.is_empty() && !key.contains(' ');
        match self.chance.below(3) {
            0 | 1 if bare => format!(".{key}"),
            0 => format!("[`{key}`]"),
            _ => format!("[\"{key}\"]"),
        }
    }

    fn value(&mut self, form: Form) -> String {
        match form {
            Number => (*self.chance.pick(&["0", "1", "80", "443", "-1", "2", "6", "9", "\"80\"", "\"0x50\"", "0x50"]))
                .to_owned(),
            Flag => (*self.chance.pick(&["true", "false", "\"T\"", "1", "0", "\"True\"", "TRUE"])).to_owned(),
            Map | Keyed => self.quoted(&KEYS),
            _ => self.quoted(&TEXTS),
        }
    }

    fn quoted(&mut self, texts: &[&str]) -> String {
        let text = *self.chance.pick(texts);
        let bare = text.starts_with(|first: char| first.is_ascii_alphabetic())
            && text.chars().all(|letter| letter.is_ascii_alphanumeric());
        match self.chance.below(5) {
            0 | 1 if bare => text.to_owned(),
            2 => format!("`{text}`"),
            3 if !self.strict && self.chance.once_in(4) => {
                (*self.chance.pick(&[r#""w\x65b""#, r#""\u00fcn""#, r#""\q""#, r#""a\"b""#, "\"a\nb\"", r#""\xfc""#]))
                    .to_owned()
            }
            _ => format!("\"{text}\""),
        }
    }
}

/// With a letter lost, doubled, or another in its place.
fn broken(chance: &mut Chance, text: &str) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    for _ in 0..=chance.below(2) {
        let at = usize::try_from(chance.below(letters.len() as u64)).expect("a small number");
        match chance.below(3) {
            0 if letters.len() > 1 => drop(letters.remove(at)),
            1 => letters.insert(at, letters[at]),
            _ => {
                let letter = [' ', '(', ')', '"', '`', '.', '[', ']', '=', '!', '\\', 'x', '7', '-', '{'];
                letters[at] = *chance.pick(&letter);
            }
        }
    }
    letters.into_iter().collect()
}
