using System.Security.Cryptography;
using Signet.Access;
using Signet.Audit;
using Signet.Pki;
using Signet.Store;
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
/// What came with an idempotency key is remembered with its report (<see cref="BulkStore"/>), after a restart too.
/// </summary>
public sealed class BulkChanges : IDisposable
{
    private readonly Fleet _fleet;
    private readonly Certificates _certificates;
    private readonly ControlDatabase _database;
    private readonly AuditTrail _trail;
    private readonly TimeProvider _time;
    private readonly RandomNumberGenerator _random;
    private readonly SemaphoreSlim _one = new(1);

    // What cuts off waits for no change of labels; device by device the two take turns.
    private readonly SemaphoreSlim _urgent = new(1);

    // Those that cut off while the database took nothing: its rows know nothing of them.
    private readonly LinkedList<(string By, string Key, string Asked, BulkReport Report)> _unwritten = [];

    internal BulkChanges(Fleet fleet, Certificates certificates, ControlDatabase database, AuditTrail trail, TimeProvider time, RandomNumberGenerator random)
        => (_fleet, _certificates, _database, _trail, _time, _random) = (fleet, certificates, database, trail, time, random);

    /// <summary>The act that each change needs.</summary>
    public static Act ActOf(BulkChange change) => change switch
    {
        BulkChange.Quarantine => Act.QuarantineDevice,
        BulkChange.Revoke => Act.RevokeCertificate,
        BulkChange.Rotate => Act.IssueCertificate,
        _ => Act.ManageDevices,
    };

    /// <summary>
    /// Does it, one bulk at a time; quarantine and revocation do not wait for the others. Refused as a whole when nothing fits, when it is not allowed at all, or when more than
    /// <see cref="ControlLimits.BulkDevices"/> fit. Which devices fit is settled before it waits for its turn, what becomes of each when it comes to it.
    /// </summary>
    public async Task<Outcome<BulkReport>> ChangeAsync(BulkDraft draft, Actor actor, CancellationToken cancellationToken = default)
    {
        if (WhyNot(draft) is { } why) return new Refusal(RefusalCode.BadInput, why);
        if (!Select(draft, actor).TryGet(out var devices, out var none) && draft.IdempotencyKey is null) return none;
        var turn = IsUrgent(draft.Change) ? _urgent : _one;
        await turn.WaitAsync(cancellationToken);
        try
        {
            if (draft.IdempotencyKey is { } key && Earlier(draft, key, actor) is { } answer) return answer;
            return devices is null ? none! : await DoAsync(draft, devices, actor, cancellationToken);
        }
        catch (StoreException e)
        {
            return new Refusal(RefusalCode.StoreUnavailable, e.Message);
        }
        finally
        {
            turn.Release();
        }
    }

    public void Dispose()
    {
        _one.Dispose();
        _urgent.Dispose();
    }

    // Null: this is not a repetition. What cuts off is done twice rather than not at all while nobody can say.
    private Outcome<BulkReport>? Earlier(BulkDraft draft, string key, Actor actor)
    {
        KeptBulk? before;
        lock (_unwritten) before = _unwritten.Where(r => r.Key == key && r.By == By(actor)).Select(r => new KeptBulk(r.Report.Id, r.Asked, r.Report)).FirstOrDefault();
        try
        {
            before ??= _database.Read(c => BulkStore.Find(c, By(actor), key, _time.GetUtcNow()));
        }
        catch (StoreException) when (IsUrgent(draft.Change))
        {
            return null;
        }

        return before is null ? null
            : before.Asked != BulkStore.Asked(draft) ? UsedElsewhere()
            : before.Report is not { } report ? new Refusal(RefusalCode.Conflict, $"this change began and did not end: the center stopped in the midst of it. What was done stands in the audit log under {before.Id}; ask again with a new key")
            : _fleet.Covers(actor, report.Devices.Select(row => row.Device)) ? report : Scope.Refuse(actor);
    }

    private static Refusal UsedElsewhere() => new(RefusalCode.Conflict, "this idempotency key was used for another change; take a new one");

    private static bool IsUrgent(BulkChange change) => change is BulkChange.Quarantine or BulkChange.Revoke;

    // By name.
    private Outcome<List<string>> Select(BulkDraft draft, Actor actor)
    {
        var seen = _fleet.List(actor.Groups);
        List<string> devices;
        if (draft.Names is { } names)
        {
            var ticked = names.ToHashSet(StringComparer.Ordinal);
            devices = [.. seen.Where(device => ticked.Contains(device.Name)).Select(device => device.Name)];
        }
        else if (!DeviceSelection.TryParse(draft.Selection, out var selection, out var why)) return new Refusal(RefusalCode.BadInput, why);
        else if (selection.MissingFrom(seen).FirstOrDefault() is { } missing) return actor.Groups.Count > 0 ? Scope.Refuse(actor) : new Refusal(RefusalCode.NotFound, $"there is no device '{missing}'");
        else devices = [.. selection.Of(seen).Select(device => device.Name)];
        if (devices.Count == 0) return new Refusal(RefusalCode.NotFound, $"no device fits '{AuthorizedCommand.Shown(draft.Selection)}'");
        if (devices.Count > ControlLimits.BulkDevices) return new Refusal(RefusalCode.BadInput, $"{devices.Count} devices fit; {ControlLimits.BulkDevices} are changed at once: narrow the selection");
        return devices;
    }

    private async Task<Outcome<BulkReport>> DoAsync(BulkDraft draft, List<string> devices, Actor actor, CancellationToken cancellationToken)
    {
        var started = _time.GetUtcNow();
        var id = MessageId.New(_time, _random);
        var permit = await _trail.PermitAsync(actor, ActOf(draft.Change), AuditTrail.Of(AuditTypes.Device, actor, id, "devices-changed", "requested", "", new()
        {
            ["change"] = Words.Of(draft.Change), ["value"] = draft.Value, ["selection"] = draft.Selection, ["devices"] = devices.Count, ["names"] = DigestOf(devices),
        }) with { Emergency = IsUrgent(draft.Change) }, cancellationToken);
        if (!permit.TryGet(out _, out var refusal)) return refusal;
        if (draft.IdempotencyKey is { } key && !await BeginAsync(draft, id, key, started, actor, cancellationToken)) return UsedElsewhere();
        var by = actor with { Bulk = id };
        var rows = new List<BulkRow>(devices.Count);
        try
        {
            // Begun is carried through: whoever asked may go away, half a bulk would be worse.
            foreach (var device in devices) rows.Add(await OneAsync(draft, device, by));
        }
        finally
        {
            // Once for all of them: another broker is told of the whole list each time.
            await _fleet.InForceAsync(policyChanged: draft.Change is BulkChange.AddTag or BulkChange.RemoveTag or BulkChange.AddGroup or BulkChange.RemoveGroup);
        }

        var report = new BulkReport(id, draft.Selection, draft.Change, draft.Value, actor.Name, started, rows.Count(r => r.Result == "done"), rows.Count(r => r.Result == "unchanged"), rows.Count(r => r.Message.Length > 0), rows);
        _trail.Note(AuditTrail.Of(AuditTypes.Device, actor, id, "devices-change-finished", "recorded", "", new() { ["done"] = report.Done, ["unchanged"] = report.Unchanged, ["refused"] = report.Refused }));
        if (draft.IdempotencyKey is { } used) await EndAsync(draft, used, report, actor);
        return report;
    }

    // Before the first device: of two that come at once with one key, one is made. False: somebody has the key.
    private async Task<bool> BeginAsync(BulkDraft draft, string id, string key, DateTimeOffset started, Actor actor, CancellationToken cancellationToken)
    {
        try
        {
            return await _database.WriteAsync(c => BulkStore.Begin(c, id, By(actor), key, BulkStore.Asked(draft), started), cancellationToken);
        }
        catch (StoreException) when (IsUrgent(draft.Change))
        {
            return true;
        }
    }

    private async Task EndAsync(BulkDraft draft, string key, BulkReport report, Actor actor)
    {
        try
        {
            if (await _database.WriteAsync(c => BulkStore.End(c, report), CancellationToken.None)) return;
        }
        catch (StoreException)
        {
            // It is done; the answer must not say otherwise.
        }

        lock (_unwritten)
        {
            _unwritten.AddFirst((By(actor), key, BulkStore.Asked(draft), report));
            if (_unwritten.Count > ControlLimits.BulkReports) _unwritten.RemoveLast();
        }
    }

    private async Task<BulkRow> OneAsync(BulkDraft draft, string device, Actor actor)
    {
        var (change, refusal) = (true, (Refusal?)null);
        switch (draft.Change)
        {
            case BulkChange.Rotate: refusal = (await _fleet.RotateAsync(device, actor)).Refusal; break;
            case BulkChange.Revoke: refusal = (await _certificates.RevokeAsync(new RevocationTarget([], Device: device), draft.Reason, actor, confirmed: true)).Refusal; break;
            default:
                var outcome = draft.Change is BulkChange.Quarantine or BulkChange.Release
                    ? await _fleet.SetEnabledAsync(device, draft.Change == BulkChange.Release, actor, isAlone: false, null, CancellationToken.None)
                    : await _fleet.ChangeLabelAsync(device, draft.Value!, draft.Change is BulkChange.AddGroup or BulkChange.RemoveGroup, draft.Change is BulkChange.AddTag or BulkChange.AddGroup, actor, CancellationToken.None);
                if (outcome.TryGet(out var done, out refusal)) change = done.IsChanged;
                break;
        }

        return refusal is not null ? new(device, refusal.Name, refusal.Message) : new(device, change ? "done" : "unchanged", "");
    }

    /// <summary>Base64url SHA-256 of the names, sorted, with line feeds between: says which devices were meant, however many they are.</summary>
    public static string DigestOf(IEnumerable<string> names) => Thumbprint.OfBytes(System.Text.Encoding.UTF8.GetBytes(string.Join('\n', names.Order(StringComparer.Ordinal))));

    private static string? WhyNot(BulkDraft draft)
        => !Enum.IsDefined(draft.Change) ? "there is no such change"
            : draft.Change <= BulkChange.RemoveGroup && !Topics.IsWord(draft.Value ?? "") ? "say which tag or group: 1 to 64 of the characters a-z 0-9 . _ -"
            : draft.Change > BulkChange.RemoveGroup && draft.Value is not null ? "this change takes no value"
            : draft.IdempotencyKey is { } key && (key.Length is 0 or > ControlLimits.IdempotencyKeyCharacters || key.Any(char.IsControl)) ? $"an idempotency key has 1 to {ControlLimits.IdempotencyKeyCharacters} printable characters"
            : null;

    private static string By(Actor actor) => $"{actor.Kind}/{actor.Name}";
}
