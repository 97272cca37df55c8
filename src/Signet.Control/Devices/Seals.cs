using System.Collections.Concurrent;
using System.Security.Cryptography.X509Certificates;
using Signet.Audit;
using Signet.Pki;
using Signet.Wire;

namespace Signet.Control;

/// <summary>
/// The keys that commands are sealed to: of each device the newest certificate of the profile <c>device-sealing</c> that is in force. A device that has one gets no readable
/// command any more, whatever its status says or no longer says: somebody who can hide a line of a status must not be able to open what follows.
/// </summary>
internal sealed class Seals(CertificateAuthority authority, Installation installation, Fleet fleet, RepeatedNotes repeated, TimeProvider time)
{
    private readonly ConcurrentDictionary<string, SealingRecipient> _recipients = new(StringComparer.Ordinal);

    /// <summary>The suite of the device's sealing key; null without one. Says nothing about a downgrade.</summary>
    public string? SuiteOf(string device) => Newest(device) is { } newest ? Recipient(device, newest).Suite.Name : null;

    /// <summary>Null: the device has no sealing key, and its commands travel readable.</summary>
    public SealingRecipient? RecipientOf(string device)
    {
        if (Newest(device) is not { } newest) return null;
        var announced = fleet.Find(device)?.Presence.Announced("sealing");
        if (announced != newest.Thumbprint)
            repeated.Add(new(AuditTypes.Security, device, device, "sealing-downgrade-refused", "refused", announced is null ? "not-announced" : "another-key", new() { ["key"] = newest.Thumbprint, ["announced"] = announced }), device);
        return Recipient(device, newest);
    }

    private LedgerEntry? Newest(string device)
    {
        var now = time.GetUtcNow();
        return authority.FindByName(device).Where(e => e.Profile == CertificateProfile.DeviceSealing && !e.IsRevoked && e.NotBefore <= now && e.NotAfter > now).MaxBy(e => e.IssuedAt);
    }

    private SealingRecipient Recipient(string device, LedgerEntry newest) => _recipients.GetOrAdd($"{device}/{newest.Thumbprint}", _ =>
    {
        using var certificate = PemFile.Read(Path.Combine(installation.PkiDirectory, "issued", newest.Serial + ".crt"))[0];
        return SealingRecipient.FromCertificate(X509CertificateLoader.LoadCertificate(certificate.RawData), device);
    });
}
