using System.Runtime.InteropServices;

namespace Signet.Pki;

/// <summary>What the ledger file says, ready for questions. Guarded by the authority's lock; <see cref="Snapshot"/> may be kept by anyone.</summary>
internal sealed class CertificateLedger
{
    private readonly List<LedgerEntry> _entries = [];
    private readonly Dictionary<(string Issuer, string Serial), int> _bySerial = [];
    private readonly Dictionary<string, List<int>> _byName = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<int>> _byKey = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> _crlNumbers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (long Number, RevocationState State)> _bases = new(StringComparer.Ordinal);
    private LedgerEntry[]? _snapshot;

    public IReadOnlyList<LedgerEntry> Snapshot => _snapshot ??= [.. _entries];

    public RevocationState Revocations { get; private set; } = RevocationState.Empty;

    /// <summary>Number of the last list that was announced for an issuer; 0 before the first.</summary>
    public long CrlNumber(string issuer) => _crlNumbers.GetValueOrDefault(issuer);

    /// <summary>The last list that deltas build on, and what was revoked then; null before the first.</summary>
    public (long Number, RevocationState State)? BaseOf(string issuer) => _bases.TryGetValue(issuer, out var found) ? found : null;

    /// <summary>What changed since that list: new entries, changed reasons, and holds that were undone (RFC 5280, section 5.2.4).</summary>
    public List<RevokedCertificate> ChangesSince(RevocationState state, string issuer, DateTimeOffset now)
    {
        var changes = Revocations.All.Where(r => r.Issuer == issuer && !(state.TryFind(issuer, r.Serial, out var old) && old.Reason == r.Reason)).ToList();
        changes.AddRange(state.All.Where(r => r.Issuer == issuer && !Revocations.TryFind(issuer, r.Serial, out _)).Select(r => r with { At = now, Reason = RevocationReason.RemoveFromCrl }));
        return changes;
    }

    /// <summary>The one road for new lines and for lines read back after a restart.</summary>
    public void Apply(params ReadOnlySpan<LedgerLine> lines)
    {
        List<RevokedCertificate>? revoked = null;
        foreach (var line in lines)
        {
            switch (line.Event)
            {
                case LedgerLine.Issued:
                    Add(line);
                    break;
                case LedgerLine.Revoked:
                    Change(line, e => e with { RevokedAt = line.At, Reason = line.Reason });
                    (revoked ??= []).Add(new(line.Issuer, line.Serial!, line.At, line.Reason!.Value));
                    break;
                case LedgerLine.Released:
                    Change(line, e => e with { RevokedAt = null, Reason = null });
                    Swap(ref revoked);
                    Revocations = Revocations.Without(line.Issuer, line.Serial!);
                    break;
                case LedgerLine.Crl:
                    _crlNumbers[line.Issuer] = line.Number!.Value;
                    Swap(ref revoked);
                    if (line.Base is not { } b || b == line.Number) _bases[line.Issuer] = (line.Number!.Value, Revocations);
                    break;
            }
        }

        Swap(ref revoked);
        _snapshot = null;
    }

    /// <summary>By serial, whoever issued it: serials are 128 random bits.</summary>
    public IEnumerable<LedgerEntry> WithSerial(string serial, IEnumerable<string> issuers)
    {
        foreach (var issuer in issuers)
        {
            if (_bySerial.TryGetValue((issuer, serial), out var at)) yield return _entries[at];
        }
    }

    public IReadOnlyList<LedgerEntry> WithName(string name) => At(_byName, name);

    public IReadOnlyList<LedgerEntry> WithKey(string keyThumbprint) => At(_byKey, keyThumbprint);

    /// <summary>Everything of one issuer that a list must carry at this moment.</summary>
    public IEnumerable<RevokedCertificate> RevokedBy(string issuer) => Revocations.All.Where(r => r.Issuer == issuer);

    /// <summary>When a revoked certificate expires; null when it came from an imported list and nobody knows.</summary>
    public DateTimeOffset? EndOf(RevokedCertificate revoked) => _bySerial.TryGetValue((revoked.Issuer, revoked.Serial), out var at) ? _entries[at].NotAfter : null;

    /// <summary>How many authorities of a kind there were: the next one's number.</summary>
    public int Generations(CertificateProfile profile) => _entries.Where(e => e.Profile == profile).Select(e => e.Name).Distinct(StringComparer.Ordinal).Count();

    public bool Knows(string issuer, string serial) => _bySerial.ContainsKey((issuer, serial));

    private void Add(LedgerLine line)
    {
        if (!_bySerial.TryAdd((line.Issuer, line.Serial!), _entries.Count)) return;
        (CollectionsMarshal.GetValueRefOrAddDefault(_byName, line.Name!, out _) ??= []).Add(_entries.Count);
        if (line.Key is { } key) (CollectionsMarshal.GetValueRefOrAddDefault(_byKey, key, out _) ??= []).Add(_entries.Count);
        _entries.Add(new(line.Serial!, line.Issuer, line.Profile!.Value, line.Name!, line.Thumbprint!, line.NotBefore!.Value, line.NotAfter!.Value, line.At, Key: line.Key));
    }

    private void Change(LedgerLine line, Func<LedgerEntry, LedgerEntry> change)
    {
        if (_bySerial.TryGetValue((line.Issuer, line.Serial!), out var at)) _entries[at] = change(_entries[at]);
    }

    private LedgerEntry[] At(Dictionary<string, List<int>> index, string key) => index.TryGetValue(key, out var at) ? [.. at.Select(i => _entries[i])] : [];

    private void Swap(ref List<RevokedCertificate>? revoked)
    {
        if (revoked is not null) Revocations = Revocations.With(revoked);
        revoked = null;
    }
}
