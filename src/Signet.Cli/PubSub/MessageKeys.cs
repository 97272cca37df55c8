using System.Buffers.Text;
using System.CommandLine;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Signet.Cli.Shell;
using Signet.Pki;
using Signet.Wire;

namespace Signet.Cli.PubSub;

/// <summary>Keys of messages, as the command line names them: files with HMAC keys, certificates to sign with, to verify with, to seal to and to open with.</summary>
internal static class MessageKeys
{
    public static readonly Option<string?> HmacKey = new("--hmac-key") { Description = "File (0600) with the key both sides share: 32 to 64 bytes, as hexadecimal or base64url text or raw", HelpName = "FILE" };

    /// <summary>The bytes of an HMAC key file.</summary>
    /// <exception cref="PkiException">Missing or readable by others.</exception>
    public static byte[] ReadHmac(string path)
    {
        KeyFile.RequirePrivate(path);
        var bytes = File.ReadAllBytes(path);
        try
        {
            var text = System.Text.Encoding.ASCII.GetString(bytes).Trim();
            if (text.Length is >= 64 and <= 128 && text.All(char.IsAsciiHexDigit)) return Convert.FromHexString(text);
            if (text.Length is >= 43 and <= 88 && Base64Url.IsValid(text)) return Base64Url.DecodeFromChars(text);
            if (bytes.Length is >= WireLimits.HmacKeyBytesLeast and <= WireLimits.HmacKeyBytesMost) return [.. bytes];
        }
        finally
        {
            CryptographicOperations.ZeroMemory(bytes);
        }

        throw new CliException(ExitCode.WrongUsage, $"{path} holds no HMAC key: {WireLimits.HmacKeyBytesLeast} to {WireLimits.HmacKeyBytesMost} bytes, as hexadecimal or base64url text or raw. Make one with: openssl rand -hex 32");
    }

    /// <summary>Both sides come to the same name for a key without telling anything about it.</summary>
    public static string HmacId(ReadOnlySpan<byte> key) => "hmac." + Convert.ToHexStringLower(HMACSHA256.HashData(key, "signet key id"u8).AsSpan(0, 8));

    public static SigningKey SignWith(X509Certificate2 certificate)
        => certificate.GetECDsaPrivateKey() is { } ec ? SigningKey.Es256(ec, Thumbprint.Of(certificate))
            : certificate.GetRSAPrivateKey() is { } rsa ? SigningKey.Ps256(rsa, Thumbprint.Of(certificate))
            : throw new CliException(ExitCode.WrongUsage, "The key of --cert cannot sign.");

    public static PinnedKey VerifyWith(X509Certificate2 certificate)
        => PinnedKey.FromCertificate(certificate, NameOf(certificate), certificate.GetRSAPublicKey() is null ? Suite.Es256.Algorithm : Suite.Ps256.Algorithm);

    /// <summary>The name a certificate gives its owner, as messages carry it.</summary>
    public static string NameOf(X509Certificate2 certificate)
    {
        var name = certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false).ToLowerInvariant();
        return Topics.IsPartyName(name) ? name : throw new CliException(ExitCode.WrongUsage, $"The certificate's name \"{Printer.Inert(name)}\" cannot stand in a message (a-z 0-9 . _ -); choose another certificate.");
    }
}
