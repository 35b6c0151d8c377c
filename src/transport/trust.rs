//! Which certificates are trusted: `ca_file`, the variables of the user's other tools, the system, Mozilla's list.

use reqwest::{Certificate, ClientBuilder};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use std::path::{Path, PathBuf};

/// `SSL_CERT_FILE` and `SSL_CERT_DIR` are read by rustls-native-certs; this one is requests'.
const REQUESTS_CA_BUNDLE: &str = "REQUESTS_CA_BUNDLE";

/// Sets the roots that are trusted.
pub(super) fn configure(builder: ClientBuilder, ca_file: Option<&Path>) -> Result<ClientBuilder, String> {
    let from_environment = || std::env::var_os(REQUESTS_CA_BUNDLE).filter(|path| !path.is_empty()).map(PathBuf::from);
    if let Some(path) = ca_file {
        return Ok(builder.tls_certs_only(read(path, "ca_file")?));
    }
    if let Some(path) = from_environment() {
        return Ok(builder.tls_certs_only(read(&path, REQUESTS_CA_BUNDLE)?));
    }
    if cfg!(any(target_os = "macos", windows)) {
        return Ok(builder);
    }
    let system = rustls_native_certs::load_native_certs().certs;
    if system.is_empty() {
        return Ok(builder.tls_certs_only(certificates(webpki_root_certs::TLS_SERVER_ROOT_CERTS)));
    }
    Ok(builder.tls_certs_only(certificates(&system)))
}

fn read(path: &Path, name: &str) -> Result<Vec<Certificate>, String> {
    let fault = |what: &str| format!("{name} {}: {what}", path.display());
    let pem = std::fs::read(path).map_err(|error| fault(&error.to_string()))?;
    let ders: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let ders = ders.map_err(|_| fault("not a PEM file of certificates"))?;
    let found = certificates(&ders);
    if found.is_empty() { Err(fault("no certificate in it")) } else { Ok(found) }
}

/// One that cannot be read is left out: systems ship some.
fn certificates(ders: &[CertificateDer<'_>]) -> Vec<Certificate> {
    ders.iter().filter_map(|der| Certificate::from_der(der).ok()).collect()
}
