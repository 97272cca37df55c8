using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;

namespace Signet.Wire;

/// <summary>A suite a device still takes. <c>Until</c>: not after this second; null for no end yet.</summary>
public sealed record SuiteGrant(string Name, DateTimeOffset? Until);

/// <summary>A class of commands that need several people. <c>Needed</c> of the <c>Approvers</c>, distinct; whoever asked counts only with <c>RequesterCounts</c>.</summary>
public sealed record QuorumClass(string Name, IReadOnlyList<string> Commands, int Needed, IReadOnlyList<string> Approvers, bool RequesterCounts = false);

/// <summary>A person and a certificate of theirs (DER). One person may have several.</summary>
public sealed record Approver(string Person, ReadOnlyMemory<byte> Certificate)
{
    /// <summary>Where the person's passkey may be used; <see cref="Certificate"/> is then its public key (SubjectPublicKeyInfo, DER). Null: a certificate.</summary>
    public PasskeyPlace? Passkey { get; init; }

    /// <summary>Of what it signs.</summary>
    public string KeyId => Thumbprint.OfBytes(Certificate.Span);
}

/// <summary>
/// What one device may be told, in which suites, and who must agree: signed by the policy key (the offline root, or a key it certified for this), not by
/// the center. <c>typ</c> <c>signet-manifest+jwt</c>. Versions only rise: a device that obeyed version n refuses every lower one.
/// </summary>
public sealed record ManifestClaims : SignedClaims
{
    /// <summary>The <c>iss</c> of every manifest.</summary>
    public const string Policy = "policy";

    /// <summary><c>aud</c>: the device.</summary>
    public required string Audience { get; init; }

    /// <summary><c>version</c>: 1 and up.</summary>
    public required long Version { get; init; }

    /// <summary><c>commands</c>: the only ones, sorted.</summary>
    public required IReadOnlyList<string> Commands { get; init; }

    /// <summary><c>suites</c>: for signatures and for sealing, sorted by name.</summary>
    public required IReadOnlyList<SuiteGrant> Suites { get; init; }

    /// <summary><c>sealed</c>: commands must be sealed.</summary>
    public required bool OnlySealed { get; init; }

    /// <summary><c>classes</c>, sorted by name; no command is in two.</summary>
    public required IReadOnlyList<QuorumClass> Classes { get; init; }

    /// <summary><c>approvers</c>: the certificates of the people the classes name.</summary>
    public required IReadOnlyList<Approver> Approvers { get; init; }

    /// <summary><c>arguments</c>, sorted by command: what these commands may be told; the others' arguments are the device's alone to judge. Not written when there is none.</summary>
    public IReadOnlyList<CommandRule> Rules { get; init; } = [];

    /// <summary>The approvers' keys, ready to verify with.</summary>
    internal KeyRing ApproverKeys { get; } = KeyRing.Empty;

    public ManifestClaims()
    {
    }

    [SetsRequiredMembers]
    internal ManifestClaims(ClaimsReader reader) : base(reader, Topics.IsPartyName)
    {
        Audience = reader.Text("aud", WireLimits.NameCharacters, Topics.IsDeviceName);
        Version = reader.Integer("version", 1);
        Commands = reader.TextSet("commands", 0, WireLimits.ManifestEntries, WireLimits.WordCharacters, Topics.IsWord);
        Suites = Read(reader, "suites", 1, s => new SuiteGrant(s.Text("name", WireLimits.WordCharacters, IsSuite), s.Has("until") ? s.Time("until") : null));
        OnlySealed = reader.Flag("sealed");
        Classes = Read(reader, "classes", 0, c => new QuorumClass(
            c.Text("name", WireLimits.WordCharacters, Topics.IsWord), c.TextSet("commands", 1, WireLimits.ManifestEntries, WireLimits.WordCharacters, Topics.IsWord),
            (int)c.Integer("needed", 1, WireLimits.Approvals), c.TextSet("approvers", 1, WireLimits.ManifestEntries, WireLimits.PersonCharacters, PersonName.IsValid), c.Flag("requesterCounts")));
        Approvers = Read(reader, "approvers", 0, ReadApprover);
        if (reader.Has("arguments")) Rules = Read(reader, "arguments", 1, CommandRule.Read);

        if (HasDisorder(Suites.Select(s => s.Name))) reader.Wrong("suites", "must be sorted by name, each once");
        if (HasDisorder(Classes.Select(c => c.Name))) reader.Wrong("classes", "must be sorted by name, each once");
        if (HasDisorder(Rules.Select(r => r.Command))) reader.Wrong("arguments", "must be sorted by command, each once");
        if (Classes.SelectMany(c => c.Commands).GroupBy(c => c, StringComparer.Ordinal).Any(g => g.Count() > 1)) reader.Wrong("classes", "put a command into two classes");
        if (Classes.Any(c => c.Approvers.Count < c.Needed)) reader.Wrong("classes", "need more people than they name");
        if (reader.HasProblem) return;
        foreach (var approver in Approvers)
        {
            if (TryPin(approver) is { } key) ApproverKeys = ApproverKeys.With(key);
            else reader.Wrong("approvers", "hold a certificate that can sign no approval");
        }
    }

    /// <summary>The class of a command; null: it needs nobody's approval.</summary>
    public QuorumClass? ClassOf(string command) => Classes.FirstOrDefault(c => c.Commands.Contains(command, StringComparer.Ordinal));

    /// <summary>What is wrong with a command's arguments by policy, in words; null when they fit, or policy says nothing about them.</summary>
    public string? WhyNot(string command, JsonObject arguments) => Rules.FirstOrDefault(r => r.Command == command)?.WhyNot(arguments);

    /// <summary>May this suite still be used?</summary>
    public bool Takes(string suite, DateTimeOffset now) => Suites.Any(s => s.Name == suite && !(now > s.Until));

    private protected override void WriteTo(JsonObject json, Suite suite)
    {
        json["aud"] = Audience;
        json["version"] = Version;
        json["commands"] = Texts(Commands);
        json["suites"] = new JsonArray([.. Suites.Select(s => s.Until is { } until ? new JsonObject { ["name"] = s.Name, ["until"] = until.ToUnixTimeSeconds() } : new JsonObject { ["name"] = s.Name })]);
        json["sealed"] = OnlySealed;
        json["classes"] = new JsonArray([.. Classes.Select(c => new JsonObject
        {
            ["name"] = c.Name, ["commands"] = Texts(c.Commands), ["needed"] = c.Needed, ["approvers"] = Texts(c.Approvers), ["requesterCounts"] = c.RequesterCounts,
        })]);
        json["approvers"] = new JsonArray([.. Approvers.Select(Write)]);
        if (Rules.Count > 0) json["arguments"] = new JsonArray([.. Rules.Select(r => r.Write())]);
    }

    internal override string? AddressedTo => Audience;

    private static JsonArray Texts(IEnumerable<string> texts) => new([.. texts.Select(t => JsonValue.Create(t))]);

    private static bool IsSuite(string? name) => Signet.Wire.Suite.All.Any(s => s.Name == name) || SealingSuite.All.Any(s => s.Name == name);

    private static bool HasDisorder(IEnumerable<string> names) => names.Zip(names.Skip(1)).Any(pair => string.CompareOrdinal(pair.First, pair.Second) >= 0);

    private static List<T> Read<T>(ClaimsReader reader, string name, int fewest, Func<ClaimsReader, T> read)
    {
        var found = new List<T>();
        foreach (var item in reader.Objects(name, fewest, WireLimits.ManifestEntries))
        {
            found.Add(read(item));
            if (item.Problem is { } problem) reader.Wrong(name, problem);
        }
        return found;
    }

    private static JsonObject Write(Approver approver)
    {
        var json = new JsonObject { ["person"] = approver.Person };
        var key = System.Buffers.Text.Base64Url.EncodeToString(approver.Certificate.Span);
        if (approver.Passkey is not { } place) json["certificate"] = key;
        else json["passkey"] = new JsonObject { ["key"] = key, ["origin"] = place.Origin, ["rp"] = place.RpId };
        return json;
    }

    private static Approver ReadApprover(ClaimsReader approver)
    {
        var person = approver.Text("person", WireLimits.PersonCharacters, PersonName.IsValid);
        if (!approver.Has("passkey")) return new(person, Der(approver, "certificate"));
        var passkey = new ClaimsReader(approver.Object("passkey"));
        var read = new Approver(person, Der(passkey, "key"))
        {
            Passkey = new(passkey.Text("rp", WireLimits.PersonCharacters, t => Uri.CheckHostName(t) != UriHostNameType.Unknown),
                passkey.Text("origin", WireLimits.TopicCharacters, t => Uri.TryCreate(t, UriKind.Absolute, out var at) && at.Scheme == Uri.UriSchemeHttps && at.GetLeftPart(UriPartial.Authority) == t)),
        };
        if (passkey.Problem is { } problem) approver.Wrong("passkey", problem);
        return read;
    }

    private static byte[] Der(ClaimsReader approver, string name)
    {
        byte[] der = [];
        approver.Text(name, WireLimits.CertificateCharacters, t => StrictBase64Url.TryDecode(System.Text.Encoding.UTF8.GetBytes(t!), out der) && der.Length > 0);
        return der;
    }

    private static PinnedKey? TryPin(Approver approver)
    {
        try
        {
            if (approver.Passkey is { } place) return PinnedKey.Passkey(approver.Certificate.Span, approver.Person, place);
            using var certificate = X509CertificateLoader.LoadCertificate(approver.Certificate.Span);
            var algorithm = certificate.GetKeyAlgorithm() == "1.2.840.113549.1.1.1" ? Signet.Wire.Suite.Ps256.Algorithm : Signet.Wire.Suite.Es256.Algorithm;
            return PinnedKey.FromCertificate(certificate, approver.Person, algorithm);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            return null;
        }
    }
}

/// <summary>Signs and verifies manifests.</summary>
public static class ManifestMessage
{
    public const string Type = "signet-manifest+jwt";

    /// <summary>The compact JWS.</summary>
    /// <exception cref="ArgumentException">Claims no device would accept: lists not sorted, a class without enough people ...</exception>
    public static byte[] Sign(ManifestClaims claims, SigningKey key) => SignedMessage.Sign(Type, claims, key, r => new ManifestClaims(r));

    /// <summary>Checks signature, signer and addressee. A manifest has no age; whether its version may follow the last one is the device's to say. Never throws on any bytes.</summary>
    public static bool TryVerify(ReadOnlySpan<byte> message, Expectation expected, [NotNullWhen(true)] out VerifiedManifest? verified, out Rejection rejection)
    {
        verified = SignedMessage.TryVerify(message, Type, expected with { MaximumAge = Expectation.AnyAge }, r => new ManifestClaims(r), out var claims, out var key, out rejection) ? new(claims, key, message.ToArray()) : null;
        return verified is not null;
    }
}
