using System.Diagnostics.CodeAnalysis;
using System.Text;
using Signet.Proof;
using Signet.Store;

namespace Signet.Audit;

/// <summary>The file that holds a log's first HMAC key, from which every later one follows: one line, <c>signet-audit-first-key-v1 BASE64</c>, mode 0600. It belongs into a safe, not on the machine that writes the log.</summary>
public static class AuditFirstKey
{
    private const string Label = "signet-audit-first-key-v1 ";

    public static void Write(string path, ReadOnlySpan<byte> key) => DurableFile.Replace(path, Encoding.ASCII.GetBytes(Label + Convert.ToBase64String(key) + "\n"));

    /// <summary>False when the file does not hold such a key.</summary>
    public static bool TryRead(string path, [NotNullWhen(true)] out byte[]? key)
    {
        key = null;
        var text = File.ReadAllText(path).Trim();
        var bytes = new byte[ForwardKey.Size];
        if (!text.StartsWith(Label, StringComparison.Ordinal) || !Convert.TryFromBase64String(text[Label.Length..], bytes, out var written) || written != bytes.Length) return false;
        key = bytes;
        return true;
    }
}
