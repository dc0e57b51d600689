use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use portique_clock::{Clock, WallClock};
use rcgen::{
    CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose, SanType,
};
use x509_parser::extensions::GeneralName;
use x509_parser::time::ASN1Time;

use super::identity;
use crate::data_folder::file_error;
use crate::error::Error;
use crate::token::write_private;

/// The certificate that a hub makes for itself, in its data folder.
pub(crate) const CERTIFICATE_FILE: &str = "tls.certificate.pem";
/// Its key.
const KEY_FILE: &str = "tls.key.pem";
/// Whoever knows it by its fingerprint asks for no date; ten years is longer than a machine lives.
const GOOD_FOR_S: i64 = 10 * 366 * 24 * 3_600;
/// A clock may be behind the one by which it was made.
const GOOD_BEFORE_S: i64 = 24 * 3_600;
/// Where the machine says its name.
const HOST_NAME_FILE: &str = "/proc/sys/kernel/hostname";

/// The files of certificate and key, which are made when there are none.
///
/// # Errors
/// [`Error::File`] when they cannot be written, [`Error::Tls`] when a name cannot be in a certificate.
pub(super) fn open(
    data: &Path,
    asked: &[String],
    listens: &[SocketAddr],
) -> Result<(PathBuf, PathBuf), Error> {
    let (certificate, key) = (data.join(CERTIFICATE_FILE), data.join(KEY_FILE));
    let names = names(asked, listens);
    if !certificate.exists() {
        // The key first: a crash between the two leaves no certificate, and both are made anew.
        make(&names, &certificate, &key)?;
        return Ok((certificate, key));
    }
    let named = named(&certificate)?;
    let missing: Vec<_> = names.iter().filter(|name| !named.contains(*name)).collect();
    if !missing.is_empty() {
        let path = certificate.display();
        tracing::warn!(
            ?missing,
            "the self-signed certificate is not in these names, which only clients that pin its fingerprint overlook; \
             remove {path} to have another one made, with another fingerprint"
        );
    }
    Ok((certificate, key))
}

/// What the certificate shall be good for: this machine, where it listens, and what is asked for.
fn names(asked: &[String], listens: &[SocketAddr]) -> BTreeSet<String> {
    let mut names = BTreeSet::from(["localhost".to_owned()]);
    let local = [
        IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(Ipv6Addr::LOCALHOST),
    ];
    let listens = listens.iter().map(SocketAddr::ip);
    let addresses = listens.filter(|address| !address.is_unspecified());
    names.extend(addresses.chain(local).map(|address| address.to_string()));
    let host = fs::read_to_string(HOST_NAME_FILE).unwrap_or_default();
    let host = host.trim();
    if !host.is_empty() && host != "(none)" {
        names.insert(host.to_owned());
    }
    names.extend(asked.iter().cloned());
    names
}

/// The names in a certificate.
fn named(file: &Path) -> Result<BTreeSet<String>, Error> {
    let leaf = identity::leaf(file)?;
    let parsed = identity::parse(file, &leaf)?;
    let extension = parsed.subject_alternative_name().ok().flatten();
    let names = extension.map(|extension| &extension.value.general_names);
    let name = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => Some(IpAddr::from(<[u8; 4]>::try_from(*bytes).ok()?).to_string()),
            _ => Some(IpAddr::from(<[u8; 16]>::try_from(*bytes).ok()?).to_string()),
        },
        _ => None,
    };
    Ok(names.into_iter().flatten().filter_map(name).collect())
}

fn make(names: &BTreeSet<String>, certificate: &Path, key: &Path) -> Result<(), Error> {
    let impossible = |error: rcgen::Error| Error::Tls {
        path: certificate.to_path_buf(),
        problem: format!("cannot be made ({error}): write names and IP addresses in tls.names"),
    };
    let mut parameters = CertificateParams::default();
    for name in names {
        let name = match name.parse::<IpAddr>() {
            Ok(address) => SanType::IpAddress(address),
            Err(_) => SanType::DnsName(name.as_str().try_into().map_err(impossible)?),
        };
        parameters.subject_alt_names.push(name);
    }
    let now = WallClock::new().now().as_millis() / 1_000;
    let date = |seconds: i64| {
        let date = ASN1Time::from_timestamp(seconds);
        date.expect("today and ten years on are dates")
            .to_datetime()
    };
    parameters.not_before = date(now - GOOD_BEFORE_S);
    parameters.not_after = date(now + GOOD_FOR_S);
    let subject = &mut parameters.distinguished_name;
    subject.push(DnType::CommonName, "Portique hub");
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let pair = KeyPair::generate().map_err(impossible)?;
    let made = parameters.self_signed(&pair).map_err(impossible)?;
    for (path, text) in [(key, pair.serialize_pem()), (certificate, made.pem())] {
        write_private(path, text.trim_end()).map_err(|source| file_error("write", path, source))?;
    }
    Ok(())
}
