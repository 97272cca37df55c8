using static Signet.Audit.AuditTypes;

namespace Signet.Control;

// TOTP accounts, the access policy, other people's brokers. Columns: type, action, meaning, subject, outcomes, details.
public static partial class EventCatalogue
{
    private static IEnumerable<EventRow> AccessRows =>
    [
        new(Auth, "totp-login", "a client logged in with a one-time code", "broker", "success", "client, way"),
        new(AuthFail, "totp-login", "a log-in with a one-time code was refused", "broker", "refused", "client, way"),
        new(Device, "totp-account-added", "a TOTP account was made", "the account", "success", "groups, reconnects"),
        new(Device, "totp-accounts-imported", "a users table was taken over", "totp-accounts", "success", "taken, refused, names"),
        new(Device, "totp-account-enabled", "a TOTP account may log in again", "the account", "success", ""),
        new(Device, "totp-account-disabled", "a TOTP account may no longer log in; its sessions ended", "the account", "success", ""),
        new(Device, "totp-account-password", "a TOTP account was given another password; its sessions ended", "the account", "success", ""),
        new(Device, "totp-account-reconnects", "whether a TOTP account may come back within a step was changed", "the account", "success", ""),
        new(Device, "totp-account-removed", "a TOTP account was removed; its sessions ended", "the account", "success", ""),
        new(Authorization, "policy-applied", "another access policy is in force", "access-policy", "success", "version, before, rules, gained, lost, digest"),
        new(Security, "question-refused", "somebody who is no named broker asked the endpoints for other brokers", "broker-auth", "refused", ""),
    ];
}
