//! Where a client's credentials may go.

use crate::auth::credentials::Identity;
use crate::client::error::Error;
use crate::transport::BaseUrl;

/// The base URL of a client: the argument, or that of the environment or the profile, or Atlas itself.
///
/// Credentials of the environment or a profile belong to whoever set up the machine. They go to Atlas's own hosts, or to
/// the host that was set up with them: another base URL may have been chosen by somebody who must not see them, such as
/// the editor of a connection in a workflow engine.
///
/// # Errors
/// `Error::Configuration`: the base URL that was found breaks a rule, or the credentials must not go to the argument.
pub fn destination(argument: Option<BaseUrl>, identity: &Identity, allow_insecure: bool) -> Result<BaseUrl, Error> {
    let found = identity.base_url.as_ref().map(|found| {
        BaseUrl::parse(&found.url, allow_insecure)
            .map_err(|message| Error::Configuration(format!("{} {message}", found.source)))
    });
    let Some(asked) = argument else {
        let atlas = || BaseUrl::parse(BaseUrl::ATLAS, false).map_err(Error::Configuration);
        return found.unwrap_or_else(atlas);
    };
    let is_set_up = matches!(&found, Some(Ok(found)) if asked.has_origin_of(found));
    if identity.is_given || asked.is_atlas() || is_set_up {
        return Ok(asked);
    }
    Err(Error::Configuration(format!(
        "credentials from {} are not sent to {asked}, which is neither a host of Atlas nor the base URL set up with \
         them: pass credentials together with base_url, or set MONGODB_ATLAS_BASE_URL",
        identity.source
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::ApiKey;
    use crate::auth::credentials::Found;

    fn identity(is_given: bool, base_url: Option<&str>) -> Identity {
        Identity {
            credentials: ApiKey::new("abcdefgh", "01234567-89ab-cdef-0123-456789abcdef").unwrap().into(),
            base_url: base_url.map(|url| Found { url: url.to_owned(), source: "MONGODB_ATLAS_BASE_URL".to_owned() }),
            source: "the environment".to_owned(),
            is_given,
        }
    }

    fn outcome(argument: Option<&str>, is_given: bool, found: Option<&str>) -> Result<String, String> {
        let argument = argument.map(|url| BaseUrl::parse(url, true).unwrap());
        match destination(argument, &identity(is_given, found), false) {
            Ok(base_url) => Ok(base_url.to_string()),
            Err(Error::Configuration(message)) => Err(message),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_machines_credentials_go_to_atlas_or_where_the_machine_says() {
        let own = "http://127.0.0.1:1234";
        assert_eq!(outcome(None, false, None).unwrap(), BaseUrl::ATLAS);
        assert_eq!(outcome(None, false, Some(own)).unwrap(), own);
        assert_eq!(outcome(Some(own), false, Some(own)).unwrap(), own);
        assert_eq!(outcome(Some("https://cloud.mongodbgov.com"), false, None).unwrap(), "https://cloud.mongodbgov.com");
        for (asked, found) in [
            ("https://evil.example", None),
            ("https://evil.example", Some(own)),
            ("http://cloud.mongodb.com", None),
            ("http://127.0.0.1:1235", Some(own)),
            ("https://127.0.0.1:1234", Some(own)),
            ("http://127.0.0.1:1234", Some("not a URL")),
        ] {
            let message = outcome(Some(asked), false, found).unwrap_err();
            assert!(message.contains(asked) && message.contains("the environment"), "{message}");
        }
    }

    #[test]
    fn given_credentials_go_where_they_are_told() {
        assert_eq!(outcome(Some("https://proxy.example"), true, None).unwrap(), "https://proxy.example");
        assert_eq!(outcome(None, true, Some("http://127.0.0.1:1")).unwrap(), "http://127.0.0.1:1");
        assert_eq!(outcome(None, true, None).unwrap(), BaseUrl::ATLAS);
        assert!(outcome(None, true, Some("not a URL")).unwrap_err().starts_with("MONGODB_ATLAS_BASE_URL "));
    }
}
