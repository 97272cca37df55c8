using Signet.Control;

namespace Signet.Cli.Up;

/// <summary>The settings of the audit log as the center takes them.</summary>
internal static class AuditOptions
{
    public static AuditSettings Of(SignetSettings settings)
    {
        var (days, archive, root) = (settings.Number(Setting.AuditRetentionDays), settings[Setting.AuditArchive], Filled(settings[Setting.AuditForwardRoot]));
        var syslog = Setting.Address(settings[Setting.AuditSyslog]);
        return new()
        {
            SegmentEntries = settings.Number(Setting.AuditSegmentEntries),
            SegmentAge = TimeSpan.FromDays(settings.Number(Setting.AuditSegmentDays)),
            RetainFor = days == 0 ? null : TimeSpan.FromDays(days),
            ArchiveDirectory = archive is "" or "delete" ? null : archive,
            DeleteRetired = archive == "delete",
            ReserveBytes = (long)settings.Number(Setting.AuditReserveMebibytes) << 20,
            GoOnWithoutLog = settings[Setting.AuditUnavailable] == "continue",
            Syslog = syslog is null ? null : new(syslog.Host, syslog.Port, root),
            Webhook = Filled(settings[Setting.AuditWebhook]) is { } url ? new(new Uri(url), Filled(settings[Setting.AuditWebhookSecretFile]), root) : null,
        };
    }

    private static string? Filled(string value) => value.Length == 0 ? null : value;
}
