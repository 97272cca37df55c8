using System.Collections.Concurrent;
using Signet.Access;
using Signet.Audit;
using Signet.Pki;
using Signet.Store;
using Signet.Wire;

namespace Signet.Control;

/// <summary>The devices: who they are, what they may be told, whether they are there, and what they measured.</summary>
public sealed class Fleet
{
    private readonly Roster _roster;
    private readonly Observations _observations;
    private readonly ControlDatabase _database;
    private readonly AuditTrail _trail;
    private readonly Administration _administration;
    private readonly Installation _installation;
    private readonly CertificateAuthority _authority;
    private readonly Certificates _certificates;
    private readonly SessionCutter _sessions;
    private readonly TimeProvider _time;
    private readonly Func<DeviceBroker> _broker;
    private readonly SharedKeys _shared;
    private readonly CutOffList _cutOff;
    private volatile string? _renewal;

    internal Fleet(Roster roster, Observations observations, ControlDatabase database, AuditTrail trail, Administration administration, Installation installation, CertificateAuthority authority, SharedKeys shared,
        Certificates certificates, SessionCutter sessions, CutOffList cutOff, TimeProvider time, Func<DeviceBroker> broker)
    {
        (_roster, _observations, _database, _trail, _administration, _installation, _authority, _shared, _certificates, _sessions, _cutOff, _time, _broker) =
            (roster, observations, database, trail, administration, installation, authority, shared, certificates, sessions, cutOff, time, broker);
        _roster.Changed += record => Changed?.Invoke(record);
        // The last run of the center cut them off and stopped before the database answered.
        foreach (var name in _cutOff.Names.ToList())
        {
            if (_roster.Change(name, m => { m.Enabled = false; return true; }) is not null) _unwritten[name] = true;
            else Forget(name);
        }
    }

    /// <summary>A device came, went, was added, changed or removed. Raised after the fact, from any thread; do not block.</summary>
    public event Action<DeviceRecord>? Changed;

    // A note about a device that was removed: the next one of that name is another.
    private void Forget(string name)
    {
        try
        {
            _cutOff.Remove(name);
        }
        catch (IOException)
        {
            // It stands there still, and the next start tries again: no reason not to start.
        }
    }

    /// <summary>All devices by name, with their presence.</summary>
    public IReadOnlyList<DeviceRecord> List() => _roster.List();

    /// <summary>Of these those that are in one of the groups; no group: all.</summary>
    internal IReadOnlyList<DeviceRecord> List(IReadOnlyList<string> groups) => _roster.List(groups);

    public DeviceRecord? Find(string name) => _roster.Find(name);

    /// <summary>Makes certificate, key (0600) and <c>device/NAME/</c>, from which <c>signet device run NAME</c> starts.</summary>
    public Task<Outcome<DeviceRecord>> AddAsync(NewDevice device, Actor actor, CancellationToken cancellationToken = default) => _administration.ChangeAsync<DeviceRecord>(async () =>
    {
        if (WhyNot(device) is { } why) return new Refusal(RefusalCode.BadInput, why);
        if (_roster.Find(device.Name) is not null) return new Refusal(RefusalCode.AlreadyExists, $"there is a device '{device.Name}' already");
        if (_database.Read(c => TakenNames.IsPerson(c, device.Name))) return new Refusal(RefusalCode.AlreadyExists, $"there is an account '{device.Name}' already");
        if (_roster.Count().Known >= ControlLimits.Devices) return new Refusal(RefusalCode.BadInput, $"a fleet holds {ControlLimits.Devices} devices");
        var allowed = AllowedOf(device);
        var permit = await _trail.PermitAsync(actor, Act.ManageDevices, AuditTrail.Of(AuditTypes.Device, actor, device.Name, "device-added", details: new()
        {
            ["kind"] = device.Kind, ["allowed"] = string.Join(' ', allowed), ["sharedKey"] = device.SharedKey, ["sealing"] = device.Sealing,
        }), cancellationToken);
        if (!permit.TryGet(out _, out var refusal)) return refusal;

        var member = Bear(device, device.SharedKey ? _shared.PairOf(device.Name, _time.GetUtcNow().ToUnixTimeSeconds()) : null, _installation, _authority, _time, _broker(), _renewal);
        await _database.WriteAsync(c => FleetStore.Insert(c, member), cancellationToken);
        _roster.Put(member);
        return Announce(device.Name);
    }, cancellationToken);

    /// <summary>Revokes its certificates, cuts its sessions and forgets it. Its commands, receipts and audit entries stay.</summary>
    /// <param name="expected">Asked about the device as it is when the change's turn comes; a refusal is answered, and nothing is done.</param>
    public Task<Outcome<DeviceRecord>> RemoveAsync(string name, Actor actor, Func<DeviceRecord, Refusal?>? expected = null, CancellationToken cancellationToken = default) => _administration.ChangeAsync<DeviceRecord>(async () =>
    {
        if (_roster.Find(name) is not { } device) return Unknown(name);
        if (expected?.Invoke(device) is { } late) return late;
        var permit = await _trail.PermitAsync(actor, Act.ManageDevices, AuditTrail.Of(AuditTypes.Device, actor, name, "device-removed") with { Emergency = true }, cancellationToken);
        if (!permit.TryGet(out _, out var refusal)) return refusal;
        var open = _authority.FindByName(name).Where(e => !e.IsRevoked && e.Profile is CertificateProfile.Device or CertificateProfile.DeviceSealing).ToList();
        if (open.Count > 0 && !(await _certificates.RevokeNowAsync(name, open, RevocationReason.CessationOfOperation, actor, _time.GetUtcNow(), cancellationToken)).TryGet(out _, out var stuck)) return stuck;
        // Nothing that may fail stands before the cut. Should a later step fail, the device stays, cut off, the round writes that down, and the removal can be asked for again.
        _unwritten[name] = true;
        _roster.Change(name, m => { m.Enabled = false; return true; });
        _sessions.Cut(s => s.Identity == name, $"{name} was removed", purge: true);
        await _sessions.InForceAsync();
        try
        {
            // The note before the row, and for good: one of old would shut out the next device of that name.
            _cutOff.Remove(name);
            _cutOff.SyncRemovals();
            await _database.WriteAsync(c => FleetStore.Delete(c, name, _time.GetUtcNow()), cancellationToken);
        }
        catch (Exception e) when (e is StoreException or IOException)
        {
            return new Refusal(RefusalCode.StoreUnavailable, $"{name} is cut off and its certificates are revoked, but it could not be removed; ask again: {e.Message}");
        }

        _unwritten.TryRemove(name, out _);
        _roster.Remove(name);
        DeviceHomeFiles.Delete(_installation, name);
        Changed?.Invoke(device with { Enabled = false, Presence = device.Presence with { State = PresenceState.Offline } });
        return device;
    }, cancellationToken);

    /// <summary>Disabling cuts live sessions at once; enabling lets the same certificate in again.</summary>
    /// <inheritdoc cref="RemoveAsync" path="/param"/>
    public async Task<Outcome<DeviceRecord>> SetEnabledAsync(string name, bool enabled, Actor actor, Func<DeviceRecord, Refusal?>? expected = null, CancellationToken cancellationToken = default)
        => DeviceOf(await SetEnabledAsync(name, enabled, actor, isAlone: true, expected, cancellationToken));

    /// <param name="isAlone">False: one of many. It is left alone when it is so already, and who calls sees to <see cref="InForceAsync"/> when all are done.</param>
    internal Task<Outcome<DeviceChange>> SetEnabledAsync(string name, bool enabled, Actor actor, bool isAlone, Func<DeviceRecord, Refusal?>? expected, CancellationToken cancellationToken) => _administration.ChangeAsync<DeviceChange>(async () =>
    {
        var device = _roster.Find(name);
        if (device is null && actor.Groups.Count == 0) return Unknown(name);
        if (device is not null && actor.Covers(device) && expected?.Invoke(device) is { } late) return late;
        if (!isAlone && device is not null && actor.Covers(device) && device.Enabled == enabled && !_unwritten.ContainsKey(name)) return new DeviceChange(device, false);
        // Cutting off works in an emergency and for operators; letting in again is an administrator's act.
        var permit = await _trail.PermitAsync(actor, enabled ? Act.ManageDevices : Act.QuarantineDevice, device,
            AuditTrail.Of(AuditTypes.Device, actor, name, enabled ? "device-enabled" : "device-disabled") with { Emergency = !enabled }, cancellationToken);
        if (!permit.TryGet(out _, out var refusal)) return refusal;
        if (enabled)
        {
            // Nobody is let in whom the next start would shut out again.
            await _database.WriteAsync(c => FleetStore.Update(c, name, true, device!.AllowedCommands), cancellationToken);
            Written(name);
            _cutOff.SyncRemovals();
            _roster.Change(name, m => { m.Enabled = true; return true; });
            if (isAlone) await _sessions.InForceAsync();
            return new DeviceChange(_roster.Find(name)!, true);
        }

        // A note beside the database, which may be away; then the policy, so that a cut session cannot come back; the database after, so that nothing of it hinders the cut. Until it is
        // written it is tried again (WriteDownAsync), by the next start too.
        var isNoted = _cutOff.TryAdd(name, out var whyNot);
        _unwritten[name] = true;
        _roster.Change(name, m => { m.Enabled = false; return true; });
        _sessions.Cut(s => s.Identity == name, $"{name} was disabled", purge: true);
        if (isAlone) await _sessions.InForceAsync();
        try
        {
            await _database.WriteAsync(c => FleetStore.Update(c, name, false, device!.AllowedCommands), CancellationToken.None);
        }
        catch (StoreException e)
        {
            return new Refusal(RefusalCode.StoreUnavailable, isNoted ? $"{name} is cut off, and stays so; the database is told as soon as it answers: {e.Message}"
                : $"{name} is cut off, but nothing could be written: a restart of the center would let it in again. {e.Message} {whyNot}");
        }

        Written(name);
        return new DeviceChange(_roster.Find(name)!, true);
    }, cancellationToken);

    /// <summary>Devices that are cut off, and that the database could not be told of. Touched in the administration's turn alone.</summary>
    private readonly ConcurrentDictionary<string, bool> _unwritten = new(StringComparer.Ordinal);

    internal bool IsUnwritten => !_unwritten.IsEmpty;

    /// <summary>Writes down who was disabled while the database took nothing.</summary>
    internal async Task WriteDownAsync(CancellationToken cancellationToken)
    {
        foreach (var name in _unwritten.Keys)
            await _administration.ChangeAsync<DeviceRecord>(async () =>
            {
                if (!_unwritten.ContainsKey(name) || _roster.Find(name) is not { Enabled: false } device) return Unknown(name);
                await _database.WriteAsync(c => FleetStore.Update(c, name, false, device.AllowedCommands), cancellationToken);
                Written(name);
                return device;
            }, cancellationToken);
    }

    // The note first: should that fail, the name stays among the unwritten and the round writes "disabled" anew.
    private void Written(string name)
    {
        _cutOff.Remove(name);
        _unwritten.TryRemove(name, out _);
    }

    /// <summary>Replaces the list of commands the center sends. The device keeps a list of its own, which is renewed when its home is on this machine and it starts again.</summary>
    /// <inheritdoc cref="RemoveAsync" path="/param"/>
    public Task<Outcome<DeviceRecord>> SetAllowedCommandsAsync(string name, IReadOnlyList<string> commands, Actor actor, Func<DeviceRecord, Refusal?>? expected = null, CancellationToken cancellationToken = default) => _administration.ChangeAsync<DeviceRecord>(async () =>
    {
        if (_roster.Find(name) is not { } device) return Unknown(name);
        if (expected?.Invoke(device) is { } late) return late;
        if (WhyNot(commands) is { } why) return new Refusal(RefusalCode.BadInput, why);
        var permit = await _trail.PermitAsync(actor, Act.ManageDevices, AuditTrail.Of(AuditTypes.Device, actor, name, "device-allowed-commands", details: new()
        {
            ["before"] = string.Join(' ', device.AllowedCommands), ["after"] = string.Join(' ', commands),
        }), cancellationToken);
        if (!permit.TryGet(out _, out var refusal)) return refusal;
        await _database.WriteAsync(c => FleetStore.Update(c, name, device.Enabled, commands), cancellationToken);
        _roster.Change(name, m => { m.Allowed = [.. commands]; return true; });
        DeviceHomeFiles.Refresh(_installation, _roster.Find(name)!, _broker(), _renewal);
        return _roster.Find(name)!;
    }, cancellationToken);

    /// <summary>Replaces a device's groups, its tags, or both; null leaves them as they are. Groups carry rights, so this is an administrator's act.</summary>
    /// <inheritdoc cref="RemoveAsync" path="/param"/>
    public async Task<Outcome<DeviceRecord>> SetLabelsAsync(string name, IReadOnlyList<string>? groups, IReadOnlyList<string>? tags, Actor actor, Func<DeviceRecord, Refusal?>? expected = null, CancellationToken cancellationToken = default)
        => DeviceOf(await LabelAsync(name, _ => (groups, tags), actor, isAlone: true, expected, cancellationToken));

    /// <summary>Adds a label or takes it away, from what the device has then; the others stay. One of many: who calls sees to <see cref="InForceAsync"/> when all are done.</summary>
    internal Task<Outcome<DeviceChange>> ChangeLabelAsync(string name, string label, bool isGroup, bool isAdded, Actor actor, CancellationToken cancellationToken) => LabelAsync(name, device =>
    {
        var before = isGroup ? device.Groups : device.Tags;
        IReadOnlyList<string>? after = before.Contains(label, StringComparer.Ordinal) == isAdded ? null : isAdded ? [.. before, label] : [.. before.Where(one => one != label)];
        return isGroup ? (after, null) : (null, after);
    }, actor, isAlone: false, null, cancellationToken);

    /// <summary>What was changed is in force on the broker when this returns.</summary>
    internal Task InForceAsync(bool policyChanged)
    {
        if (policyChanged) _sessions.Rejudge();
        return _sessions.InForceAsync(policyChanged);
    }

    private Task<Outcome<DeviceChange>> LabelAsync(string name, Func<DeviceRecord, (IReadOnlyList<string>? Groups, IReadOnlyList<string>? Tags)> change, Actor actor, bool isAlone, Func<DeviceRecord, Refusal?>? expected, CancellationToken cancellationToken) => _administration.ChangeAsync<DeviceChange>(async () =>
    {
        if (_roster.Find(name) is not { } device) return Unknown(name);
        if (expected?.Invoke(device) is { } late) return late;
        var (groups, tags) = change(device);
        if (!isAlone && !actor.Covers(device)) return Scope.Refuse(actor);
        if (!isAlone && groups is null && tags is null) return new DeviceChange(device, false);
        if (WhyNoLabels("groups", groups) is { } why || (why = WhyNoLabels("tags", tags)) is not null) return new Refusal(RefusalCode.BadInput, why);
        var (newGroups, newTags) = (Sorted(groups) ?? device.Groups, Sorted(tags) ?? device.Tags);
        var permit = await _trail.PermitAsync(actor, Act.ManageDevices, AuditTrail.Of(AuditTypes.Device, actor, name, "device-labels", details: new()
        {
            ["groupsBefore"] = string.Join(' ', device.Groups), ["groups"] = string.Join(' ', newGroups), ["tagsBefore"] = string.Join(' ', device.Tags), ["tags"] = string.Join(' ', newTags),
        }), cancellationToken);
        if (!permit.TryGet(out _, out var refusal)) return refusal;
        await _database.WriteAsync(c => FleetStore.SaveLabels(c, name, newGroups, newTags), cancellationToken);
        _roster.Change(name, m => { (m.Groups, m.Tags) = (newGroups, newTags); return true; });
        if (isAlone) await InForceAsync(policyChanged: true);
        return new DeviceChange(_roster.Find(name)!, true);
    }, cancellationToken);

    /// <summary>Has the actor to do with all of these, today? A device that is gone is none of somebody's groups.</summary>
    internal bool Covers(Actor actor, IEnumerable<string> devices) => actor.Groups.Count == 0 || devices.All(name => _roster.IsIn(name, actor.Groups));

    /// <summary>Every group with the number of its devices, by name.</summary>
    public IReadOnlyDictionary<string, int> Groups() => _roster.Labels([]).Groups;

    /// <summary>Every tag with the number of its devices, by name.</summary>
    public IReadOnlyDictionary<string, int> Tags() => _roster.Labels([]).Tags;

    /// <summary>The newest reading of each quantity.</summary>
    public Task<IReadOnlyList<Reading>> LatestReadingsAsync(string device, CancellationToken cancellationToken = default)
        => Task.Run(() => _observations.Latest(device), cancellationToken);

    /// <summary>Readings of one quantity, oldest first, at most <see cref="ControlLimits.ReadingsPerQuery"/> (the newest of the range).</summary>
    public Task<IReadOnlyList<Reading>> ReadingsAsync(string device, string name, DateTimeOffset from, DateTimeOffset to, CancellationToken cancellationToken = default)
        => Task.Run(() => _observations.Range(device, name, from, to), cancellationToken);

    /// <summary>
    /// Puts the fleet together with the authority's ledger (certificates revoked while signet.db could not be written are retired), and renews the certificates
    /// of devices whose home is on this machine. The old one stays valid until its end.
    /// </summary>
    internal async Task ReviewAsync(CancellationToken cancellationToken)
    {
        foreach (var device in _roster.List())
        {
            var revoked = _authority.FindByName(device.Name).Where(e => e.IsRevoked).Select(e => e.Thumbprint).ToHashSet(StringComparer.Ordinal);
            if (_roster.ChangeCertificates(device.Name, null, c => revoked.Contains(c.Thumbprint)) is not null)
                await _database.WriteAsync(c => { foreach (var thumbprint in revoked) FleetStore.Retire(c, thumbprint, _time.GetUtcNow()); }, cancellationToken);
            var starts = _roster.With(device.Name, m => m.Current is { Retired: null } current ? current.Starts : (DateTimeOffset?)null);
            if (starts is null || !Lifetimes.IsDue(starts.Value, device.CertificateEnds, _time.GetUtcNow()) || !Directory.Exists(_installation.DeviceDirectory(device.Name))) continue;
            var serial = await RenewHereAsync(device.Name, cancellationToken);
            _trail.Note(AuditTrail.Of(AuditTypes.Certificate, Actor.Center, device.Name, "certificate-renewed", details: new() { ["serial"] = serial }));
        }
    }

    /// <summary>A new certificate and key for a device whose home is on this machine; it takes them when it starts again. The one before stays good until it ends.</summary>
    public Task<Outcome<DeviceRecord>> RotateAsync(string name, Actor actor, CancellationToken cancellationToken = default) => _administration.ChangeAsync<DeviceRecord>(async () =>
    {
        if (_roster.Find(name) is not { } device) return Unknown(name);
        if (!Directory.Exists(_installation.DeviceDirectory(name))) return new Refusal(RefusalCode.Conflict, $"{name}'s home is not on this machine: it renews by itself (EST), or is given a certificate with `signet cert renew {name}`");
        if (_roster.With(name, m => m.Current is not { Retired: null })) return new Refusal(RefusalCode.Conflict, $"{name} has no certificate in force; issue one with `signet cert issue`");
        var permit = await _trail.PermitAsync(actor, Act.IssueCertificate, device, AuditTrail.Of(AuditTypes.Certificate, actor, name, "certificate-renewal"), cancellationToken);
        if (!permit.TryGet(out _, out var refusal)) return refusal;
        await RenewHereAsync(name, cancellationToken);
        return _roster.Find(name)!;
    }, cancellationToken);

    private async Task<string> RenewHereAsync(string name, CancellationToken cancellationToken)
    {
        using var issued = _authority.Issue(new(CertificateProfile.Device, name));
        var certificate = DeviceCertificate.Of(issued.Certificate);
        await _database.WriteAsync(c => FleetStore.Insert(c, name, certificate), cancellationToken);
        _roster.ChangeCertificates(name, certificate, _ => false);
        DeviceHomeFiles.Renew(_installation, issued);
        return certificate.Serial;
    }

    /// <summary>Where devices renew: written into the homes on this machine.</summary>
    /// <param name="console">The console's address; null while there is none.</param>
    public void AnnounceConsole(Uri? console)
    {
        _renewal = console?.GetLeftPart(UriPartial.Authority);
        if (_renewal is not null) RefreshSettings();
    }

    /// <summary>Writes the broker's address into the homes on this machine.</summary>
    internal void RefreshHomes()
    {
        RefreshSettings();
        var witnesses = _roster.Witnesses().Select(name => (Name: name, Der: _roster.CertificatesOf(name) is [.., var last] ? last : null))
            .Where(witness => witness.Der is not null).Select(witness => (witness.Name, witness.Der!)).OrderBy(witness => witness.Name, StringComparer.Ordinal).ToList();
        // Made once: it is the same for all, and reading sixty certificates for each of thousands would be most of a start.
        var list = DeviceHomeFiles.WitnessList(witnesses);
        foreach (var device in _roster.List()) DeviceHomeFiles.RefreshWitnesses(_installation, device.Name, list);
    }

    private void RefreshSettings()
    {
        foreach (var device in _roster.List()) DeviceHomeFiles.Refresh(_installation, device, _broker(), _renewal);
    }

    /// <summary>What a device that proved its certificate may know about itself.</summary>
    public Outcome<DeviceHomeFacts> HomeOf(System.Security.Cryptography.X509Certificates.X509Certificate2 certificate)
    {
        var verdict = _authority.Judge.Judge(certificate, null, CertificatePurpose.TlsClient);
        if (!verdict.Accepted || verdict.Identity!.Profile is not CertificateProfile.Device) return new Refusal(RefusalCode.NotAllowed, "only a device of this fleet may ask this");
        if (!_roster.IsAdmitted(verdict.Identity.Name, verdict.Identity.Thumbprint, out var why) || _roster.Find(verdict.Identity.Name) is not { } device) return new Refusal(RefusalCode.NotAllowed, $"{verdict.Identity.Name} is not admitted: {why}");
        return new DeviceHomeFacts(device.Name, device.Kind, _broker().Address, Actor.Center.Name, device.AllowedCommands, _authority.TrustBundlePem, File.ReadAllText(Path.Combine(_installation.PkiDirectory, ServerCertificates.SignerName + ".crt"))) { Mqtt = _broker().Mqtt, BrokerIsElsewhere = _broker().IsElsewhere };
    }

    /// <summary>Writes the roots that are relied on into the homes on this machine.</summary>
    internal void RefreshTrust()
    {
        foreach (var device in _roster.List()) DeviceHomeFiles.RefreshTrust(_installation, device.Name, _authority);
    }

    /// <summary>A device with certificate and home. Nothing of it is in the database yet.</summary>
    internal static Member Bear(NewDevice device, SharedPair? shared, Installation installation, CertificateAuthority authority, TimeProvider time, DeviceBroker broker, string? renewal)
    {
        using var issued = authority.Issue(new(CertificateProfile.Device, device.Name));
        var member = new Member(device.Name, device.Kind, device.Title, AllowedOf(device), enabled: true, time.GetUtcNow()) { Shared = shared };
        member.Certificates.Add(DeviceCertificate.Of(issued.Certificate));
        using var sealing = device.Sealing ? authority.Issue(new(CertificateProfile.DeviceSealing, device.Name)) : null;
        DeviceHomeFiles.Create(installation, member, issued, sealing, authority, broker, renewal);
        return member;
    }

    private static IReadOnlyList<string> AllowedOf(NewDevice device) => device.AllowedCommands ?? DeviceKinds.Commands.GetValueOrDefault(device.Kind) ?? [];

    private static string? WhyNot(NewDevice device)
    {
        if (!Topics.IsDeviceName(device.Name)) return "a device's name has 1 to 63 of the characters a-z 0-9 . _ - and begins with a letter or digit";
        if (!Topics.IsWord(device.Kind)) return "a kind has 1 to 64 of the characters a-z 0-9 . _ -";
        if (device.Title.Length > ControlLimits.NameCharacters || device.Title.Any(char.IsControl)) return $"a title has at most {ControlLimits.NameCharacters} printable characters";
        if (device.AllowedCommands is null && !DeviceKinds.Commands.ContainsKey(device.Kind))
            return $"'{device.Kind}' is not a kind the house knows ({string.Join(", ", DeviceKinds.Commands.Keys)}): say which commands it takes";
        return WhyNot(AllowedOf(device));
    }

    private static string? WhyNot(IReadOnlyList<string> commands)
        => commands.Count > ControlLimits.AllowedCommands ? $"a device takes at most {ControlLimits.AllowedCommands} commands"
            : commands.FirstOrDefault(c => !Topics.IsWord(c)) is { } wrong ? $"'{wrong}' is not a command's name: 1 to 64 of the characters a-z 0-9 . _ -"
            : null;

    private static string? WhyNoLabels(string what, IReadOnlyList<string>? names)
        => names is null ? null
            : names.Count > ControlLimits.DeviceLabels ? $"a device has at most {ControlLimits.DeviceLabels} {what}"
            : names.FirstOrDefault(n => !Topics.IsWord(n)) is { } wrong ? $"'{AuthorizedCommand.Shown(wrong)}' cannot be one of its {what}: 1 to 64 of the characters a-z 0-9 . _ -"
            : null;

    private static IReadOnlyList<string>? Sorted(IReadOnlyList<string>? names) => names is null ? null : [.. names.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];

    private static Outcome<DeviceRecord> DeviceOf(Outcome<DeviceChange> outcome) => outcome.TryGet(out var change, out var refusal) ? change.Device : refusal;

    private static Refusal Unknown(string name) => new(RefusalCode.NotFound, $"there is no device '{name}'");

    private DeviceRecord Announce(string name) => _roster.Change(name, _ => true)!;
}
