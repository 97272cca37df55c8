using System.Data.Common;
using System.Runtime.InteropServices;
using System.Text.Json;
using Dapper;
using Signet.Store;
using Signet.Wire;

namespace Signet.Control;

/// <summary>The fleet's rows in signet.db. All static: it runs inside the pieces of work that <see cref="ControlDatabase"/> takes.</summary>
internal static class FleetStore
{
    public static IReadOnlyList<Member> Load(DbConnection connection)
    {
        var members = connection.Query<DeviceRow>("""
            SELECT name AS Name, kind AS Kind, title AS Title, allowed AS Allowed, enabled AS Enabled, created AS Created, presence AS Presence, presence_since AS PresenceSince,
                last_seen AS LastSeen, status_epoch AS StatusEpoch, status_sequence AS StatusSequence, details AS Details
            FROM device
            """).Select(ToMember).ToDictionary(m => m.Name, StringComparer.Ordinal);
        foreach (var row in connection.Query<CertificateRow>("SELECT thumbprint AS Thumbprint, device AS Device, serial AS Serial, der AS Der, starts AS Starts, ends AS Ends, retired AS Retired, superseded AS Superseded FROM device_certificate ORDER BY starts"))
            if (members.TryGetValue(row.Device, out var member))
                member.Certificates.Add(new(row.Thumbprint, row.Serial, Convert.FromBase64String(row.Der), row.Starts.ToTime(), row.Ends.ToTime(), row.Retired.ToTime(), row.Superseded.ToTime()));
        foreach (var label in connection.Query<LabelRow>("SELECT device AS Device, kind AS Kind, name AS Name FROM device_label").GroupBy(l => l.Device, StringComparer.Ordinal))
        {
            if (!members.TryGetValue(label.Key, out var member)) continue;
            member.Groups = [.. label.Where(l => l.Kind == LabelRow.Group).Select(l => l.Name).Order(StringComparer.Ordinal)];
            member.Tags = [.. label.Where(l => l.Kind == LabelRow.Tag).Select(l => l.Name).Order(StringComparer.Ordinal)];
        }

        foreach (var row in connection.Query<WindowRow>("SELECT device AS Device, branch AS Branch, epoch AS Epoch, highest AS Highest, seen AS Seen FROM replay_window"))
        {
            if (!members.TryGetValue(row.Device, out var member)) continue;
            var window = ReplayWindow.Restore(new(row.Epoch, row.Highest, [.. MemoryMarshal.Cast<byte, ulong>(Convert.FromBase64String(row.Seen))]));
            if (row.Branch == "receipt") member.Receipts = window;
            else member.Telemetry = window;
        }

        return [.. members.Values];
    }

    /// <summary>Devices that share keys with the center, with the version of the keys.</summary>
    public static IReadOnlyDictionary<string, long> SharedVersions(DbConnection connection)
        => connection.Query<SharedRow>("SELECT device AS Device, version AS Version FROM shared_key").ToDictionary(row => row.Device, row => row.Version, StringComparer.Ordinal);

    private sealed class SharedRow
    {
        public string Device { get; set; } = "";
        public long Version { get; set; }
    }

    public static void Insert(DbConnection connection, Member member)
    {
        if (member.Shared is { } shared) connection.Execute("INSERT INTO shared_key (device, version, created) VALUES (@Name, @Version, @created)", new { member.Name, shared.Version, created = member.Created.ToUnixTimeMilliseconds() });
        connection.Execute("INSERT INTO device (name, kind, title, allowed, enabled, created) VALUES (@Name, @Kind, @Title, @Allowed, @Enabled, @Created)", new
        {
            member.Name, member.Kind, member.Title, Allowed = JsonSerializer.Serialize(member.Allowed), Enabled = member.Enabled ? 1 : 0, Created = member.Created.ToUnixTimeMilliseconds(),
        });
        foreach (var certificate in member.Certificates) Insert(connection, member.Name, certificate);
        if (member.Groups.Count + member.Tags.Count > 0) SaveLabels(connection, member.Name, member.Groups, member.Tags);
    }

    public static void Insert(DbConnection connection, string device, DeviceCertificate certificate) => connection.Execute(
        "INSERT INTO device_certificate (thumbprint, device, serial, der, starts, ends) VALUES (@Thumbprint, @device, @Serial, @Der, @Starts, @Ends)", new
        {
            certificate.Thumbprint, device, certificate.Serial, Der = Convert.ToBase64String(certificate.Der),
            Starts = certificate.Starts.ToUnixTimeMilliseconds(), Ends = certificate.Ends.ToUnixTimeMilliseconds(),
        });

    public static void Retire(DbConnection connection, string thumbprint, DateTimeOffset at) => connection.Execute(
        "UPDATE device_certificate SET retired = @at WHERE thumbprint = @thumbprint AND retired IS NULL", new { thumbprint, at = at.ToUnixTimeMilliseconds() });

    public static void Supersede(DbConnection connection, string thumbprint, DateTimeOffset at) => connection.Execute(
        "UPDATE device_certificate SET superseded = @at WHERE thumbprint = @thumbprint AND superseded IS NULL", new { thumbprint, at = at.ToUnixTimeMilliseconds() });

    public static void Revive(DbConnection connection, string thumbprint) => connection.Execute("UPDATE device_certificate SET retired = NULL WHERE thumbprint = @thumbprint", new { thumbprint });

    public static void Update(DbConnection connection, string name, bool enabled, IReadOnlyList<string> allowed) => connection.Execute(
        "UPDATE device SET enabled = @enabled, allowed = @allowed WHERE name = @name", new { name, enabled = enabled ? 1 : 0, allowed = JsonSerializer.Serialize(allowed) });

    public static void SaveLabels(DbConnection connection, string device, IReadOnlyList<string> groups, IReadOnlyList<string> tags)
    {
        connection.Execute("DELETE FROM device_label WHERE device = @device", new { device });
        connection.Execute("INSERT INTO device_label (device, kind, name) VALUES (@Device, @Kind, @Name)",
            groups.Select(name => new LabelRow { Device = device, Kind = LabelRow.Group, Name = name }).Concat(tags.Select(name => new LabelRow { Device = device, Kind = LabelRow.Tag, Name = name })));
    }

    /// <summary>Forgets a device and its readings; certificates stay, retired, because old receipts are verified with them.</summary>
    public static void Delete(DbConnection connection, string name, DateTimeOffset at)
    {
        connection.Execute("DELETE FROM device WHERE name = @name", new { name });
        connection.Execute("DELETE FROM replay_window WHERE device = @name", new { name });
        connection.Execute("DELETE FROM shared_key WHERE device = @name", new { name });
        connection.Execute("DELETE FROM device_label WHERE device = @name", new { name });
        connection.Execute("DELETE FROM reading WHERE device = @name", new { name });
        connection.Execute("UPDATE device_certificate SET retired = @at WHERE device = @name AND retired IS NULL", new { name, at = at.ToUnixTimeMilliseconds() });
    }

    public static void SavePresences(DbConnection connection, IEnumerable<PresenceRow> rows) => connection.Execute("""
        UPDATE device SET presence = @Presence, presence_since = @PresenceSince, last_seen = @LastSeen, status_epoch = @StatusEpoch, status_sequence = @StatusSequence, details = @Details
        WHERE name = @Name
        """, rows);

    public static void SaveWindows(DbConnection connection, string branch, IEnumerable<(string Device, ReplayState State)> windows)
    {
        foreach (var (device, state) in windows) SaveWindow(connection, device, branch, state);
    }

    public static void SaveWindow(DbConnection connection, string device, string branch, ReplayState state) => connection.Kept("""
        INSERT INTO replay_window (device, branch, epoch, highest, seen) VALUES (@device, @branch, @epoch, @highest, @seen)
        ON CONFLICT (device, branch) DO UPDATE SET epoch = excluded.epoch, highest = excluded.highest, seen = excluded.seen
        """, ("device", device), ("branch", branch), ("epoch", state.Epoch), ("highest", state.Highest), ("seen", Convert.ToBase64String(MemoryMarshal.AsBytes<ulong>([.. state.Seen])))).ExecuteNonQuery();

    /// <summary>The certificate of an old or present key, DER.</summary>
    public static byte[]? FindCertificate(DbConnection connection, string thumbprint)
        => connection.ExecuteScalar<string?>("SELECT der FROM device_certificate WHERE thumbprint = @thumbprint", new { thumbprint }) is { } der ? Convert.FromBase64String(der) : null;

    private static Member ToMember(DeviceRow row) => new(row.Name, row.Kind, row.Title, JsonSerializer.Deserialize<string[]>(row.Allowed) ?? [], row.Enabled != 0, row.Created.ToTime())
    {
        // Whoever was there when the center stopped is not connected to the broker that is starting now.
        State = (PresenceState)row.Presence == PresenceState.Online ? PresenceState.Offline : (PresenceState)row.Presence,
        Since = row.PresenceSince.ToTime(),
        LastSeen = row.LastSeen.ToTime(),
        Status = (row.StatusEpoch, row.StatusSequence),
        Details = row.Details,
    };

    private sealed class DeviceRow
    {
        public string Name { get; set; } = "";
        public string Kind { get; set; } = "";
        public string Title { get; set; } = "";
        public string Allowed { get; set; } = "[]";
        public long Enabled { get; set; }
        public long Created { get; set; }
        public long Presence { get; set; }
        public long? PresenceSince { get; set; }
        public long? LastSeen { get; set; }
        public long StatusEpoch { get; set; }
        public long StatusSequence { get; set; }
        public string Details { get; set; } = "{}";
    }

    private sealed class CertificateRow
    {
        public string Thumbprint { get; set; } = "";
        public string Device { get; set; } = "";
        public string Serial { get; set; } = "";
        public string Der { get; set; } = "";
        public long Starts { get; set; }
        public long Ends { get; set; }
        public long? Retired { get; set; }
        public long? Superseded { get; set; }
    }

    private sealed class LabelRow
    {
        public const long Group = 1, Tag = 2;

        public string Device { get; set; } = "";
        public long Kind { get; set; }
        public string Name { get; set; } = "";
    }

    private sealed class WindowRow
    {
        public string Device { get; set; } = "";
        public string Branch { get; set; } = "";
        public long Epoch { get; set; }
        public long Highest { get; set; }
        public string Seen { get; set; } = "";
    }
}

/// <summary>What is written of a device's presence.</summary>
internal sealed record PresenceRow(string Name, long Presence, long? PresenceSince, long? LastSeen, long StatusEpoch, long StatusSequence, string Details, ReplayState Telemetry)
{
    public static PresenceRow Of(Member member) => new(
        member.Name, (long)member.State, member.Since?.ToUnixTimeMilliseconds(), member.LastSeen?.ToUnixTimeMilliseconds(),
        member.Status.Epoch, member.Status.Sequence, member.Details, member.Telemetry.Export());
}
