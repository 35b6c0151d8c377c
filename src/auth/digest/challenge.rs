//! `WWW-Authenticate` by RFC 9110 section 11.6.1: every header, every challenge in each, bytes in, never a panic.

use digest_auth::{Algorithm, AlgorithmType};
use http::HeaderMap;
use http::header::{HeaderValue, WWW_AUTHENTICATE};

/// A longer header is not looked at.
const MAX_HEADER_BYTES: usize = 16 * 1024;
/// More headers of this name than that are not looked at.
const MAX_HEADERS: usize = 8;

/// One challenge of any scheme, or the parameters of `Authentication-Info`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Challenge {
    scheme: String,
    parameters: Vec<(String, Vec<u8>)>,
}

impl Challenge {
    /// A parameter's text; bytes beyond ASCII are read as Latin-1, which never fails.
    fn get(&self, name: &str) -> Option<String> {
        let (_, value) = self.parameters.iter().find(|(n, _)| n == name)?;
        Some(match std::str::from_utf8(value) {
            Ok(text) => text.to_owned(),
            Err(_) => value.iter().map(|&b| char::from(b)).collect(),
        })
    }

    fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }
}

/// Quality of protection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Qop {
    /// `auth`
    Auth,
    /// `auth-int`: the body is part of the answer.
    AuthInt,
}

/// A Digest challenge that can be answered.
#[derive(Debug, Clone, PartialEq)]
pub struct DigestChallenge {
    realm: String,
    nonce: String,
    opaque: Option<String>,
    algorithm: Algorithm,
    qop: Option<Qop>,
    userhash: bool,
    stale: bool,
}

/// Why a 401 cannot be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unanswerable {
    /// No Digest challenge at all; the schemes that were offered.
    NotDigest(Vec<String>),
    /// A Digest challenge, but none that can be answered, and why.
    Unsupported(String),
}

impl std::fmt::Display for Unanswerable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotDigest(schemes) if schemes.is_empty() => write!(f, "the server sent no challenge to answer"),
            Self::NotDigest(schemes) => write!(f, "the server offers {}, not Digest", schemes.join(", ")),
            Self::Unsupported(why) => write!(f, "the server's Digest challenge cannot be answered: {why}"),
        }
    }
}

impl DigestChallenge {
    /// The first Digest challenge that can be answered, as RFC 7616 section 3.7 asks.
    ///
    /// # Errors
    /// What was offered instead.
    pub fn from_headers(headers: &HeaderMap) -> Result<Self, Unanswerable> {
        let challenges = headers.get_all(WWW_AUTHENTICATE).into_iter().take(MAX_HEADERS).flat_map(parse);
        let (mut schemes, mut unsupported) = (Vec::new(), None);
        for challenge in challenges {
            if challenge.scheme != "digest" {
                schemes.push(challenge.scheme);
                continue;
            }
            match Self::from_challenge(&challenge) {
                Ok(digest) => return Ok(digest),
                Err(why) => unsupported = unsupported.or(Some(why)),
            }
        }
        Err(unsupported.map_or(Unanswerable::NotDigest(schemes), Unanswerable::Unsupported))
    }

    fn from_challenge(challenge: &Challenge) -> Result<Self, String> {
        let ascii = |name: &str| match challenge.get(name) {
            // hashing wants the server's own bytes, and which encoding those are in nobody says
            Some(value) if !value.is_ascii() || value.bytes().any(|b| b.is_ascii_control()) => {
                Err(format!("its {name} is not plain ASCII"))
            }
            other => Ok(other),
        };
        let need = |name: &str| ascii(name)?.ok_or_else(|| format!("it has no {name}"));
        let algorithm = match challenge.get("algorithm") {
            None => Algorithm::default(),
            Some(name) => algorithm(&name).ok_or_else(|| format!("algorithm {name:?} is not known"))?,
        };
        // Atlas's page prints op="auth" where its servers send qop="auth"
        let qop = match challenge.get("qop").or_else(|| challenge.get("op")) {
            Some(offered) if !offered.trim().is_empty() => {
                let offers = |word| offered.split([',', ' ']).any(|offer: &str| offer.eq_ignore_ascii_case(word));
                match (offers("auth"), offers("auth-int")) {
                    (true, _) => Some(Qop::Auth),
                    (false, true) => Some(Qop::AuthInt),
                    (false, false) => return Err(format!("qop {offered:?} is not known")),
                }
            }
            _ => None,
        };
        Ok(Self {
            realm: need("realm")?,
            nonce: need("nonce")?,
            opaque: ascii("opaque")?,
            algorithm,
            qop,
            userhash: challenge.is_true("userhash"),
            stale: challenge.is_true("stale"),
        })
    }

    /// `stale=true`: the answer was right, the nonce too old.
    pub fn is_stale(&self) -> bool {
        self.stale
    }

    /// Whether the body takes part in the answer.
    pub fn covers_body(&self) -> bool {
        self.qop == Some(Qop::AuthInt)
    }

    /// Whether the server keeps state per client: Apache sends an `opaque` when it checks counts, and then a newer nonce
    /// of the same `opaque` ends the older ones.
    pub fn is_stateful(&self) -> bool {
        self.opaque.is_some()
    }

    /// The same challenge with the nonce that `Authentication-Info` announced.
    pub fn with_nonce(&self, nonce: String) -> Self {
        Self { nonce, stale: false, ..self.clone() }
    }

    /// Whether diqwest's session can hold it for more than one answer: the session forgets the algorithm and
    /// `userhash`, and does not escape what it prints.
    pub fn is_reusable(&self) -> bool {
        let plain = |value: &str| !value.contains(['"', '\\']);
        self.algorithm == Algorithm::default()
            && !self.userhash
            && plain(&self.realm)
            && plain(&self.nonce)
            && self.opaque.as_deref().is_none_or(plain)
    }

    /// One header in the form that diqwest reads without surprises: ASCII, escaped, one qop, no charset.
    ///
    /// # Errors
    /// Does not fail for a challenge of [`Self::from_headers`], all of whose values are printable ASCII.
    pub(super) fn normalised(&self) -> Result<HeaderValue, String> {
        let escaped = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"");
        let mut text = format!(
            "Digest realm=\"{}\", nonce=\"{}\", algorithm={}",
            escaped(&self.realm),
            escaped(&self.nonce),
            self.algorithm
        );
        match self.qop {
            Some(Qop::Auth) => text += ", qop=\"auth\"",
            Some(Qop::AuthInt) => text += ", qop=\"auth-int\"",
            None => {}
        }
        if let Some(opaque) = &self.opaque {
            text += &format!(", opaque=\"{}\"", escaped(opaque));
        }
        if self.userhash {
            text += ", userhash=true";
        }
        HeaderValue::from_str(&text).map_err(|_| "it cannot be printed".to_owned())
    }
}

/// `nextnonce` of `Authentication-Info` (RFC 7616 section 3.5).
pub fn next_nonce(headers: &HeaderMap) -> Option<String> {
    let value = headers.get("authentication-info")?.as_bytes();
    // parameters without a scheme: lend them one
    let challenge = parse_bytes(&[b"info ", value].concat()).into_iter().next()?;
    challenge.get("nextnonce").filter(|nonce| !nonce.is_empty() && nonce.bytes().all(|b| b.is_ascii_graphic()))
}

fn algorithm(name: &str) -> Option<Algorithm> {
    let name = name.to_ascii_uppercase();
    let (base, sess) = name.strip_suffix("-SESS").map_or((name.as_str(), false), |base| (base, true));
    let kind = match base {
        "MD5" => AlgorithmType::MD5,
        "SHA-256" => AlgorithmType::SHA2_256,
        "SHA-512-256" => AlgorithmType::SHA2_512_256,
        _ => return None,
    };
    Some(Algorithm::new(kind, sess))
}

fn parse(value: &HeaderValue) -> Vec<Challenge> {
    parse_bytes(value.as_bytes())
}

/// Every challenge of one header value. A broken tail is dropped, what was whole before it is kept.
fn parse_bytes(value: &[u8]) -> Vec<Challenge> {
    let mut challenges: Vec<Challenge> = Vec::new();
    if value.len() > MAX_HEADER_BYTES {
        return challenges;
    }
    let mut rest = Cursor(value);
    loop {
        rest.skip_while(|b| b == b' ' || b == b'\t' || b == b',');
        if rest.is_empty() {
            return challenges;
        }
        let name = rest.take_while(is_token);
        if name.is_empty() {
            rest.skip_while(|b| b != b',');
            continue;
        }
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        rest.skip_while(is_blank);
        if !rest.skip_byte(b'=') {
            challenges.push(Challenge { scheme: name, parameters: Vec::new() });
            continue;
        }
        rest.skip_while(is_blank);
        let value = if rest.skip_byte(b'"') {
            let Some(value) = rest.quoted() else { return challenges };
            value
        } else {
            rest.take_while(|b| b != b',' && !is_blank(b)).to_vec()
        };
        if let Some(challenge) = challenges.last_mut()
            && !challenge.parameters.iter().any(|(known, _)| *known == name)
        {
            challenge.parameters.push((name, value));
        }
    }
}

fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// RFC 9110 section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn take_while(&mut self, accept: impl Fn(u8) -> bool) -> &'a [u8] {
        let end = self.0.iter().position(|&b| !accept(b)).unwrap_or(self.0.len());
        let (taken, rest) = self.0.split_at(end);
        self.0 = rest;
        taken
    }

    fn skip_while(&mut self, accept: impl Fn(u8) -> bool) {
        self.take_while(accept);
    }

    fn skip_byte(&mut self, byte: u8) -> bool {
        match self.0.split_first() {
            Some((&first, rest)) if first == byte => {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }

    /// The rest of a quoted-string whose opening quote is behind; `None` where it never ends.
    fn quoted(&mut self) -> Option<Vec<u8>> {
        let mut value = Vec::new();
        loop {
            let (&byte, rest) = self.0.split_first()?;
            self.0 = rest;
            match byte {
                b'"' => return Some(value),
                b'\\' => {
                    let (&escaped, rest) = self.0.split_first()?;
                    self.0 = rest;
                    value.push(escaped);
                }
                other => value.push(other),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn challenge(values: &[&str]) -> Result<DigestChallenge, Unanswerable> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(WWW_AUTHENTICATE, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        DigestChallenge::from_headers(&headers)
    }

    #[test]
    fn atlas_and_its_misprint() {
        let real = r#"Digest realm="MMS Public API", domain="", nonce="a/b+c", algorithm=MD5, qop="auth", stale=false"#;
        let printed = real.replace("qop", "op");
        for header in [real, &printed] {
            let found = challenge(&[header]).unwrap();
            assert_eq!(found.realm, "MMS Public API");
            assert_eq!(found.qop, Some(Qop::Auth));
            assert!(found.is_reusable() && !found.is_stale());
        }
        assert_eq!(challenge(&[real, real]), challenge(&[real]));
    }

    #[test]
    fn other_schemes_quotes_and_case() {
        let found = challenge(&[
            r#"Negotiate abc==, Basic realm="x, Digest nonce=1", Digest realm="a \"b\", c\\", nonce="n=,", qop="AUTH,weird", stale=TRUE"#,
        ])
        .unwrap();
        assert_eq!((found.realm.as_str(), found.nonce.as_str()), (r#"a "b", c\"#, "n=,"));
        assert!(found.is_stale() && !found.is_reusable());
        let bare = challenge(&["digest Realm = \"r\" , NONCE = n1,algorithm=sha-256"]).unwrap();
        assert_eq!(bare.algorithm.algo, AlgorithmType::SHA2_256);
        assert_eq!((bare.nonce.as_str(), bare.qop), ("n1", None));
        assert_eq!(
            challenge(&["Basic realm=x", "Bearer"]),
            Err(Unanswerable::NotDigest(vec!["basic".into(), "bearer".into()]))
        );
        assert_eq!(challenge(&[]), Err(Unanswerable::NotDigest(vec![])));
    }

    #[test]
    fn the_first_that_can_be_answered() {
        let found = challenge(&[r#"Digest realm="r", nonce="n", algorithm=SHA-512"#, r#"Digest realm="r", nonce="m""#]);
        assert_eq!(found.unwrap().nonce, "m");
        for broken in [
            r#"Digest realm="r", nonce="unterminated"#,
            r#"Digest realm="r""#,
            r#"Digest nonce="n""#,
            r#"Digest realm="r", nonce="n", qop="token""#,
            "Digest realm=\"\u{e9}\", nonce=\"n\"",
        ] {
            assert!(matches!(challenge(&[broken]), Err(Unanswerable::Unsupported(_))), "{broken}");
        }
    }

    #[test]
    fn no_bytes_panic() {
        let pieces: [&[u8]; 12] =
            [b"Digest ", b"realm", b"=", b"\"", b"\\", b",", b" ", b"nonce", b"\xff", b"\xc3\xa9", b"a", b"\t"];
        let mut seed = 7u64;
        for _ in 0..20_000 {
            let mut bytes = Vec::new();
            for _ in 0..12 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                bytes.extend_from_slice(pieces[(seed >> 33) as usize % pieces.len()]);
            }
            for found in parse_bytes(&bytes) {
                let _ = DigestChallenge::from_challenge(&found).map(|c| c.normalised().unwrap());
            }
        }
        assert!(parse_bytes(&vec![b'a'; MAX_HEADER_BYTES + 1]).is_empty());
    }

    #[test]
    fn next_nonce_of_authentication_info() {
        let mut headers = HeaderMap::new();
        headers.insert("authentication-info", HeaderValue::from_static(r#"rspauth="x", nextnonce="n2", nc=00000001"#));
        assert_eq!(next_nonce(&headers).as_deref(), Some("n2"));
        headers.insert("authentication-info", HeaderValue::from_static(r#"nextnonce="""#));
        assert_eq!(next_nonce(&headers), None);
    }
}
