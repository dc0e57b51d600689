//! Notifications by e-mail.

use std::time::Duration;

use lettre::address::Envelope;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{
    Certificate, CertificateStore, Identity, Tls, TlsParameters,
};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use portique_monitor::notify::{Mail, NotificationJob, Smtp, TlsConfig};

use super::secrets::Secrets;
use super::verdict::Verdict;

/// Longest time until a mail is handed over, all steps together.
const SEND_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest wait for one answer of the server.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// Where TLS begins with the connection.
const SMTPS_PORT: u16 = 465;
/// Largest file of a certificate or key.
const PEM_BYTES_MAX: u64 = 1 << 20;

/// Hands one mail over.
pub(super) async fn send(mail: &Mail, job: &NotificationJob, secrets: &mut Secrets) -> Verdict {
    let message = match message(mail, job) {
        Ok(message) => message,
        Err(problem) => return Verdict::Reject(problem),
    };
    let transport = match transport(&mail.smtp, secrets).await {
        Ok(transport) => transport,
        Err(verdict) => return verdict,
    };
    match tokio::time::timeout(SEND_TIMEOUT, transport.send(message)).await {
        Ok(Ok(_)) => Verdict::Delivered,
        Ok(Err(error)) => {
            let said = portique_fault::chain(&error);
            let reason = format!("the mail server did not take it: {said}");
            match error.is_permanent() {
                true => Verdict::Reject(reason),
                false => Verdict::retry(reason),
            }
        }
        Err(_) => Verdict::retry(format!(
            "the mail server did not take it within {} s",
            SEND_TIMEOUT.as_secs()
        )),
    }
}

fn message(mail: &Mail, job: &NotificationJob) -> Result<Message, String> {
    let mailbox = |text: &String| {
        let read = text.parse::<Mailbox>();
        read.map_err(|error| format!("{text:?} is no address of e-mail: {error}"))
    };
    let from = mailbox(&mail.from)?;
    let to: Vec<Mailbox> = mail.to.iter().map(mailbox).collect::<Result<_, _>>()?;
    let addresses = to.iter().map(|to| to.email.clone()).collect();
    let envelope = Envelope::new(Some(from.email.clone()), addresses)
        .map_err(|_| "the mail is for nobody: its address is empty".to_owned())?;
    let at = Duration::from_nanos(u64::try_from(job.at.as_nanos()).unwrap_or(0));
    // Sent twice, it is the same mail to who reads it.
    let id = format!("<{}@{}>", job.idempotency_key(), from.email.domain());
    let mut builder = Message::builder()
        .message_id(Some(id))
        .date(std::time::UNIX_EPOCH + at)
        .from(from)
        .subject(mail.subject.clone())
        .envelope(envelope);
    for to in to {
        builder = builder.to(to);
    }
    let built = match (&mail.text, &mail.html) {
        (Some(text), Some(html)) => builder.multipart(MultiPart::alternative_plain_html(
            text.clone(),
            html.clone(),
        )),
        (None, Some(html)) => builder.singlepart(SinglePart::html(html.clone())),
        (text, None) => builder.singlepart(SinglePart::plain(text.clone().unwrap_or_default())),
    };
    let mut message = built.map_err(|error| format!("the mail cannot be written: {error}"))?;
    for (name, value) in &mail.headers {
        let name = HeaderName::new_from_ascii(name.clone())
            .map_err(|_| format!("{name:?} is no header of a mail"))?;
        message
            .headers_mut()
            .insert_raw(HeaderValue::new(name, value.clone()));
    }
    Ok(message)
}

async fn transport(
    smtp: &Smtp,
    secrets: &mut Secrets,
) -> Result<AsyncSmtpTransport<Tokio1Executor>, Verdict> {
    let (host, port) = host_and_port(&smtp.smarthost)
        .ok_or_else(|| Verdict::Reject(format!("{:?} is no host with its port", smtp.smarthost)))?;
    let tls = tls(smtp, host, port, secrets)
        .await
        .map_err(Verdict::retry)?;
    let is_open = matches!(tls, Tls::None);
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
        .port(port)
        .timeout(Some(ANSWER_TIMEOUT))
        .hello_name(ClientId::Domain(smtp.hello.clone()))
        .tls(tls);
    if !smtp.username.is_empty() {
        if is_open && !is_this_machine(host) {
            return Err(Verdict::Reject(
                "a password is not sent unencrypted to another machine: set require_tls".into(),
            ));
        }
        let password = match &smtp.password {
            Some(source) => secrets.reveal(source).await.map_err(Verdict::retry)?,
            None => String::new(),
        };
        builder = builder.credentials(Credentials::new(smtp.username.clone(), password));
    }
    Ok(builder.build())
}

fn host_and_port(smarthost: &str) -> Option<(&str, u16)> {
    let (host, port) = smarthost.rsplit_once(':')?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    Some((host, port.parse().ok()?)).filter(|_| !host.is_empty())
}

fn is_this_machine(host: &str) -> bool {
    let address = host.parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// How the connection is encrypted.
async fn tls(smtp: &Smtp, host: &str, port: u16, secrets: &Secrets) -> Result<Tls, String> {
    let is_implicit = smtp.is_implicit_tls || port == SMTPS_PORT;
    if !is_implicit && !smtp.requires_tls {
        return Ok(Tls::None);
    }
    let (config, folder) = (smtp.tls.clone(), secrets.folder.clone());
    let domain = config
        .server_name
        .clone()
        .unwrap_or_else(|| host.to_owned());
    // It reads files, those of the machine's certificates too.
    let made = tokio::task::spawn_blocking(move || parameters(&config, domain, &folder)).await;
    let parameters = made.map_err(|error| format!("TLS cannot be used: {error}"))??;
    Ok(match is_implicit {
        true => Tls::Wrapper(parameters),
        false => Tls::Required(parameters),
    })
}

fn parameters(
    tls: &TlsConfig,
    domain: String,
    folder: &std::path::Path,
) -> Result<TlsParameters, String> {
    let bad = |path: &String| {
        let path = path.clone();
        move |error| format!("{path} cannot be used for TLS: {error}")
    };
    let read = |path: &String| pem(&folder.join(path)).map_err(|e| format!("{path}: {e}"));
    let mut builder =
        TlsParameters::builder(domain).dangerous_accept_invalid_certs(tls.is_insecure);
    if let Some(path) = &tls.ca_file {
        let authority = Certificate::from_pem(&read(path)?).map_err(bad(path))?;
        builder = builder
            .certificate_store(CertificateStore::None)
            .add_root_certificate(authority);
    }
    if let Some((certificate, key)) = &tls.identity {
        let identity = Identity::from_pem(&read(certificate)?, &read(key)?);
        builder = builder.identify_with(identity.map_err(bad(certificate))?);
    }
    let built = builder.build_rustls();
    built.map_err(|error| format!("TLS cannot be used: {}", portique_fault::chain(&error)))
}

fn pem(path: &std::path::Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path)?;
    file.take(PEM_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_told_from_their_ports() {
        assert_eq!(host_and_port("mail:25"), Some(("mail", 25)));
        assert_eq!(host_and_port("[::1]:587"), Some(("::1", 587)));
        assert_eq!(host_and_port("mail:smtp"), None);
        assert_eq!(host_and_port(":25"), None);
        assert!(is_this_machine("::1") && !is_this_machine("10.0.0.1"));
    }
}
