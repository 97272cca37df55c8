using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Signet.Pki;

/// <summary>
/// Root, intermediate, ledger and revocation lists in one directory. Safe for any number of threads; one process at a time.
/// What it issues or revokes is in the ledger, flushed to the disk, before anybody hears of it.
/// </summary>
public sealed partial class CertificateAuthority : IDisposable
{
    private readonly Lock _lock = new();
    private readonly AuthorityFiles _files;
    private readonly AuthorityOptions _options;
    private readonly PublicAddresses? _addresses;
    private readonly TimeProvider _time;
    private readonly RandomNumberGenerator _random;
    private readonly LedgerFile _file;
    private readonly CertificateLedger _ledger = new();
    private volatile HeldAuthorities _held;
    private volatile TrustStore _trust;
    private volatile RevocationState _revocations = RevocationState.Empty;
    private ImmutableDictionary<string, RevocationList> _lists = ImmutableDictionary<string, RevocationList>.Empty;
    private ImmutableDictionary<string, RevocationList> _deltas = ImmutableDictionary<string, RevocationList>.Empty;

    private CertificateAuthority(AuthorityFiles files, AuthorityOptions options, TimeProvider time, RandomNumberGenerator random, HeldAuthorities held, LedgerFile file)
    {
        (_files, _options, _time, _random, _held, _file) = (files, options, time, random, held, file);
        _addresses = options.PublicUrl is { } url ? new(url) : null;
        _trust = held.Trust();
        Judge = new(() => Trust, () => Revocations, time);
    }

    public X509Certificate2 Root => _held.Root.Certificate;

    /// <summary>Every root that is relied on, the present one first: more than one while a rotation overlaps.</summary>
    public IReadOnlyList<X509Certificate2> Roots => [.. _held.Roots.Select(r => r.Certificate)];

    /// <summary>PEM of <see cref="Roots"/>: what a peer should trust.</summary>
    public string TrustBundlePem => string.Concat(Roots.Select(PemFile.Encode));

    /// <summary>The one that issues now.</summary>
    public X509Certificate2 Intermediate => _held.Intermediate.Certificate;

    /// <summary>Intermediate and root as a server should send them: while a rotation overlaps, from the oldest root that is relied on, which every peer knows.</summary>
    public X509Certificate2Collection Chain => [_held.IntermediateToSend, _held.RootOfSent];

    /// <summary>Every authority whose certificates this one answers for, the present intermediate first.</summary>
    public IReadOnlyList<X509Certificate2> Authorities => [.. _held.All.Select(a => a.Certificate)];

    /// <summary>The present roots and intermediates; swapped as a whole.</summary>
    public TrustStore Trust => _trust;

    /// <summary>A judge over this authority's roots and revocations.</summary>
    public CertificateJudge Judge { get; }

    /// <summary>Everything ever issued, oldest first: a snapshot.</summary>
    public IReadOnlyList<LedgerEntry> Ledger
    {
        get
        {
            lock (_lock) return _ledger.Snapshot;
        }
    }

    /// <summary>Null for a serial this authority never gave out.</summary>
    public LedgerEntry? Find(string serial)
    {
        lock (_lock) return Issued(serial);
    }

    /// <summary>Everything issued to a name, oldest first.</summary>
    public IReadOnlyList<LedgerEntry> FindByName(string name)
    {
        lock (_lock) return _ledger.WithName(name);
    }

    /// <summary>What expires within this time from now, or has expired, and has no successor (same name and profile) and was not revoked; soonest first.</summary>
    /// <param name="within">From now.</param>
    /// <param name="only">Looks at these alone (a successor may be another): whoever wants few of many need not have the rest grouped.</param>
    public IReadOnlyList<LedgerEntry> Expiring(TimeSpan within, Func<LedgerEntry, bool>? only = null)
    {
        var until = _time.GetUtcNow() + within;
        return [.. Ledger.Where(e => !e.IsRevoked && e.NotAfter <= until && only?.Invoke(e) != false).GroupBy(e => (e.Name, e.Profile)).Select(g => g.MaxBy(e => e.NotAfter)!)
            .Where(e => !FindByName(e.Name).Any(other => other.Profile == e.Profile && !other.IsRevoked && other.NotAfter > e.NotAfter)).OrderBy(e => e.NotAfter)];
    }

    /// <summary>Makes a key and a certificate for it.</summary>
    /// <exception cref="ArgumentException">The spec asks for something the profile does not allow (the message says what).</exception>
    public IssuedCertificate Issue(CertificateRequestSpec spec)
    {
        using var key = KeyKinds.Create(spec.Key ?? ProfileRules.Of(spec.Profile).DefaultKey);
        var draft = LeafDraft.From(spec, KeyKinds.PublicOf(key), _options.Constraints);
        using var bare = Sign(draft);
        return Handed(draft, KeyFile.Join(bare, key, draft.Name));
    }

    /// <summary>A certificate for a key that stays with its owner.</summary>
    /// <param name="spec">Its <see cref="CertificateRequestSpec.Key"/> is not looked at.</param>
    /// <param name="key">From an intake that has seen proof of possession.</param>
    public IssuedCertificate IssueFor(CertificateRequestSpec spec, PublicKey key)
    {
        var draft = LeafDraft.From(spec, key, _options.Constraints);
        return Handed(draft, Sign(draft));
    }

    /// <summary>May a certificate for <paramref name="admitted"/> be issued for the key of this request? Then <see cref="IssueFor"/> does it.</summary>
    /// <param name="request">Its proof of possession was checked when it was read.</param>
    /// <param name="admitted">Profile, name and hosts its sender was admitted for, by token, old certificate or operator.</param>
    /// <param name="detail">One line for the audit log and the sender; empty when nothing is wrong.</param>
    public RequestRefusal Check(SigningRequest request, CertificateRequestSpec admitted, out string detail)
    {
        var refusal = RequestIntake.Check(request, admitted, _options.Organization, out detail);
        if (refusal != RequestRefusal.None) return refusal;
        IReadOnlyList<LedgerEntry> sameKey;
        lock (_lock) sameKey = _ledger.WithKey(CertificateFacts.KeyThumbprint(request.Key));
        if (sameKey.FirstOrDefault(e => e.Reason is RevocationReason.KeyCompromise or RevocationReason.CaCompromise or RevocationReason.AaCompromise) is { } compromised)
        {
            detail = $"the key is the one of {compromised.Serial}, revoked because of its key; make a new one";
            return RequestRefusal.CompromisedKey;
        }

        if (sameKey.Any(e => e.Name != admitted.Name || e.Profile != admitted.Profile))
        {
            detail = "the key already stands in a certificate of another name or purpose; make one of its own";
            return RequestRefusal.ForeignKey;
        }

        return RequestRefusal.None;
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _file.Dispose();
            _held.Dispose();
        }
    }

    private IssuedCertificate Handed(LeafDraft draft, X509Certificate2 certificate)
        => new(certificate, draft.Rules.Profile, draft.Name, PemFile.Encode(certificate) + PemFile.Encode(_held.IntermediateToSend));

    private X509Certificate2 Sign(LeafDraft draft)
    {
        lock (_lock)
        {
            var now = Now();
            var issuer = _held.Intermediate;
            var end = CertificateFacts.NotAfter(_held.IntermediateToSend);
            if (now >= end) throw new PkiException($"the intermediate expired on {end:u}; rotate it before anything is issued");
            var notAfter = now + draft.Lifetime < end ? now + draft.Lifetime : end;
            var extensions = CertificateExtensions.ForLeaf(draft.Rules, draft.Key, draft.Kind, draft.Names, issuer, _addresses);
            var subject = DistinguishedNames.Subject(_options.Organization, draft.Name);
            var certificate = issuer.Sign(subject, draft.Key, extensions, now - PkiLimits.Backdate, notAfter, NewSerial(_random));
            Record(certificate, issuer.Id, draft.Rules.Profile, draft.Name);
            return certificate;
        }
    }

    private void Record(X509Certificate2 certificate, string issuer, CertificateProfile profile, string name)
    {
        var line = IssuedLine(certificate, issuer, profile, name, Now());
        AtomicFile.Write(_files.Issued(line.Serial!), System.Text.Encoding.ASCII.GetBytes(PemFile.Encode(certificate)), AtomicFile.Public);
        _file.Append(line);
        _ledger.Apply(line);
    }

    /// <summary>Null when its key is not here.</summary>
    internal SigningAuthority? SignerOf(X509Certificate2 authority) => _held.All.FirstOrDefault(a => ReferenceEquals(a.Certificate, authority) && a.CanSign);

    private LedgerEntry? Issued(string serial) => _ledger.WithSerial(serial, _held.All.Select(a => a.Id)).FirstOrDefault();

    private DateTimeOffset Now() => DateTimeOffset.FromUnixTimeSeconds(_time.GetUtcNow().ToUnixTimeSeconds());

    private static LedgerLine IssuedLine(X509Certificate2 certificate, string issuer, CertificateProfile profile, string name, DateTimeOffset at) => new(LedgerLine.Issued, at, issuer)
    {
        Serial = CertificateFacts.Serial(certificate),
        Profile = profile,
        Name = name,
        Thumbprint = CertificateFacts.Thumbprint(certificate),
        Key = CertificateFacts.KeyThumbprint(certificate.PublicKey),
        NotBefore = CertificateFacts.NotBefore(certificate),
        NotAfter = CertificateFacts.NotAfter(certificate),
    };

    // 128 random bits behind a first byte that is neither zero nor negative: minimal, positive, 17 of the 20 octets that RFC 5280 (section 4.1.2.2) allows.
    private static byte[] NewSerial(RandomNumberGenerator random)
    {
        var serial = new byte[PkiLimits.SerialBytes + 1];
        random.GetBytes(serial);
        serial[0] = (byte)(serial[0] & 0x3f | 0x40);
        return serial;
    }
}
