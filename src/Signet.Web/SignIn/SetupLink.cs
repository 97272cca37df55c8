using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Signet.Web.SignIn;

/// <summary>The one-time token with which the first administrator comes in. Only its hash is kept, in memory: a restart prints a new link.
/// Safe for any number of threads.</summary>
public sealed class SetupLink(TimeProvider time, RandomNumberGenerator random)
{
    private readonly Lock gate = new();
    private byte[]? hash;
    private DateTimeOffset ends;

    /// <summary>Makes a token of 256 random bits; the one before no longer counts.</summary>
    public string Create()
    {
        Span<byte> secret = stackalloc byte[32];
        random.GetBytes(secret);
        var token = Base64Url.EncodeToString(secret);
        lock (gate) (hash, ends) = (SHA256.HashData(Encoding.ASCII.GetBytes(token)), time.GetUtcNow() + WebLimits.SetupLink);
        return token;
    }

    public bool IsValid(string? token)
    {
        lock (gate) return Matches(token);
    }

    /// <summary>Uses the token up. Of two at once only one gets true.</summary>
    public bool TryUse(string? token)
    {
        lock (gate)
        {
            if (!Matches(token)) return false;
            hash = null;
            return true;
        }
    }

    private bool Matches(string? token)
        => token is not null && hash is not null && time.GetUtcNow() < ends && CryptographicOperations.FixedTimeEquals(hash, SHA256.HashData(Encoding.UTF8.GetBytes(token)));
}
