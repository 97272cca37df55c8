using Signet.Wire;

namespace Signet.Control;

/// <summary>
/// The fleet in memory: who is admitted, whose keys are believed, who is there. Presence is a live session on the broker and a verified <c>online</c> since
/// it began; the end of the last session or a verified <c>offline</c> ends it at once. Safe for any number of threads.
/// </summary>
internal sealed class Roster(TimeProvider time)
{
    private readonly Dictionary<string, Member> _members = new(StringComparer.Ordinal);
    private readonly Lock _one = new();
    // By name; null: devices came or went.
    private Member[]? _sorted;
    // Their records; null: one of them may be another.
    private DeviceRecord[]? _list;
    private readonly KeptPerScope<long, Member[]> _within = new();
    private readonly KeptPerScope<long, FleetLabels> _labels = new();
    private volatile KeyRing _keys = KeyRing.Empty;
    private long _placing;

    /// <summary>Another number when a device came, went or changed its groups, tags or commands. Ask before reading: what is made of it is then never newer than it says.</summary>
    public long Placing => Volatile.Read(ref _placing);

    /// <summary>Keys of every certificate in force, of enabled and disabled devices alike: what a disabled one signed before is still its word.</summary>
    public KeyRing Keys => _keys;

    /// <summary>Raised outside the lock, after the fact.</summary>
    public event Action<DeviceRecord>? Changed;

    public void Put(Member member)
    {
        lock (_one)
        {
            (_members[member.Name], _sorted, _list) = (member, null, null);
            _placing++;
            foreach (var certificate in member.Certificates.Where(c => c.Retired is null)) _keys = _keys.With(certificate.Pin(member.Name));
            if (member.Shared is { } shared) _keys = _keys.With(shared.Up);
        }
    }

    public bool Remove(string name)
    {
        lock (_one)
        {
            if (!_members.Remove(name, out var member)) return false;
            (_sorted, _list) = (null, null);
            _placing++;
            foreach (var certificate in member.Certificates) _keys = _keys.Without(certificate.Thumbprint);
            if (member.Shared is { } shared) _keys = _keys.Without(shared.Up.KeyId);
            return true;
        }
    }

    /// <summary>Adds a certificate to a device, or retires some; the key ring follows.</summary>
    public DeviceRecord? ChangeCertificates(string name, DeviceCertificate? added, Predicate<DeviceCertificate> retired) => Change(name, member =>
    {
        for (var i = 0; i < member.Certificates.Count; i++)
        {
            if (member.Certificates[i].Retired is not null || !retired(member.Certificates[i])) continue;
            member.Certificates[i] = member.Certificates[i] with { Retired = time.GetUtcNow() };
            _keys = _keys.Without(member.Certificates[i].Thumbprint);
        }

        if (added is not null)
        {
            member.Certificates.Add(added);
            _keys = _keys.With(added.Pin(name));
        }

        return true;
    });

    /// <summary>A certificate was used: those it took the place of open no connection any more.</summary>
    /// <returns>Thumbprints that are superseded from now on.</returns>
    public IReadOnlyList<string> Supersede(string name, IReadOnlySet<string> replaced)
    {
        var found = new List<string>();
        Change(name, member =>
        {
            for (var i = 0; i < member.Certificates.Count; i++)
            {
                if (member.Certificates[i].Superseded is not null || !replaced.Contains(member.Certificates[i].Thumbprint)) continue;
                member.Certificates[i] = member.Certificates[i] with { Superseded = time.GetUtcNow() };
                found.Add(member.Certificates[i].Thumbprint);
            }

            return found.Count > 0;
        });
        return found;
    }

    /// <summary>A hold was undone: the device's retired certificate counts again.</summary>
    public void ReviveCertificate(string name, string thumbprint) => Change(name, member =>
    {
        var at = member.Certificates.FindIndex(c => c.Thumbprint == thumbprint && c.Retired is not null);
        if (at < 0) return false;
        member.Certificates[at] = member.Certificates[at] with { Retired = null };
        _keys = _keys.With(member.Certificates[at].Pin(name));
        return true;
    });

    public DeviceRecord? Find(string name)
    {
        lock (_one) return _members.GetValueOrDefault(name)?.ToRecord();
    }

    /// <summary>Every certificate the device ever had, retired ones too; DER.</summary>
    public IReadOnlyList<byte[]> CertificatesOf(string name)
    {
        lock (_one) return _members.TryGetValue(name, out var member) ? [.. member.Certificates.Select(c => c.Der)] : [];
    }

    /// <summary>SubjectPublicKeyInfo of every certificate the device ever had, the newest first.</summary>
    public IReadOnlyList<byte[]> PublicKeysOf(string name)
    {
        lock (_one) return _members.TryGetValue(name, out var member) ? [.. member.Certificates.Select(c => c.PublicKey).Reverse()] : [];
    }

    /// <summary>Whose cosignatures are handed on, and who stands in the homes' list of witnesses: the oldest devices, so that the list changes seldom.</summary>
    public IReadOnlyList<string> Witnesses() => [.. List().Where(device => device.Enabled).OrderBy(device => device.Created).Take(ControlLimits.HandedOnWitnesses).Select(device => device.Name)];

    /// <summary>By name; the same list until one of them changes.</summary>
    public IReadOnlyList<DeviceRecord> List()
    {
        lock (_one) return _list ??= Array.ConvertAll(Sorted, member => member.ToRecord());
    }

    /// <summary>Those that are in one of the groups, by name; no group: all.</summary>
    public IReadOnlyList<DeviceRecord> List(IReadOnlyList<string> groups)
    {
        if (groups.Count == 0) return List();
        lock (_one) return Array.ConvertAll(Within(groups), member => member.ToRecord());
    }

    /// <summary>What they are chosen by.</summary>
    public FleetLabels Labels(IReadOnlyList<string> groups) => _labels.Of(groups, Placing, _ => FleetLabels.Of(List(groups)));

    private Member[] Sorted => _sorted ??= [.. _members.Values.OrderBy(m => m.Name, StringComparer.Ordinal)];

    private Member[] Within(IReadOnlyList<string> groups) => _within.Of(groups, _placing, _ => Array.FindAll(Sorted, member => IsIn(member, groups)));

    public (int Known, int Online) Count()
    {
        lock (_one) return (_members.Count, _members.Values.Count(m => m.State == PresenceState.Online));
    }

    /// <summary>May a device with this certificate connect? A valid certificate is not enough: the device must be in the fleet, enabled, and this must be a certificate of its own.</summary>
    public bool IsAdmitted(string name, string thumbprint, out string why)
    {
        lock (_one)
        {
            why = _members.GetValueOrDefault(name) switch
            {
                null => "device-unknown",
                { Enabled: false } => "device-disabled",
                { } member when !member.Certificates.Any(c => c.Retired is null && c.Superseded is null && c.Thumbprint == thumbprint) => "certificate-not-enrolled",
                _ => "",
            };
            return why.Length == 0;
        }
    }

    /// <summary>Changes a member under the lock; null (and no event) when it is not there or nothing changed.</summary>
    public DeviceRecord? Change(string name, Func<Member, bool> change)
    {
        DeviceRecord record;
        lock (_one)
        {
            if (!_members.TryGetValue(name, out var member)) return null;
            // Also when it says that nothing changed: a moment of its own may have (last seen).
            Touch(member);
            var (groups, tags, commands) = (member.Groups, member.Tags, member.Allowed);
            var isChanged = change(member);
            Touch(member);
            if (!ReferenceEquals(groups, member.Groups) || !ReferenceEquals(tags, member.Tags) || !ReferenceEquals(commands, member.Allowed)) _placing++;
            if (!isChanged) return null;
            record = member.ToRecord();
        }

        Changed?.Invoke(record);
        return record;
    }

    /// <summary>Looks at (or quietly changes) a member under the lock.</summary>
    public T? With<T>(string name, Func<Member, T> look)
    {
        lock (_one)
        {
            if (!_members.TryGetValue(name, out var member)) return default;
            Touch(member);
            var seen = look(member);
            Touch(member);
            return seen;
        }
    }

    private void Touch(Member member)
    {
        member.Touch();
        _list = null;
    }

    /// <summary>Is the device in one of the groups?</summary>
    public bool IsIn(string name, IReadOnlyList<string> groups)
    {
        lock (_one)
        {
            return _members.TryGetValue(name, out var member) && IsIn(member, groups);
        }
    }

    private static bool IsIn(Member member, IReadOnlyList<string> groups)
    {
        for (var i = 0; i < member.Groups.Count; i++)
            if (groups.Contains(member.Groups[i], StringComparer.Ordinal)) return true;
        return false;
    }

    /// <summary>Names of the devices that are in one of the groups.</summary>
    public HashSet<string> In(IReadOnlyList<string> groups)
    {
        lock (_one) return Within(groups).Select(member => member.Name).ToHashSet(StringComparer.Ordinal);
    }

    /// <summary>Names of the members that fit, in no order.</summary>
    public IReadOnlyList<string> Where(Func<Member, bool> fits)
    {
        lock (_one) return [.. _members.Values.Where(fits).Select(m => m.Name)];
    }

    /// <summary>Every member that changed since the last call, copied by <paramref name="copy"/> under the lock.</summary>
    public List<T> TakeDirty<T>(Func<Member, T> copy)
    {
        lock (_one)
        {
            var taken = new List<T>();
            foreach (var member in _members.Values)
            {
                if (!member.IsDirty) continue;
                member.IsDirty = false;
                taken.Add(copy(member));
            }

            return taken;
        }
    }

    /// <summary>
    /// The broker is not ours and tells nobody who is connected: the device's signed word alone counts, also the copy of its latest that the broker keeps; such a broker replaces it with the
    /// device's last will when the line breaks.
    /// </summary>
    public bool SessionsAreUnseen { get; set; }

    /// <summary>Every device that is admitted, with the thumbprints of the certificates that are good for it.</summary>
    public IReadOnlyList<(string Name, IReadOnlyList<string> Thumbprints)> Admitted()
    {
        lock (_one)
        {
            return [.. from m in _members.Values where m.Enabled
                let good = m.Certificates.Where(c => c.Retired is null && c.Superseded is null).Select(c => c.Thumbprint).ToList()
                where good.Count > 0
                select (m.Name, (IReadOnlyList<string>)good)];
        }
    }

    /// <summary>Where sessions are unseen: who is not admitted any more has none.</summary>
    public void CloseUnadmitted()
    {
        if (!SessionsAreUnseen) return;
        List<string> closed;
        lock (_one) closed = [.. _members.Values.Where(m => m.Sessions > 0 && !(m.Enabled && m.Certificates.Exists(c => c.Retired is null && c.Superseded is null))).Select(m => m.Name)];
        foreach (var name in closed) SessionClosed(name);
    }

    public void SessionOpened(string name, string? address) => Change(name, member =>
    {
        member.Sessions++;
        member.Address = address;
        member.LastSeen = time.GetUtcNow();
        // Connected, but it has not yet signed a word in this session.
        return Enter(member, PresenceState.Unknown);
    });

    public void SessionClosed(string name) => Change(name, member =>
    {
        member.Sessions = Math.Max(0, member.Sessions - 1);
        if (member.Sessions > 0) return false;
        (member.Address, member.Beat) = (null, null);
        return Enter(member, PresenceState.Offline);
    });

    /// <summary>A verified status. False: it is not newer than the last one taken (a late last will, or a copy).</summary>
    public bool StatusTaken(StatusClaims status, bool isKept = false)
    {
        var isNewer = false;
        Change(status.Issuer, member =>
        {
            var order = (status.Epoch, status.Sequence).CompareTo(member.Status);
            isKept &= SessionsAreUnseen;
            isNewer = order > 0 || (order == 0 && (isKept || member.Beat is { IsAssumed: true }));
            if (!isNewer) return false;
            if (SessionsAreUnseen) member.Sessions = status.State == StatusState.Online && member.Enabled ? 1 : 0;
            member.Status = (status.Epoch, status.Sequence);
            member.LastSeen = time.GetUtcNow();
            member.IsDirty = true;
            var details = status.Details.ToJsonString();
            // One that the broker had kept is not the beginning of a count, and no new beginning of one that goes on.
            if (status.State != StatusState.Online) member.Beat = null;
            else if ((!isKept && order > 0) || member.Beat is not { } counting || (counting.Epoch, counting.Since) != (status.Epoch, status.Sequence)) member.Beat = new(status.Epoch, status.Sequence) { IsMidway = isKept };
            if (member.Beat is { } begun) begun.IsAssumed = false;
            var isChanged = details != member.Details;
            member.Details = details;
            return Enter(member, status.State == StatusState.Offline || member.Sessions == 0 ? PresenceState.Offline : PresenceState.Online) || isChanged;
        });
        return isNewer;
    }

    /// <summary>
    /// A verified heartbeat of a connection whose <c>online</c> is not here: it was dropped on its way (brokers do that when a queue is full), or this one has overtaken it. It says the same, but for
    /// the details. To be called under the lock; true: the device is there from now on.
    /// </summary>
    public bool TakeInstead(Member member, HeartbeatClaims beat)
    {
        if ((beat.Epoch, beat.Since).CompareTo(member.Status) <= 0) return false;
        if (SessionsAreUnseen) member.Sessions = member.Enabled ? 1 : 0;
        if (member.Sessions == 0) return false;
        (member.Status, member.IsDirty) = ((beat.Epoch, beat.Since), true);
        member.Beat = new(beat.Epoch, beat.Since) { IsMidway = true, IsAssumed = true };
        return Enter(member, PresenceState.Online);
    }

    /// <summary>Newer than the last status that was taken?</summary>
    public bool IsNewer(StatusClaims status) => With(status.Issuer, m => (status.Epoch, status.Sequence).CompareTo(m.Status) > 0);

    /// <summary>An <c>offline</c> under a suite that has ended: where sessions are unseen, the device is away; where they are seen, they tell it. What was last taken from it, and its order, stay.</summary>
    public void LeftUnder(StatusClaims status) => Change(status.Issuer, member =>
    {
        if (!SessionsAreUnseen) return false;
        (member.Sessions, member.Beat) = (0, null);
        return Enter(member, PresenceState.Offline);
    });

    private bool Enter(Member member, PresenceState state)
    {
        if (member.State == state) return false;
        (member.State, member.Since, member.IsDirty) = (state, time.GetUtcNow(), true);
        return true;
    }
}
