using System.Buffers.Text;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;

namespace Signet.Wire.Tests;

/// <summary>Other people's libraries (jwcrypto for Python, jose for JavaScript) read what we sign and seal, and we read what they make, in every suite.</summary>
public sealed class PeerSpecs
{
    public static TheoryData<string, string> Peers => new() { { "/usr/bin/python3", "jwcrypto_peer.py" }, { "node", "jose_peer.mjs" } };

    [Theory]
    [MemberData(nameof(Peers))]
    public async Task They_verify_and_open_ours_and_we_theirs_in_every_suite(string program, string script)
    {
        using var rsa = RSA.Create(2048);
        using var ecdsa = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var rsaCertificate = SelfSigned(new CertificateRequest("CN=x", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pss));
        using var ecCertificate = SelfSigned(new CertificateRequest("CN=x", ecdsa, HashAlgorithmName.SHA256));
        using var random = RandomNumberGenerator.Create();
        var secret = RandomNumberGenerator.GetBytes(32);
        SigningKey[] signing = [SigningKey.Ps256(rsa, Thumbprint.Of(rsaCertificate)), SigningKey.Es256(ecdsa, Thumbprint.Of(ecCertificate)), SigningKey.Hs256(secret, "down.thermostat-1")];
        SealingRecipient[] recipients = [SealingRecipient.FromCertificate(rsaCertificate, "thermostat-1"), SealingRecipient.FromCertificate(ecCertificate, "thermostat-1")];
        SealingKey[] opening = [SealingKey.RsaOaep256(rsa, recipients[0].KeyId), SealingKey.EcdhEs(ecCertificate.GetECDiffieHellmanPrivateKey()!, recipients[1].KeyId)];
        var expected = TestKeys.AtDevice with
        {
            Keys = KeyRing.Empty.With(PinnedKey.FromCertificate(rsaCertificate, "command_center", "PS256"))
                .With(PinnedKey.FromCertificate(ecCertificate, "command_center", "ES256")).With(PinnedKey.Hs256(secret, "command_center", "down.thermostat-1")),
        };
        var claims = TestKeys.Command with { OriginatorName = "Zoë €", Arguments = new() { ["small"] = 1e-7, ["large"] = 1e21, ["text"] = "\u0001\n\"" } };
        byte[][] signed = [.. signing.Select(k => CommandMessage.Sign(claims, k))];
        byte[][] sealedOnes = [.. recipients.Select(to => SealedMessage.Seal(signed[2], to, expected.Topic, random))];

        var job = new JsonObject
        {
            ["keys"] = new JsonArray(Jwk(rsa, signing[0].KeyId), Jwk(ecdsa, signing[1].KeyId), new JsonObject { ["kty"] = "oct", ["k"] = Base64Url.EncodeToString(secret), ["kid"] = signing[2].KeyId }),
            ["messages"] = new JsonArray([.. signed.Concat(sealedOnes).Select(m => JsonValue.Create(Encoding.ASCII.GetString(m)))]),
        };
        var answer = JsonNode.Parse(await PeerProgram.RunAsync(program, [PeerProgram.PathOf(script)], job.ToJsonString()))!;

        for (var i = 0; i < signed.Length; i++)
        {
            ((string)answer["read"]![i]!).ShouldBe(Encoding.UTF8.GetString(Base64Url.DecodeFromUtf8(signed[i].AsSpan()[(signed[i].AsSpan().IndexOf((byte)'.') + 1)..signed[i].AsSpan().LastIndexOf((byte)'.')])), signing[i].Algorithm);
            CommandMessage.TryVerify(Encoding.ASCII.GetBytes((string)answer["made"]![i]!), expected, out var verified, out var rejection).ShouldBeTrue($"{signing[i].Algorithm} {rejection}");
            verified!.Claims.OriginatorName.ShouldBe("Zoë €");
        }
        for (var i = 0; i < sealedOnes.Length; i++)
        {
            ((string)answer["read"]![signed.Length + i]!).ShouldBe(Encoding.ASCII.GetString(signed[2]), opening[i].Suite.Name);
            if ((string?)answer["made"]![signed.Length + i] is not { } made) continue; // jose cannot make canonical ECDH-ES headers (tests/peers/jose_peer.mjs)
            SealedMessage.TryOpen(Encoding.ASCII.GetBytes(made), opening[i], expected, out var opened, out var rejection).ShouldBeTrue($"{opening[i].Suite} {rejection}");
            opened.ShouldBe(signed[2]);
        }
    }

    private static X509Certificate2 SelfSigned(CertificateRequest request) => request.CreateSelfSigned(TestKeys.Now.AddYears(-1), TestKeys.Now.AddYears(1));

    private static JsonObject Jwk(RSA key, string keyId)
    {
        var p = key.ExportParameters(includePrivateParameters: true);
        return new()
        {
            ["kty"] = "RSA", ["kid"] = keyId, ["n"] = Text(p.Modulus), ["e"] = Text(p.Exponent), ["d"] = Text(p.D),
            ["p"] = Text(p.P), ["q"] = Text(p.Q), ["dp"] = Text(p.DP), ["dq"] = Text(p.DQ), ["qi"] = Text(p.InverseQ),
        };
    }

    private static JsonObject Jwk(ECDsa key, string keyId)
    {
        var p = key.ExportParameters(includePrivateParameters: true);
        return new() { ["kty"] = "EC", ["crv"] = "P-256", ["kid"] = keyId, ["x"] = Text(p.Q.X), ["y"] = Text(p.Q.Y), ["d"] = Text(p.D) };
    }

    private static string Text(byte[]? bytes) => Base64Url.EncodeToString(bytes);
}
