using System.Text;
using System.Text.Json;
using Signet.Wire;

namespace Signet.Control;

/// <summary>What is known of one revocation; grows when somebody tries to come back. Guarded by its own lock.</summary>
internal sealed class RevocationFacts(RevocationFacts.Row row)
{
    private readonly Lock _one = new();
    private readonly HashSet<string> _returned = [.. row.Refused.Select(r => r.Serial)];
    private Row _row = row;
    private bool _isDirty;

    /// <summary>As signet.db keeps it, JSON.</summary>
    internal sealed record Row(
        string Id, DateTimeOffset Requested, DateTimeOffset Effective, string ByName, string ByRole, string Reason, long CrlNumber, long Version,
        IReadOnlyList<RevokedEntry> Certificates, IReadOnlyList<CutSession> Sessions, IReadOnlyList<RefusedReturn> Refused);

    public Row Present
    {
        get
        {
            lock (_one) return _row;
        }
    }

    public static RevocationFacts Read(string json) => new(JsonSerializer.Deserialize<Row>(json, JsonSerializerOptions.Web)!);

    public string Write() => JsonSerializer.Serialize(Present, JsonSerializerOptions.Web);

    /// <summary>Somebody came back with one of the certificates and was refused; only the first time of each counts.</summary>
    public void Returned(string serial, DateTimeOffset at, string listener)
    {
        lock (_one)
        {
            if (!_returned.Add(serial)) return;
            _row = _row with { Refused = [.. _row.Refused, new(serial, at, listener)] };
            _isDirty = true;
        }
    }

    /// <summary>True, and the next version begins, when something happened since the last time.</summary>
    public bool TakeDirty()
    {
        lock (_one)
        {
            if (!_isDirty) return false;
            _isDirty = false;
            _row = _row with { Version = _row.Version + 1 };
            return true;
        }
    }

    /// <summary>It could not be written: try again.</summary>
    public void Keep()
    {
        lock (_one) _isDirty = true;
    }
}

/// <summary>Signs what is known of a revocation, in as many parts as it takes.</summary>
/// <param name="Key">The command-signing key.</param>
/// <param name="Chain">Its certificate and the intermediate above it, DER.</param>
internal sealed record EvidenceSigner(SigningKey Key, IReadOnlyList<ReadOnlyMemory<byte>> Chain, TimeProvider Time, System.Security.Cryptography.RandomNumberGenerator Random)
{
    /// <summary>One compact JWS a line.</summary>
    public string Sign(RevocationFacts.Row facts)
    {
        var parts = Math.Max(1, Math.Max(PartsOf(Math.Max(facts.Certificates.Count, facts.Refused.Count), WireLimits.EvidenceCertificates), PartsOf(facts.Sessions.Count, WireLimits.EvidenceSessions)));
        var lines = new StringBuilder();
        for (var i = 0; i < parts; i++)
        {
            if (i > 0) lines.Append('\n');
            lines.Append(Encoding.ASCII.GetString(RevocationMessage.Sign(new()
            {
                Issuer = Actor.Center.Name, Id = MessageId.New(Time, Random), IssuedAt = Time.GetUtcNow(), Act = facts.Id, Version = facts.Version, Part = i + 1, Parts = parts,
                Requested = facts.Requested, Effective = facts.Effective, OriginatorName = facts.ByName, OriginatorRole = facts.ByRole, Reason = facts.Reason, CrlNumber = facts.CrlNumber,
                Certificates = Slice(facts.Certificates, i, WireLimits.EvidenceCertificates), Sessions = Slice(facts.Sessions, i, WireLimits.EvidenceSessions),
                Refused = Slice(facts.Refused, i, WireLimits.EvidenceCertificates), Chain = Chain,
            }, Key)));
        }

        return lines.ToString();
    }

    private static int PartsOf(int count, int each) => (count + each - 1) / each;

    private static List<T> Slice<T>(IReadOnlyList<T> all, int part, int each) => [.. all.Skip(part * each).Take(each)];
}
