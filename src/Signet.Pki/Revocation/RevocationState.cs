using System.Collections.Immutable;

namespace Signet.Pki;

/// <summary>One revoked certificate.</summary>
/// <param name="Issuer">Key of the issuing authority: lower-case hexadecimal SHA-256 of its subject name's DER.</param>
/// <param name="Serial">Lower-case hexadecimal.</param>
public sealed record RevokedCertificate(string Issuer, string Serial, DateTimeOffset At, RevocationReason Reason);

/// <summary>Everything revoked at one moment. Immutable: a revocation makes a new state and swaps it in, so every handshake sees a whole one.</summary>
public sealed class RevocationState
{
    private readonly ImmutableDictionary<(string Issuer, string Serial), RevokedCertificate> _revoked;

    private RevocationState(ImmutableDictionary<(string Issuer, string Serial), RevokedCertificate> revoked, long version)
    {
        _revoked = revoked;
        Version = version;
    }

    public static RevocationState Empty { get; } = new(ImmutableDictionary<(string Issuer, string Serial), RevokedCertificate>.Empty, 0);

    /// <summary>Grows with every change.</summary>
    public long Version { get; }

    public int Count => _revoked.Count;

    public IEnumerable<RevokedCertificate> All => _revoked.Values;

    public bool TryFind(string issuer, string serial, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out RevokedCertificate? revoked)
        => _revoked.TryGetValue((issuer, serial), out revoked);

    public RevocationState With(IEnumerable<RevokedCertificate> revoked)
        => new(_revoked.SetItems(revoked.Select(r => KeyValuePair.Create((r.Issuer, r.Serial), r))), Version + 1);

    public RevocationState Without(string issuer, string serial) => new(_revoked.Remove((issuer, serial)), Version + 1);
}
