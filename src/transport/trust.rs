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
    match chosen(ca_file)? {
        (_, Some(roots)) => trusting(builder, roots),
        (_, None) => Ok(builder),
    }
}

/// Where the roots that are trusted come from, in words.
pub(super) fn source(ca_file: Option<&Path>) -> Result<String, String> {
    chosen(ca_file).map(|(source, _)| source)
}

/// The roots, and where they come from; without any, reqwest asks the system's own verifier.
fn chosen(ca_file: Option<&Path>) -> Result<(String, Option<RootCertStore>), String> {
    let from_environment = |name: &str| std::env::var_os(name).filter(|path| !path.is_empty()).map(PathBuf::from);
    let shown = |name: &str, path: &Path, roots: &RootCertStore| format!("{name} {path:?} ({} roots)", roots.len());
    let named = |path: &Path, name: &str| {
        let roots = read(path, name)?;
        Ok((shown(name, path, &roots), Some(roots)))
    };
    if let Some(path) = ca_file {
        return named(path, "ca_file");
    }
    if let Some(path) = from_environment(REQUESTS_CA_BUNDLE) {
        return named(&path, REQUESTS_CA_BUNDLE);
    }
    let openssl = OPENSSL.into_iter().find_map(|name| Some((name, from_environment(name)?)));
    if openssl.is_none() && cfg!(any(target_os = "macos", windows)) {
        return Ok(("the system's verifier".to_owned(), None));
    }
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    // one that cannot be read is left out: systems ship some
    roots.add_parsable_certificates(found.certs);
    let source = match (&openssl, roots.is_empty()) {
        (Some((name, path)), false) => shown(name, path, &roots),
        // whoever names certificates does not want others instead
        (Some((name, path)), true) => {
            let why = found.errors.first().map_or_else(|| "no certificate in it".to_owned(), ToString::to_string);
            return Err(format!("{name} {path:?}: {why}"));
        }
        (None, false) => format!("the system's ({} roots)", roots.len()),
        (None, true) => {
            roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
            format!("Mozilla's list, as the system has none ({} roots)", roots.len())
        }
    };
    Ok((source, Some(roots)))
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
