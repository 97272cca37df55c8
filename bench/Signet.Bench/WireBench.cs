using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Signet.Wire;

namespace Signet.Bench;

/// <summary>
/// What a Signet message costs beside the bare primitives of the platform over the same number of bytes: sign and verify, or seal and open. Alternately, round by round in one run; the
/// median of the rounds is told with the least and the most. One thread.
/// </summary>
internal static class WireBench
{
    private static readonly RandomNumberGenerator Random = RandomNumberGenerator.Create();
    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeSeconds(1_800_000_000);
    private static long sequence;

    public static int Run(Arguments arguments)
    {
        var (rounds, milliseconds) = (arguments.Number("rounds", 15), arguments.Number("milliseconds", 200));
        Console.WriteLine("| work | bare us | Signet us | ratio | least-most of the ratio |\n|---|---|---|---|---|");
        using var rsa2 = RSA.Create(2048);
        using var rsa3 = RSA.Create(3072);
        using var ecdsa = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var secret = RandomNumberGenerator.GetBytes(32);
        Compare("PS256, RSA-2048: sign and verify", rounds, milliseconds, Bare(rsa2), Message(id => SigningKey.Ps256(Copy(rsa2), id), Pin(rsa2)));
        Compare("PS256, RSA-3072: sign and verify", rounds, milliseconds, Bare(rsa3), Message(id => SigningKey.Ps256(Copy(rsa3), id), Pin(rsa3)));
        Compare("ES256: sign and verify", rounds, milliseconds, Bare(ecdsa), Message(id => SigningKey.Es256(Copy(ecdsa), id), Pin(ecdsa)));
        Compare("HS256: sign and verify", rounds, milliseconds, BareHmac(secret), Message(id => SigningKey.Hs256(secret, id), PinnedKey.Hs256(secret, "command_center", "k")));
        CompareSealing("ECDH-ES + A256GCM: seal and open", rounds, milliseconds, ecdsa: true);
        CompareSealing("RSA-OAEP-256 (2048) + A256GCM: seal and open", rounds, milliseconds, ecdsa: false);
        return 0;
    }

    private static CommandClaims Claims() => new()
    {
        Issuer = "command_center", Audience = "thermostat-1", Id = "01JQX4S8M0RSTVWXYZ23456789", IssuedAt = Now, ExpiresAt = Now.AddSeconds(20), Epoch = 1_799_999_000, Sequence = ++sequence,
        Topic = "signet/thermostat-1/command", Command = "set-point", Arguments = new JsonObject { ["celsius"] = 21.5 }, OriginatorName = "alice", OriginatorRole = "operator",
    };

    private static Action Message(Func<string, SigningKey> sign, PinnedKey pinned)
    {
        var key = sign(pinned.KeyId);
        var expected = new Expectation { Keys = KeyRing.Empty.With(pinned), Audience = "thermostat-1", Topic = "signet/thermostat-1/command", Now = Now };
        return () =>
        {
            if (!CommandMessage.TryVerify(CommandMessage.Sign(Claims(), key), expected, out _, out var rejection)) throw new InvalidOperationException(rejection.ToString());
        };
    }

    private static readonly byte[] Data = RandomNumberGenerator.GetBytes(560); // as many bytes as the message's signed part

    // One side signs with its private key, the other verifies with the public one alone, as in the message.
    private static Action Bare(RSA key)
    {
        var (own, known) = (Copy(key), RSA.Create(key.ExportParameters(includePrivateParameters: false)));
        return () => True(known.VerifyData(Data, own.SignData(Data, HashAlgorithmName.SHA256, RSASignaturePadding.Pss), HashAlgorithmName.SHA256, RSASignaturePadding.Pss));
    }

    private static Action Bare(ECDsa key)
    {
        var (own, known) = (Copy(key), ECDsa.Create(key.ExportParameters(includePrivateParameters: false)));
        return () => True(known.VerifyData(Data, own.SignData(Data, HashAlgorithmName.SHA256), HashAlgorithmName.SHA256));
    }

    private static Action BareHmac(byte[] key) => () => True(CryptographicOperations.FixedTimeEquals(HMACSHA256.HashData(key, Data), HMACSHA256.HashData(key, Data)));

    private static void CompareSealing(string name, int rounds, int milliseconds, bool ecdsa)
    {
        using var certificate = Certificate(ecdsa);
        using var to = SealingRecipient.FromCertificate(certificate, "thermostat-1");
        using var key = ecdsa ? SealingKey.EcdhEs(certificate.GetECDiffieHellmanPrivateKey()!, to.KeyId) : SealingKey.RsaOaep256(certificate.GetRSAPrivateKey()!, to.KeyId);
        using var signing = SigningKey.Hs256(RandomNumberGenerator.GetBytes(32), "k");
        var signed = CommandMessage.Sign(Claims(), signing);
        var expected = new Expectation { Keys = KeyRing.Empty, Audience = "thermostat-1", Topic = "signet/thermostat-1/command", Now = Now };
        using var ecdh = certificate.GetECDiffieHellmanPrivateKey();
        using var rsa = certificate.GetRSAPrivateKey();
        Compare(name, rounds, milliseconds, ecdsa ? () => BareEcdh(ecdh!, signed) : () => BareOaep(rsa!, signed), () => True(SealedMessage.TryOpen(SealedMessage.Seal(signed, to, "signet/thermostat-1/command", Random), key, expected, out _, out _)));
    }

    private static void BareEcdh(ECDiffieHellman receiver, byte[] content)
    {
        using var ephemeral = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP256);
        using var to = receiver.PublicKey;
        var sent = ephemeral.ExportParameters(includePrivateParameters: false);
        var key = SHA256.HashData(ephemeral.DeriveRawSecretAgreement(to));
        using var other = ECDiffieHellman.Create(sent);
        GcmBothWays(key, SHA256.HashData(receiver.DeriveRawSecretAgreement(other.PublicKey)), content);
    }

    private static void BareOaep(RSA receiver, byte[] content)
    {
        var key = new byte[32];
        Random.GetBytes(key);
        GcmBothWays(key, receiver.Decrypt(receiver.Encrypt(key, RSAEncryptionPadding.OaepSHA256), RSAEncryptionPadding.OaepSHA256), content);
    }

    private static void GcmBothWays(byte[] sealing, byte[] opening, byte[] content)
    {
        var (nonce, sealedBytes, tag, opened) = (new byte[12], new byte[content.Length], new byte[16], new byte[content.Length]);
        Random.GetBytes(nonce);
        using (var gcm = new AesGcm(sealing, 16)) gcm.Encrypt(nonce, content, sealedBytes, tag);
        using (var gcm = new AesGcm(opening, 16)) gcm.Decrypt(nonce, sealedBytes, tag, opened);
    }

    private static void Compare(string name, int rounds, int milliseconds, Action bare, Action ours)
    {
        var (b, o, ratios) = (new List<double>(), new List<double>(), new List<double>());
        for (var round = -3; round < rounds; round++)
        {
            var (one, other) = (Each(bare, milliseconds), Each(ours, milliseconds));
            if (round < 0) continue;
            b.Add(one);
            o.Add(other);
            ratios.Add(other / one);
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {name} | {Median(b):0.0} | {Median(o):0.0} | **{Median(o) / Median(b):0.00}** | {ratios.Min():0.00}-{ratios.Max():0.00} |"));
    }

    private static double Each(Action act, int milliseconds)
    {
        var (count, began) = (0, Stopwatch.GetTimestamp());
        do
        {
            for (var i = 0; i < 8; i++) act();
            count += 8;
        }
        while (Stopwatch.GetElapsedTime(began).TotalMilliseconds < milliseconds);
        return Stopwatch.GetElapsedTime(began).TotalMicroseconds / count;
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private static RSA Copy(RSA key) => RSA.Create(key.ExportParameters(includePrivateParameters: true));

    private static ECDsa Copy(ECDsa key) => ECDsa.Create(key.ExportParameters(includePrivateParameters: true));

    private static PinnedKey Pin(RSA key) => Pin(new CertificateRequest("CN=center", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pss), "PS256");

    private static PinnedKey Pin(ECDsa key) => Pin(new CertificateRequest("CN=center", key, HashAlgorithmName.SHA256), "ES256");

    private static PinnedKey Pin(CertificateRequest request, string algorithm)
    {
        using var certificate = request.CreateSelfSigned(Now.AddYears(-1), Now.AddYears(1));
        return PinnedKey.FromCertificate(certificate, "command_center", algorithm);
    }

    private static X509Certificate2 Certificate(bool ecdsa)
    {
        using var ec = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var rsa = RSA.Create(2048);
        var request = ecdsa ? new CertificateRequest("CN=device", ec, HashAlgorithmName.SHA256) : new CertificateRequest("CN=device", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pss);
        return request.CreateSelfSigned(Now.AddYears(-1), Now.AddYears(1));
    }

    private static void True(bool fits)
    {
        if (!fits) throw new InvalidOperationException("it does not verify");
    }
}
