using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Signet.Audit;
using Signet.Pki;
using Signet.Proof;
using Signet.Wire;

namespace Signet.Control;

/// <summary>Puts together what proves one command: both signed messages, the certificates of everybody who signed, and the audit entry with its place in a signed checkpoint.</summary>
internal sealed class ReceiptExport(ControlDatabase database, CommandLedger ledger, Manifests manifests, AuditLog audit, CertificateAuthority authority, Installation installation, AuditWitness witness)
{
    public async Task<Outcome<ReceiptFile>> ExportAsync(CommandRow command, CancellationToken cancellationToken)
    {
        if (await audit.FindAsync(command.ReceiptEntry ?? 0, cancellationToken) is not { } entry)
            return new Refusal(RefusalCode.NotFound, $"audit entry {command.ReceiptEntry} about this receipt is no longer in the log");
        var proof = await audit.ProveAsync(entry.Sequence, cancellationToken);
        if (proof is null)
        {
            // Younger than the latest checkpoint: sign one now.
            await audit.CheckpointAsync(cancellationToken);
            proof = await audit.ProveAsync(entry.Sequence, cancellationToken);
        }

        if (proof is null) return new Refusal(RefusalCode.AuditUnavailable, "the audit log has no checkpoint over this receipt yet; try again in a moment");
        if (Algorithm(command.Receipt!) == Suite.Hs256.Algorithm || Algorithm(command.Message) == Suite.Hs256.Algorithm)
            return new Refusal(RefusalCode.Conflict, $"{command.Device} shares its key with this center ({Suite.Hs256.Name}): either of the two could have made this command and its receipt, so a file with them would prove nothing to anybody else. The audit log holds what was taken");
        var key = MessageKey(command.Receipt!);
        if (database.Read(c => FleetStore.FindCertificate(c, key)) is not { } device || FindIssued(MessageKey(command.Message)) is not { } signer)
            return new Refusal(RefusalCode.NotFound, "a certificate that signed this command or its receipt is no longer known");
        var attempt = ledger.FindAttempt(command.Id, command.Digest);
        // The newest manifest: a device obeys it from the moment it came, and what was approved under an older one stays approved only where the newer agrees.
        var manifest = command.Proposal is null ? null : manifests.Newest(command.Device);
        if (command.Proposal is not null && manifest is null) return new Refusal(RefusalCode.NotFound, $"the manifest of {command.Device} is no longer known");
        return new ReceiptFile(command.Id, new ReceiptFormat
        {
            Id = command.Id, Command = command.Message, Receipt = command.Receipt!, Signer = signer, Device = device,
            Witness = witness.CertificateOf(proof.Checkpoint), Authority = authority.Intermediate.RawData,
            Sequence = entry.Sequence, Entry = entry.Body.ToArray(), Checkpoint = proof.Checkpoint.Note, Path = proof.Path,
            Envelope = attempt is { Envelope.Length: > 0 } ? attempt.Envelope : null, ContentKey = attempt is { Envelope.Length: > 0 } ? System.Buffers.Text.Base64Url.DecodeFromChars(attempt.ContentKey) : [],
            Manifest = manifest?.Message, Policy = manifest?.Policy ?? [],
        }.Write());
    }

    // What stands in the header of a message of ours: it was verified when it was taken, or made here.
    private static string MessageKey(string jws) => Header(jws, "kid");

    private static string Algorithm(string jws) => Header(jws, "alg");

    private static string Header(string jws, string name)
    {
        var header = System.Buffers.Text.Base64Url.DecodeFromChars(jws.AsSpan(0, jws.IndexOf('.', StringComparison.Ordinal)));
        return System.Text.Json.Nodes.JsonNode.Parse(header)![name]!.GetValue<string>();
    }

    private byte[]? FindIssued(string thumbprint)
    {
        var entry = authority.FindByName(ServerCertificates.SignerName).FirstOrDefault(e => e.Thumbprint == thumbprint);
        if (entry is null) return null;
        using var certificate = PemFile.Read(Path.Combine(installation.PkiDirectory, "issued", entry.Serial + ".crt"))[0];
        return certificate.RawData;
    }
}

/// <summary>
/// The certificate over the key that signs audit checkpoints (<c>pki/audit_checkpoint.crt</c>): with it a receipt can be checked by somebody who trusts only the root.
/// </summary>
internal sealed class AuditWitness
{
    private const string Name = "audit_checkpoint";
    private readonly List<X509Certificate2> _certificates = [];

    /// <summary>Reads the certificates, and issues one for each key of the log that has none.</summary>
    public static AuditWitness Open(CertificateAuthority authority, string directory, string trustPem)
    {
        if (!CheckpointKey.TryReadPem(trustPem, out var keys, out var why)) throw new ControlException($"the audit log's checkpoint keys cannot be read: {why}");
        var witness = new AuditWitness();
        var path = Path.Combine(directory, Name + ".crt");
        if (File.Exists(path)) witness._certificates.AddRange(PemFile.Read(path));
        foreach (var key in keys)
        {
            if (witness._certificates.Exists(c => c.PublicKey.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(key.SubjectPublicKeyInfo.Span))) continue;
            using var issued = authority.IssueFor(new(CertificateProfile.CheckpointSigner, Name, null, ControlLimits.CommandSignerLifetime),
                PublicKey.CreateFromSubjectPublicKeyInfo(key.SubjectPublicKeyInfo.Span, out _));
            witness._certificates.Add(X509CertificateLoader.LoadCertificate(issued.Certificate.RawData));
            PemFile.Write(path, string.Concat(witness._certificates.Select(PemFile.Encode)));
        }

        return witness;
    }

    /// <exception cref="CryptographicException">No certificate fits the checkpoint's key.</exception>
    public byte[] CertificateOf(Checkpoint checkpoint) => _certificates.FirstOrDefault(c => IsSigner(c, checkpoint))?.RawData
        ?? throw new CryptographicException("no certificate for the key of this checkpoint");

    public static bool IsSigner(X509Certificate2 certificate, Checkpoint checkpoint)
    {
        using var key = CheckpointKey.FromSubjectPublicKeyInfo(certificate.PublicKey.ExportSubjectPublicKeyInfo());
        return checkpoint.Verify([key]) == CheckpointTrust.Good;
    }
}
