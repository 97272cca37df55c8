using System.Security.Cryptography;
using Signet.Access;
using Signet.Audit;
using Signet.Pki;
using Signet.Wire;

namespace Signet.Control;

/// <summary>What can be done to many devices at once. In lower case with dashes on the wire.</summary>
public enum BulkChange
{
    AddTag = 1,
    RemoveTag = 2,
    AddGroup = 3,
    RemoveGroup = 4,

    /// <summary>Disabled and cut at once.</summary>
    Quarantine = 5,

    /// <summary>Let in again.</summary>
    Release = 6,

    /// <summary>A new certificate in the home on this machine; the one before stays good until it ends.</summary>
    Rotate = 7,

    /// <summary>All certificates, for good.</summary>
    Revoke = 8,
}

/// <param name="Selection">Which; see <see cref="DeviceSelection"/>.</param>
/// <param name="Change">What is done to each.</param>
/// <param name="Value">The tag or group; null for everything else.</param>
/// <param name="IdempotencyKey">The same key from the same actor gives the same report, done once; null: none.</param>
public sealed record BulkDraft(string Selection, BulkChange Change, string? Value = null, string? IdempotencyKey = null)
{
    /// <summary>Just these, whatever the selection says: as they were ticked on a page. One that is gone meanwhile is left out. Null: the selection counts.</summary>
    public IReadOnlyCollection<string>? Names { get; init; }

    /// <summary>Why certificates are revoked.</summary>
    public RevocationReason Reason { get; init; } = RevocationReason.CessationOfOperation;
}

/// <summary>What became of one device.</summary>
/// <param name="Result"><c>done</c>, <c>unchanged</c> (it was so already), or the refusal's name.</param>
/// <param name="Message">Of the refusal; "" else.</param>
public sealed record BulkRow(string Device, string Result, string Message);

/// <param name="Id">Stands in the audit entry of the whole and in that of each device (<c>bulk</c>).</param>
public sealed record BulkReport(string Id, string Selection, BulkChange Change, string? Value, string By, DateTimeOffset Started, int Done, int Unchanged, int Refused, IReadOnlyList<BulkRow> Devices);

/// <summary>
/// One change to many devices: an entry for the whole, then each device on the road it would go alone, with its own permission, its own entry and its own answer. One that is refused hinders no other.
/// Reports are remembered until the program ends, the newest <see cref="ControlLimits.BulkReports"/>.
/// </summary>
public sealed class BulkChanges : IDisposable
{
    private readonly Fleet _fleet;
    private readonly Certificates _certificates;
    private readonly AuditTrail _trail;
    private readonly TimeProvider _time;
    private readonly RandomNumberGenerator _random;
    private readonly SemaphoreSlim _one = new(1);
    private readonly LinkedList<(string By, string? Key, BulkReport Report)> _reports = [];

    internal BulkChanges(Fleet fleet, Certificates certificates, AuditTrail trail, TimeProvider time, RandomNumberGenerator random)
        => (_fleet, _certificates, _trail, _time, _random) = (fleet, certificates, trail, time, random);

    /// <summary>The act that each change needs.</summary>
    public static Act ActOf(BulkChange change) => change switch
    {
        BulkChange.Quarantine => Act.QuarantineDevice,
        BulkChange.Revoke => Act.RevokeCertificate,
        BulkChange.Rotate => Act.IssueCertificate,
        _ => Act.ManageDevices,
    };

    /// <summary>Does it, one bulk at a time. Refused as a whole when nothing fits, when it is not allowed at all, or when more than <see cref="ControlLimits.BulkDevices"/> fit.</summary>
    public async Task<Outcome<BulkReport>> ChangeAsync(BulkDraft draft, Actor actor, CancellationToken cancellationToken = default)
    {
        if (WhyNot(draft) is { } why) return new Refusal(RefusalCode.BadInput, why);
        await _one.WaitAsync(cancellationToken);
        try
        {
            if (draft.IdempotencyKey is { } key && _reports.FirstOrDefault(r => r.Key == key && r.By == By(actor)).Report is { } before)
                return (before.Selection, before.Change, before.Value) == (draft.Selection, draft.Change, draft.Value) ? before : new Refusal(RefusalCode.Conflict, "this idempotency key was used for another change; take a new one");
            return await DoAsync(draft, actor, cancellationToken);
        }
        finally
        {
            _one.Release();
        }
    }

    public void Dispose() => _one.Dispose();

    private async Task<Outcome<BulkReport>> DoAsync(BulkDraft draft, Actor actor, CancellationToken cancellationToken)
    {
        IReadOnlyList<DeviceRecord> seen = actor.Groups.Count == 0 ? _fleet.List() : [.. _fleet.List().Where(actor.Covers)];
        List<DeviceRecord> devices;
        if (draft.Names is { } names)
        {
            var ticked = names.ToHashSet(StringComparer.Ordinal);
            devices = [.. seen.Where(device => ticked.Contains(device.Name))];
        }
        else if (!DeviceSelection.TryParse(draft.Selection, out var selection, out var why)) return new Refusal(RefusalCode.BadInput, why);
        else if (selection.MissingFrom(seen).FirstOrDefault() is { } missing) return actor.Groups.Count > 0 ? Scope.Refuse(actor) : new Refusal(RefusalCode.NotFound, $"there is no device '{missing}'");
        else devices = [.. selection.Of(seen)];
        if (devices.Count == 0) return new Refusal(RefusalCode.NotFound, $"no device fits '{AuthorizedCommand.Shown(draft.Selection)}'");
        if (devices.Count > ControlLimits.BulkDevices) return new Refusal(RefusalCode.BadInput, $"{devices.Count} devices fit; {ControlLimits.BulkDevices} are changed at once: narrow the selection");
        var started = _time.GetUtcNow();
        var id = MessageId.New(_time, _random);
        var permit = await _trail.PermitAsync(actor, ActOf(draft.Change), AuditTrail.Of(AuditTypes.Device, actor, id, "devices-changed", "requested", "", new()
        {
            ["change"] = Words.Of(draft.Change), ["value"] = draft.Value, ["selection"] = draft.Selection, ["devices"] = devices.Count,
        }) with { Emergency = draft.Change is BulkChange.Quarantine or BulkChange.Revoke }, cancellationToken);
        if (!permit.TryGet(out _, out var refusal)) return refusal;
        var by = actor with { Bulk = id };
        var rows = new List<BulkRow>(devices.Count);
        // Begun is carried through: whoever asked may go away, half a bulk would be worse.
        foreach (var device in devices) rows.Add(await OneAsync(draft, device, by));
        var report = new BulkReport(id, draft.Selection, draft.Change, draft.Value, actor.Name, started, rows.Count(r => r.Result == "done"), rows.Count(r => r.Result == "unchanged"), rows.Count(r => r.Message.Length > 0), rows);
        _reports.AddFirst((By(actor), draft.IdempotencyKey, report));
        if (_reports.Count > ControlLimits.BulkReports) _reports.RemoveLast();
        return report;
    }

    private async Task<BulkRow> OneAsync(BulkDraft draft, DeviceRecord device, Actor actor)
    {
        var (tags, groups) = (Changed(device.Tags, draft, BulkChange.AddTag, BulkChange.RemoveTag), Changed(device.Groups, draft, BulkChange.AddGroup, BulkChange.RemoveGroup));
        if (draft.Change switch
        {
            BulkChange.AddTag or BulkChange.RemoveTag => tags is null,
            BulkChange.AddGroup or BulkChange.RemoveGroup => groups is null,
            BulkChange.Quarantine => !device.Enabled,
            BulkChange.Release => device.Enabled,
            _ => false,
        }) return new(device.Name, "unchanged", "");
        var refusal = draft.Change switch
        {
            BulkChange.Quarantine or BulkChange.Release => (await _fleet.SetEnabledAsync(device.Name, draft.Change == BulkChange.Release, actor)).Refusal,
            BulkChange.Rotate => (await _fleet.RotateAsync(device.Name, actor)).Refusal,
            BulkChange.Revoke => (await _certificates.RevokeAsync(new RevocationTarget([], Device: device.Name), draft.Reason, actor, confirmed: true)).Refusal,
            _ => (await _fleet.SetLabelsAsync(device.Name, groups, tags, actor)).Refusal,
        };
        return refusal is null ? new(device.Name, "done", "") : new(device.Name, refusal.Name, refusal.Message);
    }

    // Null: nothing would change.
    private static IReadOnlyList<string>? Changed(IReadOnlyList<string> labels, BulkDraft draft, BulkChange add, BulkChange remove)
    {
        var has = labels.Contains(draft.Value, StringComparer.Ordinal);
        return draft.Change == add && !has ? [.. labels, draft.Value!] : draft.Change == remove && has ? [.. labels.Where(label => label != draft.Value)] : null;
    }

    private static string? WhyNot(BulkDraft draft)
        => !Enum.IsDefined(draft.Change) ? "there is no such change"
            : draft.Change <= BulkChange.RemoveGroup && !Topics.IsWord(draft.Value ?? "") ? "say which tag or group: 1 to 64 of the characters a-z 0-9 . _ -"
            : draft.Change > BulkChange.RemoveGroup && draft.Value is not null ? "this change takes no value"
            : draft.IdempotencyKey is { } key && (key.Length is 0 or > ControlLimits.IdempotencyKeyCharacters || key.Any(char.IsControl)) ? $"an idempotency key has 1 to {ControlLimits.IdempotencyKeyCharacters} printable characters"
            : null;

    private static string By(Actor actor) => $"{actor.Kind}/{actor.Name}";
}
