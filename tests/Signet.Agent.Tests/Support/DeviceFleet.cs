using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Signet.Pki;
using Signet.Wire;

namespace Signet.Agent.Tests;

/// <summary>A real authority and the directories of devices it made, as the center writes them.</summary>
public sealed class DeviceFleet : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private int _homes;
    private readonly RandomNumberGenerator _random = RandomNumberGenerator.Create();

    public DeviceFleet()
    {
        Authority = CertificateAuthority.Create(Path.Combine(_directory.Path, "pki"), new AuthorityOptions(), TimeProvider.System, _random);
        CenterSign = Authority.Issue(new(CertificateProfile.CenterSign, "center_sign"));
        Broker = Authority.Issue(new(CertificateProfile.Broker, "mqtt_broker", ["localhost", "127.0.0.1"]));
    }

    public CertificateAuthority Authority { get; }
    public IssuedCertificate CenterSign { get; }
    public IssuedCertificate Broker { get; }

    /// <summary>Makes <c>device/NAME/</c> with the given settings; <paramref name="change"/> edits the text of <c>device.json</c>.</summary>
    public string Add(string name, string kind = "door", int port = 1, string commands = "\"open\", \"close\", \"check-status\"", Func<string, string>? change = null, TimeSpan? lifetime = null)
    {
        var home = Path.Combine(_directory.Path, "device", $"{++_homes}", name);
        using var issued = Authority.Issue(new(CertificateProfile.Device, name, Lifetime: lifetime));
        issued.Save(home);
        File.WriteAllText(Path.Combine(home, "root.crt"), PemFile.Encode(Authority.Root));
        File.WriteAllText(Path.Combine(home, "center_sign.crt"), CenterSign.ChainPem);
        var settings = $$"""{ "version": 1, "name": "{{name}}", "kind": "{{kind}}", "broker": "localhost:{{port}}", "center": "command_center", "commands": [{{commands}}], "telemetrySeconds": 1 }""";
        File.WriteAllText(Path.Combine(home, "device.json"), change?.Invoke(settings) ?? settings);
        return home;
    }

    public static X509Certificate2 CertificateOf(string home) => PemFile.Read(Path.Combine(home, Path.GetFileName(home) + ".crt"))[0];

    public void AddSealingKey(string home, string name, CertificateProfile profile)
    {
        using var issued = Authority.Issue(new(profile, name));
        issued.Save(home, "sealing");
    }

    /// <summary>As the holder of the offline root does.</summary>
    public void WriteManifest(string home, string device, long version, params SuiteGrant[] suites) => File.WriteAllBytes(Path.Combine(home, "manifest.jws"), Manifest(device, version, suites));

    /// <inheritdoc cref="WriteManifest"/>
    public byte[] Manifest(string device, long version, params SuiteGrant[] suites)
    {
        using var rootKey = (ECDsa)KeyFile.Load(Path.Combine(_directory.Path, "pki", "root.key"));
        using var key = SigningKey.Es256(rootKey, Thumbprint.Of(Authority.Root));
        return ManifestMessage.Sign(new ManifestClaims
        {
            Issuer = ManifestClaims.Policy, Id = MessageId.New(TimeProvider.System, _random), IssuedAt = DateTimeOffset.UtcNow, Audience = device, Version = version, Commands = ["open"],
            Suites = suites.Length > 0 ? suites : [new("signet-ps256-1", null)], OnlySealed = false, Classes = [], Approvers = [],
        }, key);
    }

    public void Dispose()
    {
        CenterSign.Dispose();
        Broker.Dispose();
        Authority.Dispose();
        _random.Dispose();
        _directory.Dispose();
    }
}
