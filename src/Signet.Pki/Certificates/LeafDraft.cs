using System.Net;
using System.Security.Cryptography.X509Certificates;

namespace Signet.Pki;

/// <summary>A request that has been held against its profile: everything that will stand in the certificate except serial and dates.</summary>
internal sealed record LeafDraft(ProfileRules Rules, string Name, AlternativeNames Names, PublicKey Key, KeyKind Kind, TimeSpan Lifetime)
{
    /// <exception cref="ArgumentException">Says what the profile does not allow.</exception>
    public static LeafDraft From(CertificateRequestSpec spec, PublicKey key, NameConstraints constraints)
    {
        var rules = ProfileRules.Of(spec.Profile);
        if (!CertificateNames.IsLegal(rules, spec.Name))
            throw new ArgumentException(rules.IsDevice
                ? $"\"{spec.Name}\" is not a device name: 1 to 63 of a-z 0-9 . _ -, the first a letter or digit"
                : $"\"{spec.Name}\" cannot stand in a certificate: 1 to {PkiLimits.MaximumNameLength} of A-Z a-z 0-9 . _ - @, the first a letter or digit", nameof(spec));
        var kind = KeyKinds.Of(key) ?? throw new ArgumentException("the key is of no kind this authority takes: P-256, P-384, RSA 2048, 3072 or 4096", nameof(key));
        if (rules.Profile == CertificateProfile.CenterSign && kind is KeyKind.P256 or KeyKind.P384)
            throw new ArgumentException("commands are signed with PS256: the key must be RSA", nameof(spec));
        var lifetime = spec.Lifetime ?? rules.Lifetime;
        if (lifetime <= TimeSpan.Zero) throw new ArgumentException("a lifetime is longer than nothing", nameof(spec));

        var names = NamesOf(rules, spec);
        constraints.Require(spec.Name, names);
        return new(rules, spec.Name, names, key, kind, lifetime);
    }

    private static AlternativeNames NamesOf(ProfileRules rules, CertificateRequestSpec spec)
    {
        string[] urn = [CertificateNames.Urn(rules, spec.Name)];
        if (!rules.HasHosts)
        {
            return spec.Hosts is null or [] ? new([], [], urn) : throw new ArgumentException($"a {rules.Kind} certificate names no hosts", nameof(spec));
        }

        var hosts = spec.Hosts ?? ReachableHere(spec.Name);
        if (hosts.Count is 0 or > PkiLimits.MaximumHosts) throw new ArgumentException($"a server certificate names 1 to {PkiLimits.MaximumHosts} hosts, not {hosts.Count}", nameof(spec));
        List<string> dns = [];
        List<IPAddress> addresses = [];
        foreach (var host in hosts)
        {
            if (!CertificateNames.TryParseHost(host, out var address, out var name, out var why)) throw new ArgumentException($"\"{host}\" {why}", nameof(spec));
            if (address is not null) addresses.Add(address);
            else dns.Add(name);
        }

        return new([.. dns.Distinct(StringComparer.Ordinal)], [.. addresses.Distinct()], urn);
    }

    // Nobody said which hosts: the server's own name, where it can be one, and this machine.
    private static List<string> ReachableHere(string name)
        => [.. CertificateNames.TryParseHost(name, out _, out _, out _) ? (string[])[name] : [], "localhost", "127.0.0.1", "::1"];
}
