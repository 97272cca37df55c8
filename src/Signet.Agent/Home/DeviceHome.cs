using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Signet.Pki;
using Signet.Proof;
using Signet.Wire;

namespace Signet.Agent;

/// <summary>
/// Everything a device owns, in one directory (docs/spec/device-home.md): <c>device.json</c>, its key and certificate, the root it believes, the one
/// certificate commands must be signed with, and <c>state/</c>. It holds no other secret and nothing of other devices.
/// </summary>
public sealed class DeviceHome : IDisposable
{
    private TimeProvider _time = TimeProvider.System;
    private PinnedKey? _former;
    private DateTimeOffset _formerUntil;

    private DeviceHome(string directory, DeviceSettings settings, X509Certificate2 certificate, X509Certificate2Collection chain, X509Certificate2Collection roots, X509Certificate2 centerCertificate, SealingKey? sealingKey, ManifestClaims? manifest, TimeProvider time)
    {
        (Directory, Settings, Certificate, Chain, Roots, CenterCertificate) = (directory, settings, certificate, chain, roots, centerCertificate);
        var keys = KeyRing.Empty.With(PinnedKey.FromCertificate(centerCertificate, settings.Center, Suite.Ps256.Algorithm));
        // One P-256 key for TLS and for receipts, or an RSA one where the owner asked for PS256.
        var signing = certificate.GetECDsaPrivateKey() is { } ecdsa
            ? SigningKey.Es256(ecdsa, Thumbprint.Of(certificate))
            : SigningKey.Ps256(certificate.GetRSAPrivateKey()!, Thumbprint.Of(certificate));
        SigningKey? sharedKey = null;
        if (SharedKeyFile.Read(directory) is { } shared)
        {
            keys = keys.With(PinnedKey.Hs256(shared.Down, settings.Center, shared.DownId));
            sharedKey = SigningKey.Hs256(shared.Up, shared.UpId);
        }
        Identity = new(settings.Name, settings.Center, keys, signing, settings.Commands, sealingKey, settings.OnlySealed || manifest?.OnlySealed == true, manifest, settings.HasClock)
        {
            // From the moment on at which the manifest does not take the suite any more, the certificate's key speaks again.
            Voice = () => sharedKey is not null && Identity!.Manifest?.Takes(Suite.Hs256.Name, time.GetUtcNow()) != false ? sharedKey : signing,
        };
    }

    public string Directory { get; }
    public DeviceSettings Settings { get; }
    public string Name => Settings.Name;

    /// <summary>With its private key.</summary>
    public X509Certificate2 Certificate { get; }

    /// <summary>What goes with <see cref="Certificate"/> in the handshake.</summary>
    public X509Certificate2Collection Chain { get; }

    public X509Certificate2Collection Roots { get; }

    /// <summary>The pinned certificate of the center's command-signing key.</summary>
    public X509Certificate2 CenterCertificate { get; private set; }

    /// <summary>Names it in the device's status, so that the center signs with this key and no other.</summary>
    public string CenterKeyId => Thumbprint.Of(CenterCertificate);

    public DeviceIdentity Identity { get; private set; }

    /// <summary>Keys of the center's audit log, from <c>checkpoint.pub</c>; without that file the device does not look at checkpoints.</summary>
    public IReadOnlyList<CheckpointKey> CheckpointKeys { get; private init; } = [];

    /// <summary>From <c>witnesses.json</c>.</summary>
    public WitnessList Witnesses { get; private init; } = WitnessList.None;

    public string StateDirectory => Path.Combine(Directory, "state");

    internal static AgentException NoDevice(string directory) => new($"{directory} is no device's directory: it has no device.json");

    /// <exception cref="AgentException">One clear line: not a device's directory, bad settings, key readable by others, certificate expired or not this device's.</exception>
    public static DeviceHome Open(string directory, TimeProvider time)
    {
        var path = Path.Combine(directory, "device.json");
        try
        {
            if (!File.Exists(path)) throw NoDevice(directory);
            if (new FileInfo(path).Length > AgentLimits.SettingsBytes) throw new AgentException($"{path} is larger than {AgentLimits.SettingsBytes} bytes");
            var settings = DeviceSettings.Parse(File.ReadAllBytes(path), path);
            DeviceFiles.Recover(directory, settings.Name);
            return Open(directory, settings, time);
        }
        catch (PkiException e)
        {
            throw new AgentException(e.Message, e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AgentException($"cannot read {directory}: {e.Message}", e);
        }
    }

    private static DeviceHome Open(string directory, DeviceSettings settings, TimeProvider time)
    {
        var file = Path.Combine(directory, settings.Name);
        var certificate = PemFile.ReadWithKey(file + ".crt", file + ".key");
        var sent = PemFile.Read(file + ".crt");
        var roots = PemFile.Read(Path.Combine(directory, "root.crt"));
        var center = PemFile.Read(Path.Combine(directory, "center_sign.crt"));
        var judge = new CertificateJudge(() => new TrustStore(roots), () => RevocationState.Empty, time);

        var own = judge.Judge(certificate, sent, CertificatePurpose.TlsClient);
        if (own.Refusal is CertificateRefusal.Expired or CertificateRefusal.NotYetValid)
            throw new AgentException($"the certificate {file}.crt is valid from {certificate.NotBefore.ToUniversalTime():u} to {certificate.NotAfter.ToUniversalTime():u} and it is {time.GetUtcNow():u}: renew it, or set the clock");
        if (!own.Accepted) throw new AgentException($"the certificate {file}.crt cannot be used with root.crt: {own.Detail}");
        if (own.Identity!.Name != settings.Name) throw new AgentException($"the certificate {file}.crt belongs to {own.Identity.Name}, not to {settings.Name}");

        // An expired signing certificate is no reason not to start: every command is then refused certificate-expired, and the operator sees it.
        var signer = judge.Judge(center[0], center, CertificatePurpose.CommandSigning);
        if (!signer.Accepted && signer.Refusal is not (CertificateRefusal.Expired or CertificateRefusal.NotYetValid))
            throw new AgentException($"{directory}/center_sign.crt is not a command-signing certificate under root.crt: {signer.Detail}");
        try
        {
            return new DeviceHome(directory, settings, certificate, [.. sent.Skip(1)], roots, center[0], ReadSealingKey(directory, judge, settings), ReadManifest(directory, settings, roots[0], time), time) { _time = time, CheckpointKeys = ReadCheckpointKeys(Path.Combine(directory, "checkpoint.pub")), Witnesses = WitnessList.Read(Path.Combine(directory, "witnesses.json")) };
        }
        catch (Exception e) when (e is ArgumentException or CryptographicException)
        {
            throw new AgentException($"a key in {directory} is of the wrong kind: {e.Message}", e);
        }
    }

    private static SealingKey? ReadSealingKey(string directory, CertificateJudge judge, DeviceSettings settings)
    {
        var path = Path.Combine(directory, "sealing");
        if (!File.Exists(path + ".crt"))
            return settings.OnlySealed ? throw new AgentException($"{directory}/device.json demands sealed commands, and there is no sealing.crt and sealing.key to open them") : null;
        var certificate = PemFile.ReadWithKey(path + ".crt", path + ".key");
        var verdict = judge.Judge(certificate, PemFile.Read(path + ".crt"), CertificatePurpose.Sealing);
        if (!verdict.Accepted) throw new AgentException($"the certificate {path}.crt cannot be used for sealing: {verdict.Detail}");
        return certificate.GetRSAPrivateKey() is { } rsa
            ? SealingKey.RsaOaep256(rsa, Thumbprint.Of(certificate))
            : SealingKey.EcdhEs(certificate.GetECDiffieHellmanPrivateKey()!, Thumbprint.Of(certificate));
    }

    /// <summary>
    /// Takes a manifest that came over the broker: signed by the policy key for this device, and newer than every one obeyed. It is in <c>manifest.jws</c>, on the disk,
    /// when this returns true.
    /// </summary>
    /// <remarks><paramref name="rejection"/> has no reason when it is the one in force already.</remarks>
    /// <exception cref="IOException">It could not be written, and is not in force.</exception>
    internal bool TryAccept(ReadOnlySpan<byte> message, long obeyed, [NotNullWhen(true)] out ManifestClaims? manifest, out Rejection rejection)
    {
        manifest = null;
        using var key = PolicyKey(Directory, Roots[0]);
        var expected = new Expectation { Keys = KeyRing.Empty.With(key), Audience = Name, Topic = "", Now = _time.GetUtcNow(), HasClock = Settings.HasClock };
        if (!ManifestMessage.TryVerify(message, expected, out var verified, out rejection)) return false;
        if (verified.Claims.Version <= obeyed)
        {
            if (verified.Claims.Version < obeyed) rejection = new(RejectReason.Replayed, $"version {verified.Claims.Version} is older than {obeyed}, which this device has obeyed");
            return false;
        }

        if (verified.Claims.OnlySealed && Identity.SealingKey is null)
        {
            rejection = new(RejectReason.CannotDecrypt, $"version {verified.Claims.Version} demands sealed commands, and there is no sealing key to open them");
            return false;
        }

        var path = Path.Combine(Directory, "manifest.jws");
        File.WriteAllBytes(path + ".new", message.ToArray());
        using (var written = new FileStream(path + ".new", FileMode.Open, FileAccess.ReadWrite)) written.Flush(flushToDisk: true);
        File.Move(path + ".new", path, overwrite: true);
        manifest = verified.Claims;
        Identity = Identity with { Manifest = manifest, OnlySealed = Settings.OnlySealed || manifest.OnlySealed };
        return true;
    }

    /// <summary>Pins another command signer that came over the broker, under the same rules as at a renewal; it is on the disk when this returns true. What the former one has signed is taken for a while.</summary>
    /// <returns>False: it is no news.</returns>
    /// <exception cref="AgentException">Refused, and why.</exception>
    internal bool TakeSigner(ReadOnlySpan<byte> pem)
    {
        if (pem.Length > AgentLimits.SignerBytes) throw new AgentException($"it is larger than {AgentLimits.SignerBytes} bytes");
        if (!DeviceFiles.WriteSigner(Directory, System.Text.Encoding.ASCII.GetString(pem), Roots, _time)) return false;
        var former = Identity.CenterKeys.TryFind(CenterKeyId, out var present) ? present : null;
        ForgetFormerSigner(DateTimeOffset.MaxValue); // of a change just before
        CenterCertificate = PemFile.Read(Path.Combine(Directory, "center_sign.crt"))[0];
        (_former, _formerUntil) = (former, _time.GetUtcNow() + AgentLimits.FormerSigner);
        Identity = Identity with { CenterKeys = Identity.CenterKeys.With(PinnedKey.FromCertificate(CenterCertificate, Settings.Center, Suite.Ps256.Algorithm)) };
        return true;
    }

    /// <summary>True, and the former signer is taken no more, when its time is over.</summary>
    internal bool ForgetFormerSigner(DateTimeOffset now)
    {
        if (_former is null || now < _formerUntil) return false;
        Identity = Identity with { CenterKeys = Identity.CenterKeys.Without(_former.KeyId) };
        _former = null;
        return true;
    }

    private static PinnedKey PolicyKey(string directory, X509Certificate2 root)
    {
        var path = Path.Combine(directory, "policy.crt");
        var policy = File.Exists(path) ? PemFile.Read(path)[0] : root;
        return PinnedKey.FromCertificate(policy, ManifestClaims.Policy, policy.GetECDsaPublicKey() is null ? Suite.Ps256.Algorithm : Suite.Es256.Algorithm);
    }

    private static ManifestClaims? ReadManifest(string directory, DeviceSettings settings, X509Certificate2 root, TimeProvider time)
    {
        var path = Path.Combine(directory, "manifest.jws");
        if (!File.Exists(path)) return null;
        if (new FileInfo(path).Length > WireLimits.MessageBytes) throw new AgentException($"{path} is larger than {WireLimits.MessageBytes} bytes");
        using var key = PolicyKey(directory, root);
        var expected = new Expectation { Keys = KeyRing.Empty.With(key), Audience = settings.Name, Topic = "", Now = time.GetUtcNow(), HasClock = settings.HasClock };
        return ManifestMessage.TryVerify(File.ReadAllBytes(path), expected, out var verified, out var rejection)
            ? verified.Claims
            : throw new AgentException($"{path} is not a manifest for this device: {rejection}");
    }

    private static IReadOnlyList<CheckpointKey> ReadCheckpointKeys(string path)
    {
        if (!File.Exists(path)) return [];
        return CheckpointKey.TryReadPem(File.ReadAllText(path), out var keys, out var why) ? keys : throw new AgentException($"{path} {why}");
    }

    public void Dispose()
    {
        Identity.Key.Dispose();
        Identity.SealingKey?.Dispose();
        foreach (var key in Identity.CenterKeys.Keys) key.Dispose();
        Certificate.Dispose();
    }
}
