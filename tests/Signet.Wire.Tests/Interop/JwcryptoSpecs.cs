using System.Buffers.Text;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;

namespace Signet.Wire.Tests;

/// <summary>Another implementation (jwcrypto, Debian's python3-jwcrypto) verifies our messages and signs messages that we verify, in every suite.</summary>
public sealed class JwcryptoSpecs
{
    [Fact]
    public async Task Jwcrypto_verifies_ours_and_we_verify_its_own_in_every_suite()
    {
        using var rsa = RSA.Create(2048);
        using var ecdsa = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var secret = RandomNumberGenerator.GetBytes(32);
        using var rsaCertificate = SelfSigned(new CertificateRequest("CN=center_sign", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pss));
        using var ecdsaCertificate = SelfSigned(new CertificateRequest("CN=center_sign", ecdsa, HashAlgorithmName.SHA256));
        SigningKey[] keys =
        [
            SigningKey.Ps256(rsa, Thumbprint.Of(rsaCertificate)),
            SigningKey.Es256(ecdsa, Thumbprint.Of(ecdsaCertificate)),
            SigningKey.Hs256(secret, "down.thermostat-1"),
        ];
        var expected = TestKeys.AtDevice with
        {
            Keys = KeyRing.Empty.With(PinnedKey.FromCertificate(rsaCertificate, "command_center", "PS256"))
                .With(PinnedKey.FromCertificate(ecdsaCertificate, "command_center", "ES256")).With(PinnedKey.Hs256(secret, "command_center", "down.thermostat-1")),
        };
        var claims = TestKeys.Command with { OriginatorName = "Zoë €", Arguments = new() { ["small"] = 1e-7, ["large"] = 1e21, ["text"] = "\u0001\n\"" } };
        var ours = keys.Select(k => Encoding.ASCII.GetString(CommandMessage.Sign(claims, k))).ToArray();

        var job = new JsonObject
        {
            ["keys"] = new JsonArray(Jwk(rsa, keys[0].KeyId), Jwk(ecdsa, keys[1].KeyId), new JsonObject { ["kty"] = "oct", ["k"] = Base64Url.EncodeToString(secret), ["kid"] = keys[2].KeyId }),
            ["messages"] = new JsonArray([.. ours.Select(m => JsonValue.Create(m))]),
        };
        var answer = JsonNode.Parse(await PeerProgram.PythonAsync("jws_peer.py", job.ToJsonString()))!;

        for (var i = 0; i < keys.Length; i++)
        {
            var payload = Encoding.UTF8.GetString(Base64Url.DecodeFromChars(ours[i].Split('.')[1]));
            ((string)answer["verified"]![i]!).ShouldBe(payload, keys[i].Algorithm);
            CommandMessage.TryVerify(Encoding.ASCII.GetBytes((string)answer["made"]![i]!), expected, out var verified, out var rejection).ShouldBeTrue($"{keys[i].Algorithm} {rejection}");
            verified!.Claims.OriginatorName.ShouldBe("Zoë €");
        }
    }

    [Fact]
    public async Task Jwcrypto_opens_what_we_seal_and_we_open_what_it_seals_in_every_suite()
    {
        using var rsa = RSA.Create(2048);
        using var ecdsa = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var rsaCertificate = SelfSigned(new CertificateRequest("CN=thermostat-1", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pss));
        using var ecCertificate = SelfSigned(new CertificateRequest("CN=thermostat-1", ecdsa, HashAlgorithmName.SHA256));
        using var random = RandomNumberGenerator.Create();
        var signed = CommandMessage.Sign(TestKeys.Command, TestKeys.Center);
        var (toRsa, toEc) = (SealingRecipient.FromCertificate(rsaCertificate, "thermostat-1"), SealingRecipient.FromCertificate(ecCertificate, "thermostat-1"));
        SealingKey[] keys = [SealingKey.RsaOaep256(rsa, toRsa.KeyId), SealingKey.EcdhEs(ecCertificate.GetECDiffieHellmanPrivateKey()!, toEc.KeyId)];
        var ours = new[] { toRsa, toEc }.Select(to => Encoding.ASCII.GetString(SealedMessage.Seal(signed, to, TestKeys.AtDevice.Topic, random))).ToArray();
        var job = new JsonObject { ["keys"] = new JsonArray(Jwk(rsa, toRsa.KeyId), Jwk(ecdsa, toEc.KeyId)), ["messages"] = new JsonArray([.. ours.Select(m => JsonValue.Create(m))]) };
        var answer = JsonNode.Parse(await PeerProgram.PythonAsync("jwe_peer.py", job.ToJsonString()))!;
        for (var i = 0; i < keys.Length; i++)
        {
            ((string)answer["opened"]![i]!).ShouldBe(Encoding.ASCII.GetString(signed));
            SealedMessage.TryOpen(Encoding.ASCII.GetBytes((string)answer["made"]![i]!), keys[i], TestKeys.AtDevice, out var opened, out var rejection).ShouldBeTrue($"{keys[i]} {rejection}");
            opened.ShouldBe(signed);
        }
    }

    private static X509Certificate2 SelfSigned(CertificateRequest request) =>
        request.CreateSelfSigned(TestKeys.Now.AddYears(-1), TestKeys.Now.AddYears(1));

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
