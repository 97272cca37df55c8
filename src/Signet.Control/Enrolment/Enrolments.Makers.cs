using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Signet.Access;
using Signet.Audit;
using Signet.Pki;
using Signet.Wire;

namespace Signet.Control;

/// <content>Makers of devices: a certificate from the factory (IEEE 802.1AR's IDevID) admits a device once, under the name in it.</content>
public sealed partial class Enrolments
{
    private volatile KnownMaker[] _makers = [];

    public IReadOnlyList<ManufacturerView> Manufacturers() => [.. _makers.Select(m => new ManufacturerView(
        m.Maker.Name, m.Root.Subject, CertificateFacts.Fingerprint(m.Root), new(m.Root.NotAfter.ToUniversalTime()), m.Maker.Kind, m.Maker.Commands ?? [], m.Maker.NeedsApproval))];

    /// <summary>For the listener: did a maker that is known here make this certificate, and is it good now?</summary>
    public bool IsMade(X509Certificate2 certificate) => MakerOf(certificate) is not null;

    public Task<Outcome<ManufacturerView>> AddManufacturerAsync(NewManufacturer wanted, Actor actor, CancellationToken cancellationToken = default) => _administration.ChangeAsync<ManufacturerView>(async () =>
    {
        if (!Topics.IsWord(wanted.Name)) return new Refusal(RefusalCode.BadInput, "a manufacturer's name has 1 to 64 of the characters a-z 0-9 . _ -");
        if (!Topics.IsWord(wanted.Kind) || (wanted.Commands ?? []).Any(c => !Topics.IsWord(c))) return new Refusal(RefusalCode.BadInput, "kind and commands are words of a-z 0-9 . _ -");
        if (_makers.Any(m => m.Maker.Name == wanted.Name)) return new Refusal(RefusalCode.AlreadyExists, $"there is a manufacturer '{wanted.Name}' already");
        if (_makers.Length >= ControlLimits.Manufacturers) return new Refusal(RefusalCode.BadInput, $"at most {ControlLimits.Manufacturers} manufacturers");
        if (KnownMaker.TryMake(wanted with { Commands = wanted.Commands ?? DeviceKinds.Commands.GetValueOrDefault(wanted.Kind) ?? [] }, _time, out var why) is not { } maker) return new Refusal(RefusalCode.BadInput, why);
        if (_authority.Overview().Any(a => a.Certificate.RawData.AsSpan().SequenceEqual(maker.Root.RawData))) return new Refusal(RefusalCode.BadInput, "that is this house's own authority");
        var permit = await _trail.PermitAsync(actor, Act.ManageAuthorities, AuditTrail.Of(AuditTypes.Certificate, actor, wanted.Name, "manufacturer-added", details: new() { ["root"] = CertificateFacts.Fingerprint(maker.Root), ["kind"] = wanted.Kind }), cancellationToken);
        if (!permit.TryGet(out _, out var refusal)) return refusal;
        await _database.WriteAsync(c => EnrolmentStore.Save(c, maker.Maker, actor.Name, _time.GetUtcNow()), cancellationToken);
        _makers = [.. _makers, maker];
        return Manufacturers().Single(m => m.Name == wanted.Name);
    }, cancellationToken);

    /// <summary>From now on its certificates admit nobody; devices that are enrolled stay.</summary>
    public Task<Outcome<ManufacturerView>> RemoveManufacturerAsync(string name, Actor actor, CancellationToken cancellationToken = default) => _administration.ChangeAsync<ManufacturerView>(async () =>
    {
        if (Manufacturers().FirstOrDefault(m => m.Name == name) is not { } view) return new Refusal(RefusalCode.NotFound, $"there is no manufacturer '{name}'");
        var permit = await _trail.PermitAsync(actor, Act.ManageAuthorities, AuditTrail.Of(AuditTypes.Certificate, actor, name, "manufacturer-removed") with { Emergency = true }, cancellationToken);
        if (!permit.TryGet(out _, out var refusal)) return refusal;
        await _database.WriteAsync(c => EnrolmentStore.RemoveManufacturer(c, name), cancellationToken);
        _makers = [.. _makers.Where(m => m.Maker.Name != name)];
        return view;
    }, cancellationToken);

    private KnownMaker? MakerOf(X509Certificate2 certificate) => Array.Find(_makers, m => m.Judge.Judge(certificate, null, CertificatePurpose.TlsClient).Refusal is CertificateRefusal.None or CertificateRefusal.WrongName);

    private void LoadMakers() => _makers = [.. _database.Read(EnrolmentStore.Manufacturers).Select(m => KnownMaker.TryMake(m, _time, out _)).OfType<KnownMaker>()];

    private sealed record KnownMaker(NewManufacturer Maker, X509Certificate2 Root, CertificateJudge Judge)
    {
        public static KnownMaker? TryMake(NewManufacturer wanted, TimeProvider time, out string why)
        {
            var certificates = new X509Certificate2Collection();
            try
            {
                certificates.ImportFromPem(wanted.Certificates);
            }
            catch (CryptographicException e)
            {
                why = $"the manufacturer's certificates cannot be read: {e.Message}";
                return null;
            }

            var roots = certificates.Where(c => c.SubjectName.RawData.AsSpan().SequenceEqual(c.IssuerName.RawData)).ToList();
            why = certificates.Count is 0 or > ControlLimits.ManufacturerCertificates ? $"give 1 to {ControlLimits.ManufacturerCertificates} certificates, PEM"
                : roots.Count != 1 ? "give exactly one root (self-signed), and the intermediates below it" : "";
            if (why.Length > 0) return null;
            var trust = new TrustStore(roots, certificates.Where(c => !roots.Contains(c)));
            return new(wanted, roots[0], new(() => trust, () => RevocationState.Empty, time));
        }

        /// <summary>The common name in lower case, when a device may be called so.</summary>
        public static string? NameOf(X509Certificate2 made)
            => made.GetNameInfo(X509NameType.SimpleName, forIssuer: false).ToLowerInvariant() is var name && CertificateNames.IsDevice(name) ? name : null;
    }
}
