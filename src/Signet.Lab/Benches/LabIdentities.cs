using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Signet.Pki;
using Signet.Wire;

namespace Signet.Lab;

/// <summary>Everybody's certificates for one run: the house's own authority with its people and devices, and the attacker's authority, which nobody trusts.</summary>
public sealed class LabIdentities : IDisposable
{
    /// <summary>The device under attack, and the neighbour whose device the attacker owns.</summary>
    public const string Victim = "door-1", Neighbour = "door-2", Center = "command_center";

    private readonly List<IDisposable> _owned = [];

    public LabIdentities(string directory, TimeProvider time, RandomNumberGenerator random)
    {
        Authority = CertificateAuthority.Create(Path.Combine(directory, "pki"), new(), time, random);
        Foreign = CertificateAuthority.Create(Path.Combine(directory, "foreign-pki"), new(), time, random);
        CenterSign = Keep(Authority.Issue(new(CertificateProfile.CenterSign, "center_sign")));
        VictimDevice = Keep(Authority.Issue(new(CertificateProfile.Device, Victim)));
        NeighbourDevice = Keep(Authority.Issue(new(CertificateProfile.Device, Neighbour)));
        ForeignSign = Keep(Foreign.Issue(new(CertificateProfile.CenterSign, "center_sign")));
        BrokerServer = Keep(Authority.Issue(new(CertificateProfile.Broker, "mqtt_broker", ["localhost", "127.0.0.1"])));
        CenterClient = Keep(Authority.Issue(new(CertificateProfile.Center, Center, ["localhost", "127.0.0.1"])));
        ForeignBroker = Keep(Foreign.Issue(new(CertificateProfile.Broker, "mqtt_broker", ["localhost", "127.0.0.1"])));
        ForeignDevice = Keep(Foreign.Issue(new(CertificateProfile.Device, Victim)));
        CenterKey = Keep(SigningKey.Ps256(CenterSign.Certificate.GetRSAPrivateKey()!, CenterSign.Thumbprint));
        ForeignKey = Keep(SigningKey.Ps256(ForeignSign.Certificate.GetRSAPrivateKey()!, ForeignSign.Thumbprint));
        CenterRsa = Keep(CenterSign.Certificate.GetRSAPrivateKey()!);
        ForeignRsa = Keep(ForeignSign.Certificate.GetRSAPrivateKey()!);
        NeighbourEcdsa = Keep(NeighbourDevice.Certificate.GetECDsaPrivateKey()!);
        VictimKey = Keep(SigningKey.Es256(VictimDevice.Certificate.GetECDsaPrivateKey()!, VictimDevice.Thumbprint));
        NeighbourKey = Keep(SigningKey.Es256(NeighbourDevice.Certificate.GetECDsaPrivateKey()!, NeighbourDevice.Thumbprint));
    }

    public CertificateAuthority Authority { get; }

    /// <summary>The attacker's: same names, another root.</summary>
    public CertificateAuthority Foreign { get; }

    public IssuedCertificate CenterSign { get; }
    public IssuedCertificate VictimDevice { get; }
    public IssuedCertificate NeighbourDevice { get; }
    public IssuedCertificate ForeignSign { get; }
    public IssuedCertificate BrokerServer { get; }
    public IssuedCertificate CenterClient { get; }
    public IssuedCertificate ForeignBroker { get; }
    public IssuedCertificate ForeignDevice { get; }
    public SigningKey CenterKey { get; }
    public SigningKey ForeignKey { get; }
    public SigningKey VictimKey { get; }
    public SigningKey NeighbourKey { get; }

    /// <summary>Bare keys of the same certificates, for what the house's own signers refuse to make.</summary>
    public RSA CenterRsa { get; }
    public RSA ForeignRsa { get; }
    public ECDsa NeighbourEcdsa { get; }

    private T Keep<T>(T owned)
        where T : IDisposable
    {
        _owned.Add(owned);
        return owned;
    }

    public void Dispose()
    {
        foreach (var owned in _owned) owned.Dispose();
        Authority.Dispose();
        Foreign.Dispose();
    }
}
