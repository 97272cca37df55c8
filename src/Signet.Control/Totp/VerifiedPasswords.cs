using System.Security.Cryptography;
using System.Text;

namespace Signet.Control;

/// <summary>
/// Remembers for ten minutes which password was found right for which hash, so that a fleet that comes back every minute does not cost a bcrypt each. Holds an HMAC under
/// a key of this process, never a password; only right ones are remembered; another hash, or <see cref="Forget"/>, voids it.
/// </summary>
internal sealed class VerifiedPasswords(TimeProvider time, RandomNumberGenerator random)
{
    private readonly Dictionary<string, (byte[] Mac, DateTimeOffset Until)> _known = new(StringComparer.Ordinal);
    private readonly Lock _one = new();
    private readonly byte[] _key = Fresh(random);

    public bool Knows(string account, string hash, ReadOnlySpan<byte> password)
    {
        byte[] mac;
        lock (_one)
        {
            if (!_known.TryGetValue(account, out var entry)) return false;
            if (entry.Until <= time.GetUtcNow())
            {
                _known.Remove(account);
                return false;
            }

            mac = entry.Mac;
        }

        return CryptographicOperations.FixedTimeEquals(mac, MacOf(account, hash, password));
    }

    public void Remember(string account, string hash, ReadOnlySpan<byte> password)
    {
        var mac = MacOf(account, hash, password);
        lock (_one) _known[account] = (mac, time.GetUtcNow() + ControlLimits.VerifiedPassword);
    }

    public void Forget(string account)
    {
        lock (_one) _known.Remove(account);
    }

    private byte[] MacOf(string account, string hash, ReadOnlySpan<byte> password)
    {
        using var mac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, _key);
        // Neither names nor hashes hold NUL.
        mac.AppendData(Encoding.UTF8.GetBytes($"{account}\0{hash}\0"));
        mac.AppendData(password);
        return mac.GetHashAndReset();
    }

    private static byte[] Fresh(RandomNumberGenerator random)
    {
        var key = new byte[32];
        random.GetBytes(key);
        return key;
    }
}
