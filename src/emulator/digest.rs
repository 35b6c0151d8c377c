//! HTTP Digest from the server's side, by RFC 7616 (and RFC 2069 where no `qop` is offered).

use super::config::DigestMode;
use md5::{Digest as _, Md5};
use sha2::Sha256;

pub(crate) const REALM: &str = "MMS Public API";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Md5,
    Sha256,
}

impl Algorithm {
    fn name(self) -> &'static str {
        match self {
            Algorithm::Md5 => "MD5",
            Algorithm::Sha256 => "SHA-256",
        }
    }

    /// RFC 7616 section 3.4: an absent algorithm is MD5; the words are compared without regard to case.
    pub(crate) fn from_name(name: Option<&str>) -> Option<Self> {
        match name {
            None => Some(Algorithm::Md5),
            Some(name) => [Algorithm::Md5, Algorithm::Sha256].into_iter().find(|a| a.name().eq_ignore_ascii_case(name)),
        }
    }

    /// `H(parts[0] ":" parts[1] ":" …)` in lower-case hexadecimal.
    pub(crate) fn hash(self, parts: &[&str]) -> String {
        let text = parts.join(":");
        let hex = |bytes: &[u8]| {
            let digit = |n: u8| char::from(if n < 10 { b'0' + n } else { b'a' + (n - 10) });
            bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
        };
        match self {
            Algorithm::Md5 => hex(&Md5::digest(text)),
            Algorithm::Sha256 => hex(&Sha256::digest(text)),
        }
    }
}

impl DigestMode {
    pub(crate) fn offers(self, algorithm: Algorithm) -> bool {
        match self {
            DigestMode::Open => false,
            DigestMode::Sha256 => algorithm == Algorithm::Sha256,
            DigestMode::Sha256AndMd5 => true,
            _ => algorithm == Algorithm::Md5,
        }
    }

    pub(crate) fn offers_qop(self) -> bool {
        self != DigestMode::NoQop
    }

    /// The values of `WWW-Authenticate`, one for each header.
    pub(crate) fn challenges(self, nonce: &str, stale: bool) -> Vec<String> {
        let qop = match self {
            DigestMode::NoQop => "",
            DigestMode::Misprint => " op=\"auth\",",
            _ => " qop=\"auth\",",
        };
        let challenge = |algorithm: Algorithm| {
            let algorithm = algorithm.name();
            format!(
                "Digest realm=\"{REALM}\", domain=\"\", nonce=\"{nonce}\", algorithm={algorithm},{qop} stale={stale}"
            )
        };
        let md5 = challenge(Algorithm::Md5);
        match self {
            DigestMode::Open => vec![],
            DigestMode::TwoChallenges => vec![format!("Basic realm=\"{REALM}\", {md5}")],
            DigestMode::HeaderTwice => vec![md5.clone(), md5],
            DigestMode::Sha256 => vec![challenge(Algorithm::Sha256)],
            DigestMode::Sha256AndMd5 => vec![challenge(Algorithm::Sha256), md5],
            _ => vec![md5],
        }
    }
}

/// The parameters of `Authorization: Digest`, unquoted.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Credentials {
    pub(crate) username: String,
    pub(crate) realm: String,
    pub(crate) nonce: String,
    pub(crate) uri: String,
    pub(crate) response: String,
    pub(crate) algorithm: Option<String>,
    pub(crate) qop: Option<Qop>,
}

/// What comes with `qop=auth`, and only with it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Qop {
    /// As sent: the hash covers these eight digits.
    pub(crate) nc: String,
    pub(crate) count: u32,
    pub(crate) cnonce: String,
}

impl Credentials {
    /// Reads what follows the word `Digest`. Whether a value is quoted is not looked at: the RFC forbids it for `qop`
    /// and `algorithm`, and clients that Atlas takes do it all the same.
    pub(crate) fn parse(parameters: &str) -> Result<Self, String> {
        let mut read = Self::default();
        let (mut qop, mut nc, mut cnonce) = (None, None, None);
        let mut seen: Vec<String> = Vec::with_capacity(10);
        for (name, value) in auth_params(parameters)? {
            if seen.contains(&name) {
                return Err(format!("the parameter {name} is there twice"));
            }
            match name.as_str() {
                "username" => read.username = value,
                "realm" => read.realm = value,
                "nonce" => read.nonce = value,
                "uri" => read.uri = value,
                "response" => read.response = value,
                "algorithm" => read.algorithm = Some(value),
                "qop" => qop = Some(value),
                "nc" => nc = Some(value),
                "cnonce" => cnonce = Some(value),
                "userhash" if value.eq_ignore_ascii_case("true") => {
                    return Err("userhash was not offered".to_owned());
                }
                _ => {}
            }
            seen.push(name);
        }
        for needed in ["username", "realm", "nonce", "uri", "response"] {
            if !seen.iter().any(|name| name == needed) {
                return Err(format!("the parameter {needed} is missing"));
            }
        }
        read.qop = match (qop, nc, cnonce) {
            (None, None, None) => None,
            (Some(qop), Some(nc), Some(cnonce)) => {
                if !qop.eq_ignore_ascii_case("auth") {
                    return Err(format!("qop {qop:?} was not offered"));
                }
                let digits = nc.len() == 8 && nc.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
                let count = if digits { u32::from_str_radix(&nc, 16).ok() } else { None };
                let count = count.ok_or_else(|| format!("nc must be 8 lower-case hexadecimal digits, got {nc:?}"))?;
                Some(Qop { nc, count, cnonce })
            }
            _ => return Err("qop, nc and cnonce come together or not at all".to_owned()),
        };
        Ok(read)
    }

    /// The response that the holder of the key would have sent, from `H(A1)`.
    pub(crate) fn expected(&self, algorithm: Algorithm, a1: &str, method: &str) -> String {
        let a2 = algorithm.hash(&[method, &self.uri]);
        match &self.qop {
            Some(qop) => algorithm.hash(&[a1, &self.nonce, &qop.nc, &qop.cnonce, "auth", &a2]),
            None => algorithm.hash(&[a1, &self.nonce, &a2]),
        }
    }
}

/// `#auth-param` of RFC 9110 section 11.2: names in lower case, values without their quotes and escapes.
fn auth_params(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut params = Vec::with_capacity(10);
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() {
            return Ok(params);
        }
        let (name, after) = rest.split_once('=').ok_or("a parameter has no value")?;
        let name = name.trim_end_matches([' ', '\t']);
        if name.is_empty() || !name.bytes().all(is_token) {
            return Err(format!("{name:?} is not a parameter's name"));
        }
        let after = after.trim_start_matches([' ', '\t']);
        let (value, after) = if let Some(quoted) = after.strip_prefix('"') {
            unquote(quoted)?
        } else {
            let end = after.find([',', ' ', '\t']).unwrap_or(after.len());
            let (value, after) = after.split_at(end);
            if value.is_empty() || !value.bytes().all(is_token) {
                return Err(format!("the value of {name} must be quoted"));
            }
            (value.to_owned(), after)
        };
        rest = after.trim_start_matches([' ', '\t']);
        if !rest.is_empty() && !rest.starts_with(',') {
            return Err(format!("no comma after the value of {name}"));
        }
        params.push((name.to_ascii_lowercase(), value));
    }
}

/// The text up to the closing quote, and what follows it.
fn unquote(quoted: &str) -> Result<(String, &str), String> {
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Ok((value, quoted.get(at + 1..).unwrap_or(""))),
            '\\' => match chars.next() {
                Some((_, escaped)) => value.push(escaped),
                None => break,
            },
            _ => value.push(c),
        }
    }
    Err("a quoted value does not end".to_owned())
}

fn is_token(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The worked example of RFC 7616 section 3.9.1.
    #[test]
    fn the_example_of_the_rfc() {
        for (algorithm, response) in [
            (Algorithm::Md5, "8ca523f5e9506fed4657c9700eebdbec"),
            (Algorithm::Sha256, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
        ] {
            let credentials = Credentials::parse(&format!(
                "username=\"Mufasa\", realm=\"http-auth@example.org\", uri=\"/dir/index.html\", algorithm={}, \
                 nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", nc=00000001, \
                 cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\", qop=auth, response=\"{response}\", \
                 opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"",
                algorithm.name()
            ))
            .unwrap();
            let a1 = algorithm.hash(&["Mufasa", "http-auth@example.org", "Circle of Life"]);
            assert_eq!(credentials.expected(algorithm, &a1, "GET"), response);
            assert_eq!(credentials.response, response);
            assert_ne!(credentials.expected(algorithm, &a1, "POST"), response);
        }
    }

    /// The worked example of RFC 2069 section 2.4, with the response of its erratum 749.
    #[test]
    fn the_example_of_the_old_rfc() {
        let credentials = Credentials::parse(
            "username=\"Mufasa\", realm=\"testrealm@host.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", \
             uri=\"/dir/index.html\", response=\"1949323746fe6a43ef61f9606e7febea\"",
        )
        .unwrap();
        let a1 = Algorithm::Md5.hash(&["Mufasa", "testrealm@host.com", "CircleOfLife"]);
        assert_eq!(credentials.expected(Algorithm::Md5, &a1, "GET"), credentials.response);
    }

    #[test]
    fn quotes_escapes_commas_and_blanks() {
        let params = auth_params("a=\"x, y\\\"z\\\\\" ,,\tB = c,d=\"\"").unwrap();
        let expected = [("a", "x, y\"z\\"), ("b", "c"), ("d", "")];
        assert_eq!(params, expected.map(|(n, v)| (n.to_owned(), v.to_owned())));
        for bad in ["a", "a=", "a=\"x", "a=\"x\\", "a=b c=d", "a=\"b\"c", "=b", "a b=c", "a=/x", "é=1"] {
            assert!(auth_params(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_the_rfc_does_not_allow() {
        let base = "username=\"u\", realm=\"r\", nonce=\"n\", uri=\"/\", response=\"x\"";
        assert_eq!(Credentials::parse(base).unwrap().qop, None);
        for (more, message) in [
            (", nc=00000001", "come together"),
            (", qop=auth, cnonce=\"c\"", "come together"),
            (", qop=auth, nc=1, cnonce=\"c\"", "8 lower-case"),
            (", qop=auth, nc=0000000A, cnonce=\"c\"", "8 lower-case"),
            (", qop=auth, nc=+0000001, cnonce=\"c\"", "8 lower-case"),
            (", qop=auth-int, nc=00000001, cnonce=\"c\"", "not offered"),
            (", uri=\"/\"", "twice"),
            (", userhash=true", "not offered"),
        ] {
            let error = Credentials::parse(&format!("{base}{more}")).unwrap_err();
            assert!(error.contains(message), "{error}");
        }
        assert!(Credentials::parse("realm=\"r\"").unwrap_err().contains("username is missing"));
        let qop = Credentials::parse(&format!("{base}, qop=\"auth\", nc=0000001f, cnonce=\"\"")).unwrap().qop;
        assert_eq!(qop.unwrap().count, 31);
    }

    #[test]
    fn challenges_are_those_of_atlas() {
        let expected =
            "Digest realm=\"MMS Public API\", domain=\"\", nonce=\"N\", algorithm=MD5, qop=\"auth\", stale=false";
        assert_eq!(DigestMode::Jetty.challenges("N", false), [expected]);
        assert_eq!(DigestMode::HeaderTwice.challenges("N", false), [expected, expected]);
        assert!(DigestMode::Misprint.challenges("N", true)[0].contains("algorithm=MD5, op=\"auth\", stale=true"));
        assert!(DigestMode::NoQop.challenges("N", true)[0].ends_with("algorithm=MD5, stale=true"));
    }
}
