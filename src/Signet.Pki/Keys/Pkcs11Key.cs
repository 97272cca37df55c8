using System.Security.Cryptography;

namespace Signet.Pki;

/// <summary>
/// A private key inside a token (smart card, hardware module), named by a PKCS#11 URI (RFC 7512), for example
/// <c>pkcs11:token=signet;object=root;type=private?pin-source=file:/etc/signet/pin</c>. It goes through OpenSSL's pkcs11 engine (Debian: libengine-pkcs11-openssl);
/// the token's module is named by the environment variable PKCS11_MODULE_PATH. The key never leaves the token.
/// </summary>
public static class Pkcs11Key
{
    private const string Engine = "pkcs11";

    public static bool IsUri(string text) => text.StartsWith("pkcs11:", StringComparison.Ordinal);

    /// <exception cref="PkiException">There is no engine, no such token or key, or the PIN is wrong; the line never holds the PIN.</exception>
    public static AsymmetricAlgorithm Open(string uri)
    {
        if (OperatingSystem.IsWindows() || OperatingSystem.IsMacOS() || OperatingSystem.IsBrowser() || OperatingSystem.IsIOS() || OperatingSystem.IsAndroid() || OperatingSystem.IsTvOS())
            throw new PkiException("keys in PKCS#11 tokens need OpenSSL, so Linux");
        // The engine itself prints the whole URI when it finds no key.
        if (uri.Contains("pin-value", StringComparison.OrdinalIgnoreCase))
            throw new PkiException($"give the PIN of {Shown(uri)} by pin-source=file:FILE; a PIN inside the URI ends up in process lists and logs");
        try
        {
            using var handle = SafeEvpPKeyHandle.OpenPrivateKeyFromEngine(Engine, uri);
            try
            {
                return new ECDsaOpenSsl(handle);
            }
            catch (CryptographicException)
            {
                return new RSAOpenSsl(handle);
            }
        }
        catch (CryptographicException e)
        {
            throw new PkiException($"no private key behind {Shown(uri)}: {e.Message} (is libengine-pkcs11-openssl installed, PKCS11_MODULE_PATH set, the PIN right?)", e);
        }
    }

    /// <summary>The URI without its query, where a PIN could stand.</summary>
    public static string Shown(string uri) => uri.Split('?')[0];
}
