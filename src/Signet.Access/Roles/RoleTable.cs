using System.Collections.Frozen;

namespace Signet.Access;

/// <summary>One row of the table.</summary>
/// <param name="Least">The lowest role that may.</param>
/// <param name="Name">Name of the rule in decisions and audit entries.</param>
/// <param name="Meaning">For people.</param>
public sealed record RoleRow(Act Act, Role Least, string Name, string Meaning);

/// <summary>The one table of who may do what. Pages, API and CLI all ask here.</summary>
public static class RoleTable
{
    /// <summary>Grows when a row changes.</summary>
    public const long Version = 1;

    public static IReadOnlyList<RoleRow> Rows { get; } =
    [
        new(Act.ViewFleet, Role.Viewer, "view-fleet", "see devices, their presence and state"),
        new(Act.ViewTelemetry, Role.Viewer, "view-telemetry", "see readings"),
        new(Act.ViewCommands, Role.Viewer, "view-commands", "see commands and their outcome"),
        new(Act.ViewAudit, Role.Operator, "view-audit", "read the audit log"),
        new(Act.ViewCertificates, Role.Viewer, "view-certificates", "see certificates and revocation lists"),
        new(Act.ViewPolicy, Role.Operator, "view-policy", "read and explain the access policy"),
        new(Act.ViewBroker, Role.Operator, "view-broker", "see sessions and counters of the broker"),
        new(Act.ManageOwnAccount, Role.Viewer, "manage-own-account", "change one's own password and second factor"),
        new(Act.ViewSettings, Role.Admin, "view-settings", "see what is set and from where"),
        new(Act.SendCommand, Role.Operator, "send-command", "send a command to a device"),
        new(Act.CancelCommand, Role.Operator, "cancel-command", "cancel a command that was not delivered"),
        new(Act.ApproveCommand, Role.Operator, "approve-command", "approve another operator's command"),
        new(Act.ExportReceipt, Role.Operator, "export-receipt", "export a signed receipt"),
        new(Act.VerifyAudit, Role.Operator, "verify-audit", "verify the integrity of the audit log"),
        new(Act.KickSession, Role.Operator, "kick-session", "close a session on the broker"),
        new(Act.QuarantineDevice, Role.Operator, "quarantine-device", "cut a device off until it was looked at"),
        new(Act.AcknowledgeAlert, Role.Operator, "acknowledge-alert", "acknowledge an alert"),
        new(Act.ManageDevices, Role.Admin, "manage-devices", "add, change and remove devices"),
        new(Act.IssueCertificate, Role.Admin, "issue-certificate", "issue and renew certificates"),
        new(Act.RevokeCertificate, Role.Admin, "revoke-certificate", "revoke certificates and undo a hold"),
        new(Act.ManageAuthorities, Role.Admin, "manage-authorities", "rotate, import and export authorities"),
        new(Act.ManageUsers, Role.Admin, "manage-users", "invite people, change roles, reset second factors"),
        new(Act.ManageTokens, Role.Admin, "manage-tokens", "create and revoke API tokens"),
        new(Act.ApplyPolicy, Role.Admin, "apply-policy", "apply a changed access policy"),
        new(Act.ExportAudit, Role.Admin, "export-audit", "export the audit log with proofs"),
        new(Act.ChangeSettings, Role.Admin, "change-settings", "change settings"),
        new(Act.RunLab, Role.Admin, "run-lab", "run the attack lab"),
        new(Act.ErasePersonalData, Role.Admin, "erase-personal-data", "erase personal data from the audit log"),
        new(Act.RetireAudit, Role.Admin, "retire-audit", "archive or delete old parts of the audit log"),
        new(Act.BackUp, Role.Admin, "back-up", "make and restore backups"),
    ];

    /// <summary>The table as <c>docs/roles.md</c> shows it.</summary>
    public static string Markdown()
    {
        var page = new System.Text.StringBuilder("""
            # Roles: who may do what

            Made from the one table that pages, API and command line ask (`RoleTable` in `src/Signet.Access/Roles`): `signet user roles --markdown > docs/roles.md`.
            Admin > Operator > Viewer: a higher role may do all that a lower one may. A refusal is in the audit log (type `authorization`) with the name of its rule.
            Every page, page handler and API route names the acts it demands; one that names none answers nobody. `RoleWalkSpecs` tries every one of them as every role and signed out.
            An operator or viewer (or a token of these roles) can be limited to groups of devices (`signet user scope`): then they see and reach the devices of these groups alone. Any other device is answered like one
            that does not exist, in lists, pages, search, live feed, commands, receipts, certificates, broker view and MQTT topics. Of the audit log they read the entries about devices of their groups and about themselves;
            an entry about one of their devices may name what else it had to do with. The policy, TOTP accounts and revocations are about the whole house: closed to them. One place decides (`Sight` in `src/Signet.Control/People`);
            a page or route that does not say that it is held to groups answers nobody who is limited (`GroupsWalkSpecs`).
            What devices and programs may publish and read over MQTT is the access policy's: [spec/policy.md](spec/policy.md).

            | rule | what | viewer | operator | admin |
            |---|---|---|---|---|

            """);
        foreach (var row in Rows.OrderBy(row => row.Least).ThenBy(row => row.Act))
            page.Append(System.Globalization.CultureInfo.InvariantCulture, $"| `{row.Name}` | {row.Meaning} | {Mark(row, Role.Viewer)} | {Mark(row, Role.Operator)} | {Mark(row, Role.Admin)} |\n");
        return page.ToString();
    }

    private static string Mark(RoleRow row, Role role) => role >= row.Least ? "yes" : "";

    private static readonly FrozenDictionary<Act, RoleRow> ByAct = Rows.ToFrozenDictionary(r => r.Act);

    /// <summary>The rule's name is the row's, whether it allows or denies.</summary>
    public static Decision Decide(Role role, Act act)
        => ByAct.TryGetValue(act, out var row) && Enum.IsDefined(role)
            ? new(role >= row.Least, row.Name, Version)
            : new(false, Decision.NoRule, Version);
}
