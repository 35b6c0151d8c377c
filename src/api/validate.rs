//! What Atlas's rules say about arguments, checked before anything is sent.

/// An argument that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// The argument's name, as the caller wrote it.
    pub field: &'static str,
    /// The rule, and what was given instead.
    pub message: String,
}

impl Invalid {
    /// `message` should read well after the field's name: "must be …".
    pub fn new(field: &'static str, message: impl Into<String>) -> Self {
        Self { field, message: message.into() }
    }
}

impl std::fmt::Display for Invalid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.field, self.message)
    }
}

impl std::error::Error for Invalid {}

/// `comment` must be *less than* 80 characters, says the operation's page; the specification's 80 is one too many.
pub const MAX_COMMENT_CHARS: usize = 79;

/// Atlas's ids: 24 hexadecimal digits in lower case.
pub fn object_id(field: &'static str, value: &str) -> Result<(), Invalid> {
    if value.len() == 24 && value.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return Ok(());
    }
    let hint = if value.is_empty() {
        ""
    } else if value.trim() != value {
        " (it has white space around it)"
    } else if value.len() == 24 && value.bytes().all(|b| b.is_ascii_hexdigit()) {
        " (it has capital letters)"
    } else if value.starts_with("vpce-") {
        " (that is the cloud provider's id; this wants Atlas's own)"
    } else {
        ""
    };
    Err(Invalid::new(field, format!("must be 24 hexadecimal digits in lower case, got {}{hint}", quoted(value))))
}

/// The name of a serverless instance: `^[a-zA-Z0-9][a-zA-Z0-9-]*$`, at most 64 characters.
pub fn instance_name(field: &'static str, value: &str) -> Result<(), Invalid> {
    let mut bytes = value.bytes();
    let first = bytes.next().is_some_and(|b| b.is_ascii_alphanumeric());
    if first && value.len() <= 64 && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return Ok(());
    }
    Err(Invalid::new(
        field,
        format!(
            "must be 1 to 64 ASCII letters, digits and hyphens and start with a letter or digit, got {}",
            quoted(value)
        ),
    ))
}

/// A comment of an endpoint: 1 to 79 characters. An empty one is not an absent one.
pub fn comment(field: &'static str, value: &str) -> Result<(), Invalid> {
    let chars = value.chars().count();
    if value.trim().is_empty() {
        return Err(Invalid::new(field, "must not be empty; leave it out (None) for no comment"));
    }
    if chars > MAX_COMMENT_CHARS {
        return Err(Invalid::new(field, format!("must be less than 80 characters, got {chars}")));
    }
    if let Some(c) = value.chars().find(|c| c.is_control()) {
        return Err(Invalid::new(field, format!("must not hold control characters, got {c:?}")));
    }
    Ok(())
}

/// An id of the cloud provider's: whatever it is, it can be shown, and a slip is told.
pub fn cloud_id(field: &'static str, value: &str) -> Result<(), Invalid> {
    if value.is_empty() || value.trim() != value {
        return Err(Invalid::new(
            field,
            format!("must not be empty or have white space around it, got {}", quoted(value)),
        ));
    }
    if value.chars().count() > 1024 || value.chars().any(char::is_control) {
        return Err(Invalid::new(field, format!("must be at most 1024 printable characters, got {}", quoted(value))));
    }
    if value == "." || value == ".." {
        return Err(Invalid::new(field, format!("must not be a path, got {}", quoted(value))));
    }
    Ok(())
}

/// An IP address, of either version.
pub fn ip_address(field: &'static str, value: &str) -> Result<(), Invalid> {
    match value.parse::<std::net::IpAddr>() {
        Ok(_) => Ok(()),
        Err(_) => Err(Invalid::new(field, format!("must be an IP address, got {}", quoted(value)))),
    }
}

/// The value as an error shows it: quoted, escaped, and never longer than a line.
pub fn quoted(value: &str) -> String {
    if value.chars().count() > 60 {
        format!("{:?}…", value.chars().take(60).collect::<String>())
    } else {
        format!("{value:?}")
    }
}
