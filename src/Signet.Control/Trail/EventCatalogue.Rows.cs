using Signet.Audit;
using static Signet.Audit.AuditTypes;

namespace Signet.Control;

// The rows. Columns: type, action, meaning, subject, outcomes, details.
public static partial class EventCatalogue
{
    private static IEnumerable<EventRow> PeopleRows =>
    [
        new(Auth, "sign-in", "somebody signed in", "the account", "success", "with, role"),
        new(Auth, "sign-out", "somebody signed out", "the account", "success", ""),
        new(Auth, "session-ended", "a session was ended by somebody else or by a change of rights", "the account", "success", ""),
        new(AuthFail, "sign-in", "a sign-in was refused", "the name that was typed", "refused", ""),
        new(Authorization, "request-refused", "a page or API route was refused", "the path", "refused", "method, act, role"),
        new(User, "user-added", "an account was made", "the account", "success", "role, groups"),
        new(User, "user-role", "an account's role was changed, by an administrator or on the word of the sign-in provider (`issuer`); refused: it would have taken the last administrator", "the account", "success, refused", "before, after, issuer"),
        new(User, "user-enabled", "an account may sign in again", "the account", "success", "before, after"),
        new(User, "user-disabled", "an account may no longer sign in; its sessions ended", "the account", "success", "before, after"),
        new(User, "user-removed", "an account was removed; its identities at the sign-in provider make no new one", "the account", "success", "before, after"),
        new(User, "user-scope", "an operator was limited to some groups of devices, or no longer", "the account", "success", "before, after"),
        new(User, "user-invited", "a one-time link for a new account was made", "for whom, in the inviter's words", "success", "id, role, groups, expires"),
        new(User, "user-registered", "somebody made their own account", "the account", "success", "role, groups, invitedBy"),
        new(User, "provider-linked", "an identity at the sign-in provider may sign in to an account", "the account", "success", "issuer"),
        new(User, "provider-unlinked", "it no longer may: unlinked by its owner or an administrator, or the password was reset", "the account", "success", "issuer"),
        new(User, "provider-admitted-again", "an identity whose account was removed is a stranger again and may get a new account", "the account that was removed", "success", "issuer"),
        new(User, "password-changed", "a password was changed by its owner", "the account", "success", "how"),
        new(User, "password-reset", "a password was taken away and a one-time link to a new one made", "the account", "success", "id, role, expires"),
        new(User, "link-revoked", "a one-time link was revoked", "for whom it was", "success", "id"),
        new(Security, "second-factor-enabled", "a second factor was set up", "the account", "success", "kind"),
        new(Security, "second-factor-removed", "a second factor was removed by its owner", "the account", "success", "kind"),
        new(Security, "second-factors-reset", "every second factor of a person was taken away by an administrator", "the account", "success", "kind"),
        new(Security, "backup-codes-renewed", "backup codes were made anew; those before are void", "the account", "success", "kind"),
        new(User, "token-created", "an API token was made", "the token's name", "success", "id, role, kind, expires, groups"),
        new(User, "token-revoked", "an API token was revoked", "the token's name", "success", "id"),
    ];

    private static IEnumerable<EventRow> DeviceRows =>
    [
        new(Device, "device-added", "a device was added", "the device", "success", "kind, allowed"),
        new(Device, "device-removed", "a device was removed, its certificates revoked", "the device", "success", ""),
        new(Device, "device-enabled", "a device may connect again", "the device", "success", ""),
        new(Device, "device-disabled", "a device was put into quarantine, its sessions cut", "the device", "success", ""),
        new(Device, "device-allowed-commands", "the commands a device takes were changed", "the device", "success", "before, after"),
        new(Device, "devices-changed", "one change to many devices was ordered; each device has an entry of its own, with the same id in `bulk`", "the change", "requested", "change, value, selection, devices, names"),
        new(Device, "devices-change-finished", "one change to many devices was carried through", "the change", "recorded", "done, unchanged, refused"),
        new(Device, "device-labels", "groups or tags of a device were changed", "the device", "success", "groupsBefore, groups, tagsBefore, tags"),
        new(Device, "manifest-pushed", "a signed manifest was taken and published to its device", "the device", "success", "version, digest, classes"),
        new(Security, "manifest-refused-by-device", "the device refused an older manifest than it obeys, or one that its policy key did not sign: somebody put it on its topic", "the device", "rejected", "id, digest, detail"),
        new(Security, "sealing-downgrade-refused", "a device with a sealing key announced none or another; its commands stay sealed to the key that was issued", "the device", "refused", "key, announced"),
        new(Replay, "telemetry-refused", "a reading came a second time or from an old epoch", "command_center", "refused", "detail"),
        new(Replay, "status-refused", "a status came a second time or from an old epoch", "command_center", "refused", "detail"),
        new(Replay, "receipt-refused", "a receipt came a second time or from an old epoch", "command_center", "refused", "detail"),
        new(Replay, "heartbeat-refused", "a device's heartbeat came a second time or from an old epoch", "command_center", "refused", "detail"),
        new(Security, "heartbeat-refused", "a device's heartbeat did not verify", "command_center", "refused", "detail"),
        new(Security, "messages-missing", "the signed counts of device and center differ: what one sent the other has not heard, so something between them lost it or keeps it back", "the device", "noticed", "what, missing"),
        new(Security, "device-silent", "a connected device's signed heartbeats stay away", "the device", "noticed", "seconds"),
        new(Security, "device-heard-again", "the heartbeats of a device that had fallen silent came again", "the device", "success", ""),
        new(Security, "telemetry-refused", "a reading did not verify", "command_center", "refused", "detail"),
        new(Security, "status-refused", "a status did not verify", "command_center", "refused", "detail"),
        new(Security, "receipt-refused", "a receipt did not verify", "command_center", "refused", "detail"),
    ];

    private static IEnumerable<EventRow> CommandRows =>
    [
        new(Command, "command-sent", "a signed command is about to leave; written before it does", "the device", "recorded", "id, command, arguments, epoch, sequence, digest"),
        new(Command, "command-queued", "an unsigned command was kept for later or for a device that is away", "the device", "recorded", "id, command, arguments, until, notBefore"),
        new(Command, "command-withdrawn", "somebody took back a command that had not left; written before it is done", "the device", "success", "id, command"),
        new(Command, "command-expired", "a command's time ran out before it could be sent", "the device", "expired", "id, command"),
        new(Command, "rollout-started", "one command for many devices was kept", "the rollout", "recorded", "selection, command, arguments, devices, leftOut, perMinute, stopShare"),
        new(Command, "rollout-cancelled", "somebody took back what a rollout had not sent; written before it is done", "the rollout", "success", "command"),
        new(Command, "rollout-stopped", "a rollout's error share passed its bound; the rest is withdrawn", "the rollout", "stopped", "command, executed, failures, bound"),
        new(Command, "command-approved", "a person's signed approval was taken", "the proposal", "success", "command, class, devices, handedInBy, approval"),
        new(Command, "receipt", "the device's signed word about a command", "the device", "accepted, rejected, executed, failed, interrupted", "id, command, receipt, key, result"),
        new(Command, "command-unanswered", "no receipt came by the deadline", "the device", "unanswered", "id, command"),
        new(Command, "receipt-exported", "command, receipt and proofs were exported", "the device", "success", "id"),
        new(Replay, "copy-refused-by-device", "the device refused a copy of a command", "the device", "rejected", "id, digest, detail"),
        new(Replay, "foreign-message-at-device", "the device refused an old message that this center did not send", "the device", "rejected", "id, digest, detail"),
        new(Security, "copy-refused-by-device", "the device refused an altered copy of a command", "the device", "rejected", "id, digest, detail"),
        new(Security, "foreign-message-at-device", "the device answered to a message that this center did not send", "the device", "accepted, rejected, executed, failed, interrupted", "id, digest, detail"),
    ];

    private static IEnumerable<EventRow> CertificateRows =>
    [
        new(Certificate, "certificate-issued", "a certificate was issued", "the name in it", "success", "profile, joins, key"),
        new(Certificate, "certificate-renewed", "a certificate of this installation was renewed", "the name in it", "success", "serial"),
        new(Certificate, "certificate-revocation", "a revocation was ordered; written before it is done", "the name in it", "requested", "serials, count"),
        new(Certificate, "certificate-revoked", "a certificate was revoked, its sessions cut", "what was asked for", "success", "serials, count, closed, crl, revocation, evidence, milliseconds"),
        new(Certificate, "revoked-return-refused", "somebody came back with a revoked certificate; the evidence was signed anew", "the name in it", "success", "revocation, version, returned, evidence"),
        new(Certificate, "certificate-released", "a hold was undone", "the name in it", "success", "serials"),
        new(Certificate, "certificate-renewal", "a new leaf of the center's own was ordered", "the name in it", "success", ""),
        new(Certificate, "certificate-reloaded", "a server's certificate was replaced on the disk and taken", "the name in it", "success", "serial"),
        new(Certificate, "certificate-ending", "a certificate without a successor, or a revocation list, ends in 30, 7 or 1 days", "the name in it", "warning", "profile, ends, serial"),
        new(Certificate, "enrolment-invited", "a one-time token was made", "the name it admits", "success", "profile, kind, approval"),
        new(Certificate, "enrolment-cancelled", "a one-time token was taken back", "the name it admits", "success", ""),
        new(Certificate, "enrolment-waiting", "a request waits for a person", "the name in it", "requested", "key, with"),
        new(Certificate, "enrolment-approved", "a person let a waiting request pass", "the name in it", "success", "key"),
        new(Certificate, "enrolment-rejected", "a person turned a waiting request away", "the name in it", "success", "key"),
        new(Certificate, "enrolled", "a certificate was fetched with a token or a maker's certificate; written before it is issued", "the name in it", "success", "profile, with, key, joins"),
        new(Certificate, "re-enrolled", "a certificate was renewed by its owner; written before it is issued", "the name in it", "success", "profile, with, key, joins"),
        new(Certificate, "certificate-superseded", "a renewed certificate was used: the one before opens no connection any more", "the device", "success", "by"),
        new(Certificate, "manufacturer-added", "a maker's certificates admit devices from now on", "the maker", "success", "root, kind"),
        new(Certificate, "manufacturer-removed", "a maker's certificates admit nobody any more", "the maker", "success", ""),
        new(AuthFail, "enrolment-refused", "a request for a certificate was refused", "enrolment", "refused", "message"),
        new(Certificate, "crl-published", "every revocation list was signed anew", "crl", "success", ""),
        new(Certificate, "root-rotated", "a new root and a new intermediate", "authority", "success", ""),
        new(Certificate, "intermediate-rotated", "a new intermediate", "authority", "success", ""),
        new(Certificate, "root-retired", "a former root is relied on no more", "its name", "success", "serial"),
        new(Certificate, "signer-rotated", "a new key signs commands; devices pin its certificate one by one", "center_sign", "success", "former"),
        new(Certificate, "signer-retired", "no device believes a former command-signing key any more: it was destroyed", "center_sign", "success", "serial"),
        new(Certificate, "intermediate-requested", "a request for an offline root was made", "intermediate", "success", ""),
        new(Certificate, "intermediate-taken", "the offline root's answer was taken", "authority", "success", ""),
    ];

    private static IEnumerable<EventRow> BrokerRows =>
    [
        new(Broker, "connected", "a client connected", "the client id", "success", "listener, tls, serial"),
        new(Broker, "disconnected", "a client's connection ended", "the client id", "success, closed", "words, will"),
        new(Broker, "session-closed", "an operator closed sessions", "the identity", "success", "client"),
        new(AuthFail, "handshake-refused", "a TLS handshake was refused", "broker", "refused", "words, listener"),
        new(AuthFail, "connect-refused", "an MQTT CONNECT was refused", "broker", "refused", "client, code, listener"),
        new(Authorization, "publish-refused", "the access policy refused a publish", "broker", "refused", "client, topic, code, listener"),
        new(Authorization, "subscribe-refused", "the access policy refused a subscription", "broker", "refused", "client, topic, code, listener"),
        new(Authorization, "deliver-refused", "the access policy kept a message from a client", "broker", "refused", "client, topic, code, listener"),
        new(Authorization, "will-refused", "the access policy refused a last will", "broker", "refused", "client, topic, code, listener"),
        new(Security, "protocol-refused", "a client broke the protocol", "broker", "refused", "client, code, listener"),
        new(Security, "quota-refused", "a client went over a limit", "broker", "refused", "client, code, listener"),
        new(Security, "flood", "so many sources at once that they are counted together", "broker", "refused", "count, last"),
    ];

    private static IEnumerable<EventRow> LogRows =>
    [
        new(AuditTypes.System, "log-created", "the audit log was made", "the log's origin", "success", "checkpointKey, format"),
        new(AuditTypes.System, "log-recovered", "the log takes entries again after it could not be written", "the log's origin", "success", "since, refused"),
        new(AuditTypes.System, "audit-verified", "the whole log was verified and is intact", "audit", "success", "entries, checkpoints"),
        new(Security, "audit-verified", "the whole log was verified and has been tampered with", "audit", "failed", "first, last, detail, entries"),
        new(AuditTypes.System, "audit-exported", "entries were exported", "audit", "success", "form, filter"),
        new(User, "personal-data-erased", "personal data beside entries were erased; the entries and their proofs stay", "whose", "success", "filter, count, first, last"),
        new(AuditTypes.System, "segments-retired", "a sealed segment is taken out of the database; without this entry its absence is a deletion", "the log", "success", "first, last, how, sha256"),
        new(AuditTypes.System, "segment-sealed", "a stretch of the log was sealed into a file", "the log's origin", "success", "first, last"),
        new(AuditTypes.System, "clock-set-back", "the clock went back; entries from here on have earlier times than those before", "clock", "success", "from, to"),
        new(AuditTypes.System, "entries-lost", "more notes came than could wait for the log; this many were not written", "audit", "failed", "count"),
        new(Security, "witness-alarm", "a device says that the log's history was rewritten or is not shown to all alike", "audit", "failed, unconfirmed", "seenSize, seenRoot, otherSize, otherRoot"),
        new(Security, "witness-ahead", "a device has seen more of the log than the log holds: it was rolled back", "audit", "failed", "seen, size"),
        new(Security, "witness-refused", "a device's word about the log did not verify", "audit", "refused", ""),
        new(Security, "witness-alarm-settled", "a person has looked at a device's alarm about the log", "the device", "success", "alarm"),
        new(Security, "failures-counted", "failures of more sources than are counted one by one", "audit", "refused", "count, seconds"),
    ];

    private static IEnumerable<EventRow> ProgramRows =>
    [
        new(AuditTypes.System, "installation-made", "the data directory was made", "the installation", "success", "root, demo"),
        new(AuditTypes.System, "center-started", "the command center started", "the installation", "success", "version, epoch"),
        new(AuditTypes.System, "restored", "the center was restored from a backup; what happened between the backup and this entry is not in the log", "the installation", "success", "made, entries, program, keys"),
        new(AuditTypes.System, "settings-reloaded", "the settings were read again while the center runs", "the installation", "success, failed", "changed, needRestart"),
        new(AuditTypes.System, "center-stopped", "the command center stopped cleanly", "the installation", "success", ""),
        new(AuditTypes.System, "clock-jumped", "the clock jumped against the machine's monotonic time", "clock", "went forward, went back", "milliseconds"),
    ];
}
