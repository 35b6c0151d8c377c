//! Which certificates are trusted: `ca_file`, the variables of the user's other tools, the system, Mozilla's list.

use reqwest::ClientBuilder;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// OpenSSL's, and so most tools'; rustls-native-certs reads them.
const OPENSSL: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];
/// requests' own.
const REQUESTS_CA_BUNDLE: &str = "REQUESTS_CA_BUNDLE";

/// Sets the roots that are trusted.
pub(super) fn configure(builder: ClientBuilder, ca_file: Option<&Path>) -> Result<ClientBuilder, String> {
    let from_environment = |name: &str| std::env::var_os(name).filter(|path| !path.is_empty()).map(PathBuf::from);
    if let Some(path) = ca_file {
        return trusting(builder, read(path, "ca_file")?);
    }
    if let Some(path) = from_environment(REQUESTS_CA_BUNDLE) {
        return trusting(builder, read(&path, REQUESTS_CA_BUNDLE)?);
    }
    let named = OPENSSL.into_iter().find_map(|name| Some((name, from_environment(name)?)));
    // there, reqwest asks the system's own verifier
    if named.is_none() && cfg!(any(target_os = "macos", windows)) {
        return Ok(builder);
    }
    let found = rustls_native_certs::load_native_certs();
    let mut system = RootCertStore::empty();
    // one that cannot be read is left out: systems ship some
    system.add_parsable_certificates(found.certs);
    if system.is_empty() {
        // whoever names certificates does not want others instead
        if let Some((name, path)) = named {
            let why = found.errors.first().map_or_else(|| "no certificate in it".to_owned(), ToString::to_string);
            return Err(format!("{name} {path:?}: {why}"));
        }
        system.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    trusting(builder, system)
}

fn read(path: &Path, name: &str) -> Result<RootCertStore, String> {
    let fault = |what: &str| format!("{name} {path:?}: {what}");
    let pem = std::fs::read(path).map_err(|error| fault(&error.to_string()))?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let certificates = certificates.map_err(|_| fault("not a PEM file of certificates"))?;
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates);
    if roots.is_empty() { Err(fault("no certificate in it")) } else { Ok(roots) }
}

fn trusting(builder: ClientBuilder, roots: RootCertStore) -> Result<ClientBuilder, String> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let versions = versions.map_err(|error| format!("TLS cannot be set up: {error}"))?;
    let mut config = versions.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(builder.tls_backend_preconfigured(config))
}
