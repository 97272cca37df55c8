using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Signet.Pki;

/// <summary>Which names may stand in a certificate.</summary>
public static class CertificateNames
{
    /// <summary>A device: <c>[a-z0-9][a-z0-9._-]{0,62}</c>, also one legal topic level.</summary>
    public static bool IsDevice(string name)
        => name.Length is >= 1 and <= 63 && char.IsAsciiLetterLower(name[0]) | char.IsAsciiDigit(name[0])
            && name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '.' or '_' or '-');

    /// <summary>A person or service: letters, digits and <c>. _ - @</c>, first a letter or digit; nothing that means something in a topic, a URI or a distinguished name.</summary>
    public static bool IsOther(string name)
        => name.Length is >= 1 and <= PkiLimits.MaximumNameLength && char.IsAsciiLetterOrDigit(name[0])
            && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-' or '@');

    internal static bool IsLegal(ProfileRules rules, string name) => rules.IsDevice ? IsDevice(name) : IsOther(name);

    internal static string Urn(ProfileRules rules, string name) => $"urn:signet:{rules.Kind}:{Uri.EscapeDataString(name)}";

    /// <summary>Reads <c>urn:signet:KIND:NAME</c>; false for any other URI and for names that would be written differently.</summary>
    internal static bool TryParseUrn(string uri, [NotNullWhen(true)] out ProfileRules? rules, out string name)
    {
        (rules, name) = (null, "");
        var parts = uri.Split(':');
        if (parts is not ["urn", "signet", var kind, var escaped] || ProfileRules.OfKind(kind) is not { } found) return false;
        name = Uri.UnescapeDataString(escaped);
        if (!IsLegal(found, name) || Urn(found, name) != uri) return false;
        rules = found;
        return true;
    }

    /// <summary>A host as it stands in a subject alternative name: an address, or a DNS name in its ASCII form. No wildcards: one certificate, one server.</summary>
    internal static bool TryParseHost(string text, out IPAddress? address, out string dns, out string why)
    {
        (address, dns, why) = (null, "", "");
        // IPAddress.TryParse also takes "1" and "0x7f.1"; what it prints again must be what was asked for.
        if (IPAddress.TryParse(text, out var parsed) && (parsed.AddressFamily == AddressFamily.InterNetworkV6 || parsed.ToString() == text))
        {
            address = parsed.AddressFamily == AddressFamily.InterNetworkV6 ? new IPAddress(parsed.GetAddressBytes()) : parsed;
            return true;
        }

        try
        {
            dns = new IdnMapping().GetAscii(text.TrimEnd('.')).ToLowerInvariant();
        }
        catch (ArgumentException)
        {
            why = "is not a host name";
            return false;
        }

        if (dns.Contains('*')) why = "is a wildcard; name each host";
        else if (dns.Length > 253 || !dns.Split('.').All(IsLabel)) why = "is neither a host name nor an address";
        return why.Length == 0;
    }

    // The underscore is not a host name's, but container names have it and every client matches it.
    private static bool IsLabel(string label)
        => label.Length is >= 1 and <= 63 && label[0] != '-' && label[^1] != '-' && label.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');
}
