namespace Signet.Pki;

/// <content>Revocation: ledger first, then the state every handshake reads, then the published lists.</content>
public sealed partial class CertificateAuthority
{
    /// <summary>The present state; swapped as a whole.</summary>
    public RevocationState Revocations => _revocations;

    /// <summary>Latest revocation list of the root, DER.</summary>
    public byte[] RootCrl => ListOf(_held.Root).Der;

    /// <summary>Latest revocation list of the intermediate, DER.</summary>
    public byte[] IntermediateCrl => ListOf(_held.Intermediate).Der;

    /// <summary>Every list in force, the root's first.</summary>
    public IReadOnlyList<RevocationList> Lists => [.. Named().Select(n => _lists.GetValueOrDefault(n.Authority.Id)).OfType<RevocationList>()];

    /// <summary>Delta lists in force: what changed since the last complete list that was renewed in its turn. Empty without a public address, since a list must say where its deltas are.</summary>
    public IReadOnlyList<RevocationList> Deltas => [.. Named().Select(n => _deltas.GetValueOrDefault(n.Authority.Id)).OfType<RevocationList>()];

    /// <summary>Raised after a revocation is durable and in force, on the thread that revoked.</summary>
    public event Action<RevocationResult>? Revoked;

    /// <summary>The ledger is durable, the state swapped and the CRL rewritten when this returns.</summary>
    public RevocationResult Revoke(string serial, RevocationReason reason) => Revoke([serial], reason);

    /// <summary>Many at once: one ledger write, one list. Unknown and already revoked serials are passed over; the outcome is <see cref="RevocationOutcome.Done"/> when at least one changed.</summary>
    public RevocationResult Revoke(IReadOnlyCollection<string> serials, RevocationReason reason)
    {
        if (reason == RevocationReason.RemoveFromCrl || !Enum.IsDefined(reason)) throw new ArgumentException($"{reason} is not a reason to revoke", nameof(reason));
        RevocationResult result;
        lock (_lock)
        {
            var known = serials.Select(Issued).OfType<LedgerEntry>().SelectMany(WithItsCertificates).DistinctBy(e => (e.Issuer, e.Serial)).ToList();
            var changing = known.Where(e => !e.IsRevoked || (e.Reason == RevocationReason.CertificateHold && reason != RevocationReason.CertificateHold)).ToList();
            if (changing.Count == 0)
            {
                return known is [var first, ..]
                    ? new(RevocationOutcome.AlreadyRevoked, [], null, $"{first.Serial} was revoked on {first.RevokedAt:u} ({first.Reason})")
                    : new(RevocationOutcome.UnknownSerial, [], null, $"this authority issued no certificate with serial {string.Join(", ", serials.Take(3))}");
            }

            // A hold that becomes final keeps the moment it took effect.
            result = Change([.. changing.Select(e => new LedgerLine(LedgerLine.Revoked, e.RevokedAt ?? Now(), e.Issuer) { Serial = e.Serial, Reason = reason })]);
        }

        Revoked?.Invoke(result);
        return result;
    }

    /// <summary>Undoes a <see cref="RevocationReason.CertificateHold"/>.</summary>
    public RevocationResult Release(string serial)
    {
        lock (_lock)
        {
            if (Issued(serial) is not { } entry) return new(RevocationOutcome.UnknownSerial, [], null, $"this authority issued no certificate with serial {serial}");
            if (entry.Reason != RevocationReason.CertificateHold)
                return new(RevocationOutcome.NotOnHold, [], null, entry.IsRevoked ? $"{serial} is revoked for good ({entry.Reason})" : $"{serial} is not revoked");
            return Change([new LedgerLine(LedgerLine.Released, Now(), entry.Issuer) { Serial = serial }]);
        }
    }

    /// <summary>Writes new lists where the present ones are past half their life; call it from time to time. True when any was written.</summary>
    public bool RenewCrls()
    {
        lock (_lock)
        {
            // A list of the future was signed while the clock was wrong; those who check lists would refuse everyone.
            return PublishLists(a => !_lists.TryGetValue(a.Id, out var list) || Now() < list.ThisUpdate || Now() >= list.ThisUpdate + (list.NextUpdate - list.ThisUpdate) / 2, asBase: true) > 0;
        }
    }

    private RevocationResult Change(LedgerLine[] lines)
    {
        _file.Append(lines);
        _ledger.Apply(lines);
        _revocations = _ledger.Revocations;
        var issuers = lines.Select(l => l.Issuer).ToHashSet(StringComparer.Ordinal);
        PublishLists(a => issuers.Contains(a.Id), asBase: false);

        var entries = lines.Select(l => Issued(l.Serial!)!).ToList();
        var waiting = Named().Where(n => issuers.Contains(n.Authority.Id) && !n.Authority.CanSign).Select(n => n.Name).ToList();
        return new(RevocationOutcome.Done, entries, _ledger.CrlNumber(lines[0].Issuer),
            waiting.Count == 0 ? "" : $"in force here; the published list of the {waiting[0]} waits until its key is brought back");
    }

    private int PublishLists(Func<SigningAuthority, bool> which, bool asBase)
    {
        var written = 0;
        foreach (var (authority, name) in Named())
        {
            if (!authority.CanSign || !which(authority)) continue;
            Publish(authority, name, asBase);
            written++;
        }

        return written;
    }

    private void Publish(SigningAuthority authority, string name, bool asBase)
    {
        // The number is spent before the list exists: two lists never carry the same one, whatever crashes in between.
        var number = Math.Max(_ledger.CrlNumber(authority.Id) + 1, _files.LeastCrlNumber());
        var before = asBase || _addresses is null ? null : _ledger.BaseOf(authority.Id);
        var line = new LedgerLine(LedgerLine.Crl, Now(), authority.Id) { Number = number, Base = before?.Number ?? number };
        _file.Append(line);
        _ledger.Apply(line);

        // An expired certificate stays until it was on one list made after its end (RFC 5280, section 3.3).
        var last = _lists.GetValueOrDefault(authority.Id)?.ThisUpdate ?? DateTimeOffset.MinValue;
        var revoked = _ledger.RevokedBy(authority.Id).Where(r => !(_ledger.EndOf(r) < last)).OrderBy(r => r.At).ToList();
        var isRoot = _held.IsRoot(authority);
        var draft = new RevocationListDraft(number, Now(), isRoot ? PkiLimits.RootCrlLifetime : PkiLimits.CrlLifetime, isRoot, _addresses?.Delta(authority.Certificate));
        var list = draft.Sign(authority, revoked);
        _files.WriteCrl(name, list);
        _lists = _lists.SetItem(authority.Id, list);
        var delta = before is { } b ? (draft with { Base = b.Number }).Sign(authority, _ledger.ChangesSince(b.State, authority.Id, Now())) : null;
        _files.WriteCrl(AuthorityFiles.DeltaOf(name), delta);
        _deltas = delta is null ? _deltas.Remove(authority.Id) : _deltas.SetItem(authority.Id, delta);
    }

    private RevocationList ListOf(SigningAuthority authority) => _lists.TryGetValue(authority.Id, out var list)
        ? list : throw new PkiException($"there is no revocation list of the {(_held.IsRoot(authority) ? "root" : "intermediate")}, and its key to make one is not here");

    // An authority may have several certificates for its one key (cross-signed); it is revoked as a whole.
    private IEnumerable<LedgerEntry> WithItsCertificates(LedgerEntry entry)
        => entry.Profile == CertificateProfile.Intermediate && entry.Key is { } key ? _ledger.WithKey(key) : [entry];

    private IEnumerable<(SigningAuthority Authority, string Name)> Named() =>
    [
        (_held.Root, "root"), (_held.Intermediate, "intermediate"),
        .. _held.All.Where(a => a != _held.Root && a != _held.Intermediate).Select(a => (a, "former/" + PublicAddresses.FileNameOf(a.Certificate))),
    ];
}
