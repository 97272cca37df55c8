using System.Collections.Immutable;
using System.Security.Cryptography.X509Certificates;
using Signet.Access;
using Signet.Audit;
using Signet.Mqtt;
using Signet.Pki;
using Signet.Wire;

namespace Signet.Control;

/// <summary>A key that signs commands, for page, API and command line.</summary>
/// <param name="State"><c>present</c>, <c>former</c> (devices believe it still), or <c>revoked</c> (nothing is signed with it any more).</param>
/// <param name="Devices">Devices that believe it, by their own signed word; those that never said count with the oldest.</param>
public sealed record SignerView(string Serial, string Thumbprint, string State, DateTimeOffset NotAfter, int Devices);

/// <summary>
/// The keys that sign commands: the present one, and after a rotation former ones until no device believes them. A device pins one certificate and says in its signed status which; it is commanded
/// with that key and no other, so a rotation loses nobody: neither the device that hears of it at once over the broker (<c>signet/{device}/signer</c>, retained), nor the one that learns it when it
/// renews, nor the one that comes back after weeks.
/// </summary>
public sealed class CommandSigners : IDisposable
{
    private const string Next = ".next";
    private readonly CertificateAuthority _authority;
    private readonly string _directory;
    private readonly Roster _roster;
    private readonly AuditTrail _trail;
    private readonly Administration _administration;
    private readonly TimeProvider _time;
    private ImmutableList<Signer> _all; // the present one first, the oldest last
    private volatile BrokerLink? _link;

    private CommandSigners(CertificateAuthority authority, string directory, Roster roster, AuditTrail trail, Administration administration, TimeProvider time, ImmutableList<Signer> all)
        => (_authority, _directory, _roster, _trail, _administration, _time, _all) = (authority, directory, roster, trail, administration, time, all);

    /// <param name="Path">Of its two files, without their extension.</param>
    /// <param name="Chain">Its certificate and the intermediate above it, DER.</param>
    internal sealed record Signer(string Path, string Serial, X509Certificate2 Certificate, SigningKey Key, IReadOnlyList<ReadOnlyMemory<byte>> Chain)
    {
        /// <exception cref="PkiException">Missing, readable by others, or not a pair.</exception>
        public static Signer Load(string path)
        {
            var certificate = PemFile.ReadWithKey(path + ".crt", path + ".key");
            var key = certificate.GetRSAPrivateKey() ?? throw new PkiException($"{path}.key is not an RSA key");
            return new(path, CertificateFacts.Serial(certificate), certificate, SigningKey.Ps256(key, Thumbprint.Of(certificate)), [.. PemFile.Read(path + ".crt").Take(2).Select(c => new ReadOnlyMemory<byte>(c.RawData))]);
        }
    }

    internal Signer Present => _all[0];

    internal IEnumerable<X509Certificate2> Certificates => _all.Select(s => s.Certificate);

    /// <exception cref="PkiException">The present one is missing, readable by others, or not a pair.</exception>
    internal static CommandSigners Open(CertificateAuthority authority, string directory, Roster roster, AuditTrail trail, Administration administration, TimeProvider time)
    {
        var present = Path.Combine(directory, ServerCertificates.SignerName);
        Recover(present);
        var now = Signer.Load(present);
        var files = Directory.Exists(FormerOf(directory)) ? Directory.GetFiles(FormerOf(directory), "*.crt") : [];
        // A backup without keys has certificates alone: whoever believes one of those takes the present one all the same.
        var former = files.Where(file => File.Exists(Path.ChangeExtension(file, ".key"))).Select(file => Signer.Load(Path.ChangeExtension(file, null))).OrderByDescending(s => s.Certificate.NotBefore);
        return new(authority, directory, roster, trail, administration, time, [now, .. former.Where(s => s.Serial != now.Serial)]);
    }

    /// <summary>The present one first.</summary>
    public IReadOnlyList<SignerView> List()
    {
        var all = _all;
        var counts = _roster.List().GroupBy(device => Believed(device, all).Serial).ToDictionary(g => g.Key, g => g.Count(), StringComparer.Ordinal);
        return [.. all.Select((signer, i) => new SignerView(signer.Serial, signer.Key.KeyId, IsRevoked(signer) ? "revoked" : i == 0 ? "present" : "former", EndOf(signer), counts.GetValueOrDefault(signer.Serial)))];
    }

    /// <summary>The key this device is commanded with: the one it believes, unless that is revoked.</summary>
    internal Signer For(DeviceRecord device)
    {
        var all = _all;
        var believed = Believed(device, all);
        return !IsRevoked(believed) ? believed : all.Find(s => !IsRevoked(s)) ?? all[0];
    }

    // By its own signed word; of a device that has never said it, the oldest.
    private static Signer Believed(DeviceRecord device, ImmutableList<Signer> all)
        => all.Count > 1 && device.Presence.Announced("signer") is { } said && all.Find(s => s.Key.KeyId == said) is { } one ? one : all[^1];

    /// <summary>Makes a new key and tells every device. Those that are away are told when they come back; until then they are commanded with the key they know.</summary>
    public Task<Outcome<IReadOnlyList<SignerView>>> RotateAsync(Actor actor, CancellationToken cancellationToken = default) => _administration.ChangeAsync<IReadOnlyList<SignerView>>(async () =>
    {
        var before = Present;
        // A device takes only one whose time began later than that of the one it has; times of certificates are whole seconds.
        if (_time.GetUtcNow() - MadeAt(before) < TimeSpan.FromSeconds(1)) return new Refusal(RefusalCode.Conflict, "the present key was made this second; wait a moment");
        var permit = await _trail.PermitAsync(actor, Act.ManageAuthorities, AuditTrail.Of(AuditTypes.Certificate, actor, ServerCertificates.SignerName, "signer-rotated", details: new() { ["former"] = before.Serial }), cancellationToken);
        if (!permit.TryGet(out _, out var refusal)) return refusal;

        // 1 The former pair gets a place of its own, 2 the new one lies beside the present one's, 3 it takes that place: after a crash there is always a whole present pair.
        PrivateDirectory.Create(FormerOf(_directory));
        var kept = Path.Combine(FormerOf(_directory), before.Serial);
        if (!File.Exists(kept + ".crt"))
        {
            using (var key = before.Certificate.GetRSAPrivateKey()!) KeyFile.Save(kept + ".key", key);
            PemFile.Write(kept + ".crt", string.Concat(PemFile.Read(before.Path + ".crt").Select(PemFile.Encode)));
        }

        using (var issued = _authority.Issue(new(CertificateProfile.CenterSign, ServerCertificates.SignerName, null, ControlLimits.CommandSignerLifetime))) issued.Save(_directory, ServerCertificates.SignerName + Next);
        Recover(before.Path);
        _all = [Signer.Load(before.Path), before with { Path = kept }, .. _all.Skip(1)];
        await PublishAsync(CancellationToken.None);
        return Outcome.Of(List());
    }, cancellationToken);

    internal void Attach(BrokerLink? link) => _link = link;

    /// <summary>Tells every device that believes another one. Also at a start: a broker that lost its retained messages must not leave a device behind.</summary>
    internal async Task PublishAsync(CancellationToken cancellationToken)
    {
        if (_all.Count == 1 || _link is not { } link) return;
        var pem = await File.ReadAllTextAsync(Present.Path + ".crt", cancellationToken);
        foreach (var device in _roster.List())
        {
            try
            {
                if (Believed(device, _all) != Present) await link.PublishSignerAsync(device.Name, pem, cancellationToken);
            }
            catch (MqttException)
            {
                return; // the line is down; told again at the next round
            }
        }
    }

    /// <summary>Destroys former keys that no device believes any more, expired ones, and revoked ones. Tells the present one again to whoever is behind.</summary>
    internal async Task RetireAsync(CancellationToken cancellationToken)
    {
        if (_all.Count == 1) return;
        var counts = List().ToDictionary(v => v.Serial, v => v, StringComparer.Ordinal);
        foreach (var signer in _all.Skip(1).Where(s => counts[s.Serial] is { State: "revoked" } or { Devices: 0 } || EndOf(s) < _time.GetUtcNow()))
        {
            _all = _all.Remove(signer);
            _trail.Note(AuditTrail.Of(AuditTypes.Certificate, Actor.Center, ServerCertificates.SignerName, "signer-retired", details: new() { ["serial"] = signer.Serial }));
            File.Delete(signer.Path + ".crt");
            File.Delete(signer.Path + ".key");
        }

        await PublishAsync(cancellationToken);
    }

    public void Dispose()
    {
        foreach (var signer in _all)
        {
            signer.Key.Dispose();
            signer.Certificate.Dispose();
        }
    }

    private static DateTimeOffset MadeAt(Signer signer) => new DateTimeOffset(signer.Certificate.NotBefore.ToUniversalTime()) + PkiLimits.Backdate;

    private static DateTimeOffset EndOf(Signer signer) => new(signer.Certificate.NotAfter.ToUniversalTime());

    private bool IsRevoked(Signer signer) => _authority.Find(signer.Serial) is { IsRevoked: true };

    private static string FormerOf(string directory) => Path.Combine(directory, "former-signers");

    private static void Recover(string path)
    {
        if (!File.Exists(path + Next + ".crt")) return;
        if (File.Exists(path + Next + ".key")) File.Move(path + Next + ".key", path + ".key", overwrite: true);
        File.Move(path + Next + ".crt", path + ".crt", overwrite: true);
    }
}
