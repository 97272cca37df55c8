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
        VictimSealing = Keep(Authority.Issue(new(CertificateProfile.DeviceSealing, Victim, Key: KeyKind.Rsa2048)));
        NeighbourSealing = Keep(Authority.Issue(new(CertificateProfile.DeviceSealing, Neighbour, Key: KeyKind.Rsa2048)));
        Alice = Keep(Authority.Issue(new(CertificateProfile.User, "alice")));
        Bob = Keep(Authority.Issue(new(CertificateProfile.User, "bob")));
        Mallory = Keep(Foreign.Issue(new(CertificateProfile.User, "alice")));
        Manifest = MakeManifest(Path.Combine(directory, "pki"), time, random);
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

    /// <summary>What commands are sealed to.</summary>
    public IssuedCertificate VictimSealing { get; }
    public IssuedCertificate NeighbourSealing { get; }

    /// <summary>The two whose yes <see cref="TwoPersonCommand"/> needs, and somebody of another authority who bears the name of one.</summary>
    public IssuedCertificate Alice { get; }
    public IssuedCertificate Bob { get; }
    public IssuedCertificate Mallory { get; }

    /// <summary>The victim's manifest, signed by the root as its holder does, offline.</summary>
    public byte[] Manifest { get; }

    /// <summary>A command of the class that two people must agree to.</summary>
    public const string TwoPersonCommand = "unlock", TwoPersonClass = "two-person";

    private byte[] MakeManifest(string pki, TimeProvider time, RandomNumberGenerator random)
    {
        using var rootKey = (ECDsa)KeyFile.Load(Path.Combine(pki, "root.key"));
        using var key = SigningKey.Es256(rootKey, Thumbprint.Of(Authority.Root));
        return ManifestMessage.Sign(new()
        {
            Issuer = ManifestClaims.Policy, Id = MessageId.New(time, random), IssuedAt = time.GetUtcNow(), Audience = Victim, Version = 1,
            Commands = ["close", "open", "set-angle", TwoPersonCommand], Suites = [new(Suite.Ps256.Name, null), new(SealingSuite.RsaOaep256.Name, null)], OnlySealed = false,
            Classes = [new(TwoPersonClass, [TwoPersonCommand], 2, ["alice", "bob"])],
            Approvers = [new("alice", Alice.Certificate.RawData), new("bob", Bob.Certificate.RawData)],
        }, key);
    }

    /// <summary>The manifest as a device obeys it.</summary>
    public ManifestClaims ObeyedManifest(DateTimeOffset now)
    {
        using var root = PinnedKey.FromCertificate(Authority.Root, ManifestClaims.Policy, Suite.Es256.Algorithm);
        return ManifestMessage.TryVerify(Manifest, new() { Keys = KeyRing.Empty.With(root), Audience = Victim, Topic = "", Now = now }, out var verified, out var rejection)
            ? verified.Claims
            : throw new LabException($"the lab's own manifest is refused: {rejection}");
    }

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
