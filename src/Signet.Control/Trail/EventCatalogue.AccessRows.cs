using static Signet.Audit.AuditTypes;

namespace Signet.Control;

// TOTP accounts, the access policy, other people's brokers. Columns: type, action, meaning, subject, outcomes, details.
public static partial class EventCatalogue
{
    private static IEnumerable<EventRow> AccessRows =>
    [
        new(Auth, "totp-login", "a client logged in with a one-time code", "broker", "success", "client, way"),
        new(AuthFail, "totp-login", "a log-in with a one-time code was refused", "broker", "refused", "client, way"),
        new(Security, "logins-suspended", "log-ins with one-time codes are refused at once: the database does not take used codes", "totp-login", "failed", "words"),
        new(Signet.Audit.AuditTypes.System, "logins-resumed", "the database takes used codes again", "totp-login", "success", ""),
        new(Device, "totp-account-added", "a TOTP account was made", "the account", "success", "groups, reconnects"),
        new(Device, "totp-accounts-imported", "a users table was taken over", "totp-accounts", "success", "taken, refused, names"),
        new(Device, "totp-passwords-exported", "password hashes of TOTP accounts were given out for a Mosquitto", "totp-accounts", "success", "given, left, names"),
        new(Device, "totp-account-enabled", "a TOTP account may log in again", "the account", "success", ""),
        new(Device, "totp-account-disabled", "a TOTP account may no longer log in; its sessions ended", "the account", "success", ""),
        new(Device, "totp-account-password", "a TOTP account was given another password; its sessions ended", "the account", "success", ""),
        new(Device, "totp-account-reconnects", "whether a TOTP account may come back within a step was changed", "the account", "success", ""),
        new(Device, "totp-account-removed", "a TOTP account was removed; its sessions ended", "the account", "success", ""),
        new(Authorization, "policy-applied", "another access policy is in force", "access-policy", "success", "version, before, rules, gained, lost, digest"),
        new(Broker, "broker-ended", "Mosquitto, a child of the center, ended by itself and is started again", "mosquitto", "failed", "code, words"),
        new(Broker, "broker-in-step", "what a broker of somebody else is told is in force there again", "its address", "success", ""),
        new(Security, "broker-not-in-step", "a broker of somebody else has not taken a change of policy, fleet or certificates", "its address", "failed", "words"),
        new(Security, "broker-fails-open", "a broker of somebody else lets a revoked certificate through its handshake", "mosquitto", "failed", "folder, answer"),
        new(Security, "forwarded-identity-refused", "somebody spoke for another client at the console and is no proxy that is named, or is one and does not say it rightly", "console", "refused", ""),
        new(Security, "question-refused", "somebody who is no named broker asked the endpoints for other brokers", "broker-auth", "refused", ""),
    ];
}
