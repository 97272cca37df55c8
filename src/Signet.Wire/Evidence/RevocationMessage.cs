using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Nodes;

namespace Signet.Wire;

/// <summary>A certificate that was revoked.</summary>
/// <param name="Serial">Lower-case hexadecimal.</param>
/// <param name="Issuer">SHA-256 of the issuer's subject (DER), lower-case hexadecimal.</param>
/// <param name="Name">Whom it named.</param>
/// <param name="Profile">In lower case, words joined by <c>-</c>.</param>
public sealed record RevokedEntry(string Serial, string Issuer, string Name, string Profile);

/// <summary>A session that was opened with one of the certificates.</summary>
/// <param name="Serial">Of the certificate; <c>0</c> for a session that was kept without one.</param>
/// <param name="Client">The client id, cut off after 64 characters; empty for a connection of the console.</param>
/// <param name="Listener">Where it came in.</param>
/// <param name="Closed">When its end was seen; null when it was not seen within the time the record waited. Milliseconds, as all times here.</param>
/// <param name="LastMessage">When its last accepted message arrived; null when it never sent any.</param>
/// <param name="Messages">How many the center's broker took from it.</param>
public sealed record CutSession(string Serial, string Client, string Listener, DateTimeOffset? Closed, DateTimeOffset? LastMessage, long Messages);

/// <summary>The first attempt to come back with one of the certificates, and that it was refused.</summary>
public sealed record RefusedReturn(string Serial, DateTimeOffset At, string Listener);

/// <summary>
/// What a revocation did, as the center saw it. <c>typ</c> <c>signet-revocation+jwt</c>, signed with the command-signing key. A large revocation is told in several <see cref="Part"/>s;
/// when somebody tries to come back later, the parts are signed anew with a higher <see cref="Version"/>.
/// </summary>
public sealed record RevocationClaims : SignedClaims
{
    /// <summary><c>act</c>: the revocation, the same in every part and version; see <see cref="MessageId"/>.</summary>
    public required string Act { get; init; }

    /// <summary><c>version</c>: 1 and up.</summary>
    public required long Version { get; init; }

    /// <summary><c>part</c> of <c>parts</c>, from 1.</summary>
    public required long Part { get; init; }
    public required long Parts { get; init; }

    /// <summary><c>requested</c>: when the center was asked.</summary>
    public required DateTimeOffset Requested { get; init; }

    /// <summary><c>effective</c>: from then on every handshake and request was refused.</summary>
    public required DateTimeOffset Effective { get; init; }

    /// <summary><c>by.name</c>, <c>by.role</c>.</summary>
    public required string OriginatorName { get; init; }
    public required string OriginatorRole { get; init; }

    /// <summary><c>reason</c>: of RFC 5280, section 5.3.1, in lower case with <c>-</c>.</summary>
    public required string Reason { get; init; }

    /// <summary><c>crl</c>: number of the revocation list that carries it.</summary>
    public required long CrlNumber { get; init; }

    /// <summary><c>certificates</c>, <c>sessions</c>, <c>refused</c>: what belongs to this part.</summary>
    public required IReadOnlyList<RevokedEntry> Certificates { get; init; }
    public required IReadOnlyList<CutSession> Sessions { get; init; }
    public required IReadOnlyList<RefusedReturn> Refused { get; init; }

    /// <summary><c>x5c</c>: the certificate of the signing key, then the intermediate, DER.</summary>
    public required IReadOnlyList<ReadOnlyMemory<byte>> Chain { get; init; }

    public RevocationClaims()
    {
    }

    [SetsRequiredMembers]
    internal RevocationClaims(ClaimsReader reader) : base(reader, Topics.IsPartyName)
    {
        Act = reader.Text("act", 26, MessageId.IsValid);
        Version = reader.Integer("version", 1);
        Parts = reader.Integer("parts", 1);
        Part = reader.Integer("part", 1, Math.Max(1, Parts));
        Requested = Milliseconds(reader, "requested");
        Effective = Milliseconds(reader, "effective");
        var by = new ClaimsReader(reader.Object("by"));
        OriginatorName = by.Text("name", WireLimits.PersonCharacters, PersonName.IsValid);
        OriginatorRole = by.Text("role", WireLimits.WordCharacters, Topics.IsWord);
        if (by.Problem is { } problem) reader.Wrong("by", problem);
        Reason = reader.Text("reason", WireLimits.WordCharacters, Topics.IsWord);
        CrlNumber = reader.Integer("crl", 0);
        Certificates = Read(reader, "certificates", WireLimits.EvidenceCertificates, c => new RevokedEntry(
            Serial(c), c.Text("issuer", 64, IsHex), c.Text("name", WireLimits.PersonCharacters), c.Text("profile", WireLimits.WordCharacters, Topics.IsWord)));
        Sessions = Read(reader, "sessions", WireLimits.EvidenceSessions, s => new CutSession(
            Serial(s), s.Text("client", WireLimits.WordCharacters), s.Text("listener", WireLimits.WordCharacters), Optional(s, "closed"), Optional(s, "last"), s.Integer("messages", 0)));
        Refused = Read(reader, "refused", WireLimits.EvidenceCertificates, r => new RefusedReturn(Serial(r), Milliseconds(r, "at"), r.Text("listener", WireLimits.WordCharacters)));
        Chain = [.. reader.Texts("x5c", 1, 2, WireLimits.CertificateCharacters, t => Der(t!).Length > 0).Select(t => new ReadOnlyMemory<byte>(Der(t)))];
    }

    private protected override void WriteTo(JsonObject json, Suite suite)
    {
        json["act"] = Act;
        json["version"] = Version;
        json["part"] = Part;
        json["parts"] = Parts;
        json["requested"] = Requested.ToUnixTimeMilliseconds();
        json["effective"] = Effective.ToUnixTimeMilliseconds();
        json["by"] = new JsonObject { ["name"] = OriginatorName, ["role"] = OriginatorRole };
        json["reason"] = Reason;
        json["crl"] = CrlNumber;
        json["certificates"] = new JsonArray([.. Certificates.Select(c => new JsonObject { ["serial"] = c.Serial, ["issuer"] = c.Issuer, ["name"] = c.Name, ["profile"] = c.Profile })]);
        json["sessions"] = new JsonArray([.. Sessions.Select(s =>
        {
            var session = new JsonObject { ["serial"] = s.Serial, ["client"] = s.Client, ["listener"] = s.Listener, ["messages"] = s.Messages };
            if (s.Closed is { } closed) session["closed"] = closed.ToUnixTimeMilliseconds();
            if (s.LastMessage is { } last) session["last"] = last.ToUnixTimeMilliseconds();
            return session;
        })]);
        json["refused"] = new JsonArray([.. Refused.Select(r => new JsonObject { ["serial"] = r.Serial, ["at"] = r.At.ToUnixTimeMilliseconds(), ["listener"] = r.Listener })]);
        json["x5c"] = new JsonArray([.. Chain.Select(c => JsonValue.Create(System.Buffers.Text.Base64Url.EncodeToString(c.Span)))]);
    }

    private static List<T> Read<T>(ClaimsReader reader, string name, int most, Func<ClaimsReader, T> read)
    {
        var found = new List<T>();
        foreach (var item in reader.Objects(name, 0, most))
        {
            found.Add(read(item));
            if (item.Problem is { } problem) reader.Wrong(name, problem);
        }

        return found;
    }

    private static string Serial(ClaimsReader item) => item.Text("serial", 40, IsHex);

    private static bool IsHex(string? text) => text is { Length: > 0 } && text.All(c => char.IsAsciiHexDigitLower(c));

    private static DateTimeOffset Milliseconds(ClaimsReader reader, string name) => DateTimeOffset.FromUnixTimeMilliseconds(reader.Integer(name, 0, WireLimits.UnixSeconds * 1000));

    private static DateTimeOffset? Optional(ClaimsReader reader, string name) => reader.Has(name) ? Milliseconds(reader, name) : null;

    private static byte[] Der(string text) => StrictBase64Url.TryDecode(System.Text.Encoding.UTF8.GetBytes(text), out var der) ? der : [];
}

/// <inheritdoc/>
public sealed class VerifiedRevocation : Verified<RevocationClaims>
{
    internal VerifiedRevocation(RevocationClaims claims, PinnedKey key, ReadOnlyMemory<byte> bytes) : base(claims, key, bytes) { }
}

/// <summary>Signs and verifies evidence of a revocation.</summary>
public static class RevocationMessage
{
    public const string Type = "signet-revocation+jwt";

    /// <summary>The compact JWS.</summary>
    /// <exception cref="ArgumentException">More than a part holds, or a name or text out of its bounds.</exception>
    public static byte[] Sign(RevocationClaims claims, SigningKey key) => SignedMessage.Sign(Type, claims, key, r => new RevocationClaims(r));

    /// <summary>Checks signature, signer and form; evidence has no age. Never throws on any bytes.</summary>
    public static bool TryVerify(ReadOnlySpan<byte> message, Expectation expected, [NotNullWhen(true)] out VerifiedRevocation? verified, out Rejection rejection)
    {
        verified = SignedMessage.TryVerify(message, Type, expected with { MaximumAge = Expectation.AnyAge }, r => new RevocationClaims(r), out var claims, out var key, out rejection)
            ? new(claims, key, message.ToArray()) : null;
        return verified is not null;
    }

    /// <summary>The certificates a message brings along, <b>unverified</b>: only good for finding a path to a root that is trusted, and then verifying with the key found. Empty when it is none.</summary>
    public static IReadOnlyList<ReadOnlyMemory<byte>> PeekChain(ReadOnlySpan<byte> message)
        => CompactJws.TrySplit(message, out var jws, out _) && jws.Type == Type && CanonicalJson.TryParse(jws.Payload, out var json, out _) && new ClaimsReader(json) is var reader
            && new RevocationClaims(reader) is { } claims && reader.Problem is null ? claims.Chain : [];
}
