using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Dapper;
using Signet.Access;
using Signet.Audit;
using Signet.Pki;
using Signet.Wire;

namespace Signet.Control;

/// <summary>A device's newest manifest, for page, API and command line.</summary>
/// <param name="Announced">The version the device says it obeys; null while it has not said so.</param>
/// <param name="Classes">Which commands need how many people.</param>
/// <param name="Arguments">Which commands may be told what; of the others policy says nothing.</param>
/// <param name="Message">Compact JWS.</param>
public sealed record DeviceManifest(
    string Device, long Version, long? Announced, IReadOnlyList<string> Commands, IReadOnlyList<SuiteGrant> Suites, bool Sealed, IReadOnlyList<ManifestClass> Classes, IReadOnlyList<ManifestRule> Arguments, DateTimeOffset Pushed, string Message);

/// <param name="Arguments">Each in words: <c>rpm must be an integer from 0 to 3000</c>. None: the command takes none.</param>
public sealed record ManifestRule(string Command, IReadOnlyList<string> Arguments);

/// <param name="Needed">So many of the approvers, each counted once.</param>
public sealed record ManifestClass(string Name, IReadOnlyList<string> Commands, int Needed, IReadOnlyList<string> Approvers, bool RequesterCounts);

/// <summary>A manifest as the center keeps it. It is not what a device obeys: the device judges its own copy with the policy key it was given.</summary>
internal sealed record StoredManifest(ManifestClaims Claims, string Message, byte[] Policy, DateTimeOffset Pushed);

/// <summary>
/// Signed manifests on their way to devices. They are signed elsewhere, with a key the center does not hold; the center keeps the newest, publishes it on
/// <c>signet/{device}/manifest</c> (retained), and knows from it which commands it need not try without approvals.
/// </summary>
public sealed class Manifests
{
    private readonly ConcurrentDictionary<string, StoredManifest> _newest = new(StringComparer.Ordinal);
    private readonly ControlDatabase _database;
    private readonly Fleet _fleet;
    private readonly Installation _installation;
    private readonly CertificateAuthority _authority;
    private readonly AuditTrail _trail;
    private readonly Administration _administration;
    private readonly TimeProvider _time;
    private volatile BrokerLink? _link;

    internal Manifests(ControlDatabase database, Fleet fleet, Installation installation, CertificateAuthority authority, AuditTrail trail, Administration administration, TimeProvider time)
    {
        (_database, _fleet, _installation, _authority, _trail, _administration, _time) = (database, fleet, installation, authority, trail, administration, time);
        foreach (var row in _database.Read(c => c.Query<Row>("SELECT device AS Device, message AS Message, policy AS Policy, pushed AS Pushed FROM device_manifest").ToList()))
        {
            var policy = Convert.FromBase64String(row.Policy);
            if (Verify(row.Message, policy, row.Device, hasClock: false).TryGet(out var claims, out _)) _newest[row.Device] = new(claims, row.Message, policy, row.Pushed.ToTime());
        }
    }

    internal void Attach(BrokerLink? link) => _link = link;

    public DeviceManifest? Find(string device) => _newest.TryGetValue(device, out var stored) ? View(device, stored) : null;

    internal StoredManifest? Newest(string device) => _newest.GetValueOrDefault(device);

    /// <summary>Checks, keeps and publishes a manifest. An older version than the newest is refused: a device would refuse it too.</summary>
    /// <param name="message">Compact JWS, as <c>signet manifest sign</c> made it.</param>
    /// <param name="policyPem">Certificate of the key that signed it; null: that of the device's home, the one before, or the root.</param>
    public Task<Outcome<DeviceManifest>> PushAsync(string device, string message, string? policyPem, Actor actor, CancellationToken cancellationToken = default) => _administration.ChangeAsync<DeviceManifest>(async () =>
    {
        if (_fleet.Find(device) is null) return new Refusal(RefusalCode.NotFound, $"there is no device '{AuthorizedCommand.Shown(device)}'");
        byte[] policy;
        try
        {
            policy = PolicyOf(device, policyPem);
        }
        catch (Exception e) when (e is CryptographicException or PkiException or ArgumentException)
        {
            return new Refusal(RefusalCode.BadInput, $"the policy certificate cannot be read: {e.Message}");
        }

        message = message.Trim();
        if (!Verify(message, policy, device, hasClock: true).TryGet(out var claims, out var refusal)) return refusal;
        if (Newest(device) is { } before && before.Claims.Version >= claims.Version)
            return before.Message == message ? View(device, before) : new Refusal(RefusalCode.Conflict, $"{device} has version {before.Claims.Version}; a manifest only follows with a higher one, and this is {claims.Version}");
        var permit = await _trail.PermitAsync(actor, Act.ManageDevices, AuditTrail.Of(AuditTypes.Device, actor, device, "manifest-pushed", details: new()
        {
            ["version"] = claims.Version, ["digest"] = Thumbprint.OfBytes(Encoding.ASCII.GetBytes(message)), ["classes"] = string.Join(' ', claims.Classes.Select(c => c.Name)),
        }), cancellationToken);
        if (!permit.TryGet(out _, out refusal)) return refusal;
        var now = _time.GetUtcNow();
        await _database.WriteAsync(c => c.Execute("""
            INSERT INTO device_manifest (device, version, message, policy, pushed) VALUES (@device, @Version, @message, @policy, @pushed)
            ON CONFLICT (device) DO UPDATE SET version = excluded.version, message = excluded.message, policy = excluded.policy, pushed = excluded.pushed
            """, new { device, claims.Version, message, policy = Convert.ToBase64String(policy), pushed = now.ToUnixTimeMilliseconds() }), cancellationToken);
        var stored = _newest[device] = new(claims, message, policy, now);
        if (_link is { } link) await link.PublishManifestAsync(device, stored.Message, cancellationToken);
        return View(device, stored);
    }, cancellationToken);

    /// <summary>A device that shares a key with the center may use it no more: its manifest has ended the suite.</summary>
    /// <param name="device">Its name.</param>
    /// <param name="suite">Of the message that came.</param>
    /// <param name="rejection">What it is refused with.</param>
    internal bool HasEnded(string device, Suite suite, out Rejection rejection)
    {
        rejection = default;
        if (suite != Suite.Hs256 || Newest(device)?.Claims.Takes(suite.Name, _time.GetUtcNow()) != false) return false;
        rejection = new(RejectReason.AlgorithmNotAllowed, $"the manifest of {device} does not take {suite.Name} (any more)");
        return true;
    }

    /// <summary>Publishes every manifest again: a broker that lost its retained messages must not leave a device behind.</summary>
    internal async Task PublishAllAsync(CancellationToken cancellationToken)
    {
        foreach (var (device, stored) in _newest)
            if (_link is { } link && _fleet.Find(device) is not null) await link.PublishManifestAsync(device, stored.Message, cancellationToken);
    }

    private byte[] PolicyOf(string device, string? pem)
    {
        if (pem is not null)
        {
            using var given = X509Certificate2.CreateFromPem(pem);
            return given.RawData;
        }

        var path = Path.Combine(_installation.DeviceDirectory(device), "policy.crt");
        return File.Exists(path) ? PemFile.Read(path)[0].RawData : Newest(device)?.Policy ?? _authority.Root.RawData;
    }

    private Outcome<ManifestClaims> Verify(string message, byte[] policy, string device, bool hasClock)
    {
        using var certificate = X509CertificateLoader.LoadCertificate(policy);
        using var key = PinnedKey.FromCertificate(certificate, ManifestClaims.Policy, certificate.GetRSAPublicKey() is null ? Suite.Es256.Algorithm : Suite.Ps256.Algorithm);
        var expected = new Expectation { Keys = KeyRing.Empty.With(key), Audience = device, Topic = "", Now = _time.GetUtcNow(), HasClock = hasClock };
        return ManifestMessage.TryVerify(Encoding.UTF8.GetBytes(message), expected, out var verified, out var rejection) ? verified.Claims
            : new Refusal(RefusalCode.BadInput, $"it is not a manifest for {device} by its policy key: {rejection}");
    }

    private DeviceManifest View(string device, StoredManifest stored) => new(
        device, stored.Claims.Version, _fleet.Find(device)?.Presence.AnnouncedNumber("manifest"), stored.Claims.Commands, stored.Claims.Suites, stored.Claims.OnlySealed,
        [.. stored.Claims.Classes.Select(c => new ManifestClass(c.Name, c.Commands, c.Needed, c.Approvers, c.RequesterCounts))],
        [.. stored.Claims.Rules.Select(r => new ManifestRule(r.Command, [.. r.Arguments.Select(a => $"{a.Name} {a.Must}{(a.IsOptional ? ", or be left out" : "")}")]))], stored.Pushed, stored.Message);

    private sealed class Row
    {
        public string Device { get; set; } = "";
        public string Message { get; set; } = "";
        public string Policy { get; set; } = "";
        public long Pushed { get; set; }
    }
}
