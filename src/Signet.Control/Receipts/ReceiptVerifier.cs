using System.Security.Cryptography.X509Certificates;

namespace Signet.Control;

/// <summary>Checks a <see cref="ReceiptFile"/> with nothing but trusted roots: no center, no network, no clock.</summary>
public static class ReceiptVerifier
{
    /// <summary>Never throws on any bytes.</summary>
    /// <param name="file">The file as it was exported; one changed bit anywhere is refused.</param>
    /// <param name="roots">Self-signed certificates the caller trusts.</param>
    public static ReceiptVerdict Verify(ReadOnlySpan<byte> file, IReadOnlyCollection<X509Certificate2> roots) => throw new NotSupportedException("lands next");
}
