using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Signet.Wire.Tests;

/// <summary>Keys made once per run: a center (PS256), a device (ES256) and two shared keys, with the ring each side pins.</summary>
internal static class TestKeys
{
    public static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeSeconds(1_800_000_000);

    private static readonly X509Certificate2 CenterCertificate = MakeRsa("center_sign");
    private static readonly X509Certificate2 DeviceCertificate = MakeEcdsa("thermostat-1");
    private static readonly byte[] Secret = RandomNumberGenerator.GetBytes(32);

    public static readonly SigningKey Center = SigningKey.Ps256(CenterCertificate.GetRSAPrivateKey()!, Thumbprint.Of(CenterCertificate));
    public static readonly SigningKey Device = SigningKey.Es256(DeviceCertificate.GetECDsaPrivateKey()!, Thumbprint.Of(DeviceCertificate));
    public static readonly SigningKey CenterShared = SigningKey.Hs256(Secret, "down.thermostat-1");

    public static readonly KeyRing Ring = KeyRing.Empty
        .With(PinnedKey.FromCertificate(CenterCertificate, "command_center", "PS256"))
        .With(PinnedKey.FromCertificate(DeviceCertificate, "thermostat-1", "ES256"))
        .With(PinnedKey.Hs256(Secret, "command_center", "down.thermostat-1"));

    public static X509Certificate2 MakeRsa(string name, int bits = 2048)
    {
        using var key = RSA.Create(bits);
        return new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pss).CreateSelfSigned(Now.AddYears(-1), Now.AddYears(1));
    }

    public static X509Certificate2 MakeEcdsa(string name, ECCurve? curve = null)
    {
        using var key = ECDsa.Create(curve ?? ECCurve.NamedCurves.nistP256);
        return new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256).CreateSelfSigned(Now.AddYears(-1), Now.AddYears(1));
    }

    public static readonly CommandClaims Command = new()
    {
        Issuer = "command_center",
        Audience = "thermostat-1",
        Id = "01JQX4S8M0RSTVWXYZ23456789",
        IssuedAt = Now,
        ExpiresAt = Now.AddSeconds(20),
        Epoch = 1_799_999_000,
        Sequence = 7,
        Topic = "signet/thermostat-1/command",
        Command = "set-point",
        Arguments = new() { ["celsius"] = 21.5 },
        OriginatorName = "alice",
        OriginatorRole = "operator",
    };

    public static readonly Expectation AtDevice = new() { Keys = Ring, Audience = "thermostat-1", Topic = "signet/thermostat-1/command", Now = Now };
}
