using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;

namespace Signet.Wire.Tests;

/// <summary>One file of <c>vectors/</c>: a receiver, and messages with what it must say to each.</summary>
internal sealed class VectorFile
{
    private static readonly JsonObject Keys = Load("keys.json")["keys"]!.AsObject();
    private readonly JsonObject _file;
    private readonly KeyRing _ring;

    private VectorFile(string kind)
    {
        _file = Load(kind + ".json");
        _ring = _file["ring"]!.AsArray().Aggregate(KeyRing.Empty, (ring, name) => ring.With(Pin((string)name!)));
    }

    public static VectorFile Open(string kind) => new(kind);

    public IEnumerable<JsonObject> Vectors => _file["vectors"]!.AsArray().Select(v => v!.AsObject());

    public JsonObject this[string name] => Vectors.Single(v => (string)v["name"]! == name);

    public static byte[] MessageOf(JsonObject vector) => Encoding.UTF8.GetBytes((string)vector["message"]! + new string('A', (int?)vector["padding"] ?? 0));

    public Expectation ExpectationOf(JsonObject vector) => new()
    {
        Keys = _ring,
        Audience = (string?)_file["audience"],
        Topic = (string?)vector["topic"] ?? (string)_file["topic"]!,
        Now = DateTimeOffset.FromUnixTimeSeconds((long?)vector["now"] ?? (long)_file["now"]!),
        MaximumAge = (bool?)vector["anyAge"] == true ? Expectation.AnyAge : WireLimits.MaximumAge,
    };

    /// <summary>The manifest of <c>quorum.json</c>, verified with the key <c>policy</c>.</summary>
    public ManifestClaims ReadManifest()
    {
        var expected = new Expectation { Keys = KeyRing.Empty.With(Pin("policy")), Audience = (string?)_file["audience"], Topic = "", Now = DateTimeOffset.FromUnixTimeSeconds((long)_file["now"]!) };
        ManifestMessage.TryVerify(Encoding.UTF8.GetBytes((string)_file["manifest"]!), expected, out var verified, out var rejection).ShouldBeTrue(rejection.ToString());
        return verified!.Claims;
    }

    /// <summary>The private key that opens a vector of <c>sealed.json</c>.</summary>
    public static SealingKey OpeningKeyOf(JsonObject vector)
    {
        var key = Keys[(string?)vector["opensWith"] ?? "sealing-ecdh"]!;
        if ((string)key["algorithm"]! == "ECDH-ES")
        {
            var ecdh = System.Security.Cryptography.ECDiffieHellman.Create();
            ecdh.ImportFromPem((string)key["privateKey"]!);
            return SealingKey.EcdhEs(ecdh, (string)key["kid"]!);
        }
        var rsa = System.Security.Cryptography.RSA.Create();
        rsa.ImportFromPem((string)key["privateKey"]!);
        return SealingKey.RsaOaep256(rsa, (string)key["kid"]!);
    }

    public static JsonObject Load(string file) => JsonNode.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "vectors", file)))!.AsObject();

    private static PinnedKey Pin(string name)
    {
        var key = Keys[name]!;
        var owner = (string)key["owner"]!;
        if (key["secret"] is { } secret) return PinnedKey.Hs256(System.Buffers.Text.Base64Url.DecodeFromChars((string)secret!), owner, (string)key["kid"]!);
        using var certificate = X509CertificateLoader.LoadCertificate(Convert.FromBase64String((string)key["certificate"]!));
        var pinned = PinnedKey.FromCertificate(certificate, owner, (string)key["algorithm"]!);
        pinned.KeyId.ShouldBe((string)key["kid"]!);
        return pinned;
    }
}
