using System.CommandLine;
using System.Security.Cryptography.X509Certificates;
using Signet.Cli.Shell;
using Signet.Pki;

namespace Signet.Cli.Verbs;

/// <summary>An authority that other tools made, as files: root and intermediate in PEM with their keys, or one PKCS#12 file, and revocation lists.</summary>
internal sealed class ForeignAuthorityFiles
{
    private readonly Option<string?> _root = new("--ca-root") { Description = "Take over this authority instead of making one: its root, PEM", HelpName = "FILE" };
    private readonly Option<string?> _rootKey = new("--ca-root-key") { Description = "The root's key: a file (0600) or a PKCS#11 URI; without it the root stays offline", HelpName = "FILE|URI" };
    private readonly Option<string?> _intermediate = new("--ca-intermediate") { Description = "Its intermediate, PEM (default: one is made under the root)", HelpName = "FILE" };
    private readonly Option<string?> _intermediateKey = new("--ca-intermediate-key") { Description = "The intermediate's key: a file (0600) or a PKCS#11 URI", HelpName = "FILE|URI" };
    private readonly Option<string?> _p12 = new("--ca-p12") { Description = "PKCS#12 file with the root or the intermediate, its key and what stands above it", HelpName = "FILE" };
    private readonly Option<bool> _password = new("--ca-password-stdin") { Description = "Read the password of that file from standard input" };
    private readonly Option<string[]> _lists = new("--ca-crl") { Description = "A revocation list of it, PEM or DER (may be repeated): what it names stays revoked", HelpName = "FILE" };
    private readonly Option<string?> _organization = new("--organization") { Description = "Organisation in every subject (default: that of the authority taken over, else Signet)", HelpName = "NAME" };

    public IEnumerable<Symbol> Options => [_root, _rootKey, _intermediate, _intermediateKey, _p12, _password, _lists, _organization];

    /// <summary>Null: a new authority is made.</summary>
    public async Task<ForeignAuthority?> ReadAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var sealedFile = parsed.GetValue(_p12);
        if (parsed.GetValue(_root) is not { } rootFile && sealedFile is null)
            return Nothing(parsed);
        var root = parsed.GetValue(_root) is { } file ? PemFile.Read(file)[0] : null;
        var rootKey = parsed.GetValue(_rootKey) is { } key ? KeyFile.Open(key) : null;
        var intermediate = parsed.GetValue(_intermediate) is { } given ? PemFile.Read(given)[0] : null;
        var intermediateKey = parsed.GetValue(_intermediateKey) is { } own ? KeyFile.Open(own) : null;
        if (sealedFile is not null)
        {
            if (intermediate is not null || intermediateKey is not null)
                throw new CliException(ExitCode.WrongUsage, "Give the authority as --ca-p12 or as --ca-intermediate and --ca-intermediate-key, not both.");
            var inside = Pkcs12File.Read(sealedFile, parsed.GetValue(_password) ? await Console.In.ReadLineAsync(cancellation) ?? "" : "");
            var owned = KeyFile.PrivateKeyOf(inside[0]);
            var bare = X509CertificateLoader.LoadCertificate(inside[0].RawData);
            if (IsSelfSigned(bare))
                (root, rootKey) = (bare, owned);
            else
                (root, intermediate, intermediateKey) = (root ?? inside.FirstOrDefault(IsSelfSigned) ?? throw new CliException(ExitCode.WrongUsage, $"{sealedFile} holds no root: name it with --ca-root FILE."), bare, owned);
        }

        return new(root!, rootKey, intermediate, intermediateKey, parsed.GetValue(_lists) ?? []);
    }

    public string Organization(ParseResult parsed, ForeignAuthority? foreign)
        => parsed.GetValue(_organization) ?? (foreign is null ? "Signet" : OrganizationOf(foreign.Intermediate) ?? OrganizationOf(foreign.Root) ?? "Signet");

    private ForeignAuthority? Nothing(ParseResult parsed)
        => parsed.GetValue(_rootKey) is null && parsed.GetValue(_intermediate) is null && parsed.GetValue(_intermediateKey) is null && parsed.GetValue(_lists) is not { Length: > 0 } ? null
            : throw new CliException(ExitCode.WrongUsage, "To take over an authority name its root: --ca-root FILE.");

    private static bool IsSelfSigned(X509Certificate2 certificate) => certificate.SubjectName.RawData.AsSpan().SequenceEqual(certificate.IssuerName.RawData);

    private static string? OrganizationOf(X509Certificate2? certificate)
        => certificate?.SubjectName.EnumerateRelativeDistinguishedNames().FirstOrDefault(part => !part.HasMultipleElements && part.GetSingleElementType().Value == "2.5.4.10")?.GetSingleElementValue();
}
